/**
 * From messages to the bytes of a batch. A pure function of the messages, the catalog as of one journal entry and the identities known with a
 * smaller sequence: whoever makes the same batch again, at any time and in any process, gets the same bytes.
 */
import type { BatchRows, Clock, EncodedRows, SinkStore, UsageMessage, UsageStream } from "../ports.ts";
import {
  isWritten,
  type BatchEvent,
  type DecidedRow,
  type DecodedEvent,
  type RejectionReason,
} from "../../domain/usage-event.ts";
import { present } from "../../kernel/assert.ts";
import { sha256Hex } from "../../kernel/hash.ts";
import type { RetractionTarget } from "../../domain/usage-retraction.ts";
import type { AmendDeps } from "../../metering/amend-event.ts";
import { decideVerdicts, eventKeysOf, retractionKeysOf } from "../../metering/decide-batch.ts";
import { createDecodeContext, type EventTimeRange } from "../../metering/decode-context.ts";
import { decodeMessage } from "../../metering/decode-message.ts";
import type { MeteringCatalog } from "../../metering/metering-catalog.ts";
import { originsOf, refuseForgedReplays } from "../../metering/refuse-forged-replays.ts";
import { cutBatch, type BatchCut, type CutBatchInput } from "./cut-batch.ts";
import type { IdentityIndex, KnownIdentities } from "./identity-index.ts";
import type { MeteringCatalogs } from "./metering-catalogs.ts";
import type { BatchFacts } from "./protocol-types.ts";

export type SinkLimits = {
  /** A batch ends with the message that reaches this many events … */
  readonly batchEventsMax: number;
  /** … or before the one that would exceed this many bytes of messages … */
  readonly batchBytesMax: number;
  /** … or this long after its first message came. */
  readonly batchWaitMs: number;
};

export type MakeBatchDeps = {
  readonly shard: number;
  readonly stream: UsageStream;
  readonly store: SinkStore;
  readonly identities: IdentityIndex;
  readonly catalogs: MeteringCatalogs;
  readonly openRows: () => BatchRows;
  readonly timeRange: EventTimeRange;
  readonly clock: Clock;
  readonly limits: SinkLimits;
};

/** Messages of a batch, decoded; their identities are not decided yet, so this may be done while the batch before is being inserted. */
export type PreparedBatch = {
  readonly first: number;
  readonly last: number;
  readonly messages: readonly UsageMessage[];
  readonly events: readonly BatchEvent[];
  readonly rows: BatchRows;
  readonly catalogSeq: number;
  readonly catalog: MeteringCatalog;
  /** Looking up 25,000 of 100 million takes as long as the insert beside it. */
  readonly ahead?: LookedUpAhead;
};

type LookedUpAhead = { readonly found: Promise<KnownIdentities | null>; readonly isDone: () => boolean };

export type MadeBatch = {
  readonly facts: BatchFacts;
  readonly encoded: EncodedRows;
  /** Body hash by event key, of the identities that the batch adds. */
  readonly accepted: KnownIdentities;
  /** Rejected events by reason, for whoever watches the sink. */
  readonly rejections: ReadonlyMap<RejectionReason, number>;
  /** Where a row came from, for the message about a row that the engine refuses. */
  readonly rowPlace: (row: number) => string;
  /** Gives the memory of the rows back, for another batch. */
  readonly release: () => void;
};

const IDLE_MS = 1_000;

/** The next messages from `from` on; null when none came for a while. The journal's head is read after them: "apply, then publish" holds. */
export async function prepareBatch(
  deps: MakeBatchDeps,
  input: { readonly from: number; readonly signal: AbortSignal },
): Promise<PreparedBatch | null> {
  const { batchEventsMax, batchBytesMax, batchWaitMs } = deps.limits;
  const limits = { messagesMax: batchEventsMax, bytesMax: batchBytesMax, waitMs: batchWaitMs, idleMs: IDLE_MS };
  const { from, signal } = input;
  const taken = await deps.stream.take({ ...limits, from, signal });
  if (taken.length === 0) return null;
  const catalog = await deps.catalogs.head();
  const rows = deps.openRows();
  const { messages, events } = await cut(deps, { messages: taken, catalog, eventsMax: batchEventsMax, rows });
  return {
    first: from,
    last: present(messages.at(-1), "the last message").seq,
    messages,
    events,
    rows,
    catalogSeq: catalog.seq,
    catalog,
    ahead: lookUpAhead(deps.identities, eventKeysOf(events)),
  };
}

function lookUpAhead(identities: IdentityIndex, eventKeys: readonly bigint[]): LookedUpAhead {
  let done = false;
  const found = identities.ahead(eventKeys).finally(() => {
    done = true;
  });
  return { found, isDone: () => done };
}

/** The messages of a recorded plan, whatever today's limits are. */
export async function prepareRecorded(
  deps: MakeBatchDeps,
  plan: { readonly first: number; readonly last: number; readonly catalogSeq: number },
): Promise<PreparedBatch> {
  const { first, last, catalogSeq } = plan;
  const messages = await deps.stream.range({ first, last });
  const catalog = await deps.catalogs.at(catalogSeq);
  const rows = deps.openRows();
  const { events } = await cut(deps, { messages, catalog, eventsMax: Number.POSITIVE_INFINITY, rows });
  return { first, last, messages, events, rows, catalogSeq, catalog };
}

function cut(
  { timeRange, clock }: MakeBatchDeps,
  input: Pick<CutBatchInput, "messages" | "catalog" | "eventsMax" | "rows">,
): Promise<BatchCut> {
  return cutBatch({ ...input, timeRange, turn: () => clock.sleep(0) });
}

export type BatchPlacing = { readonly incarnation: string; readonly cut: number };

export async function makeBatch(
  deps: MakeBatchDeps,
  prepared: PreparedBatch,
  placing: BatchPlacing,
): Promise<MadeBatch> {
  const { incarnation } = placing;
  const events = await withoutForgedReplays(deps, prepared, incarnation);
  const asked = { eventKeys: eventKeysOf(events), incarnation, beforeSeq: prepared.first };
  const known = await deps.identities.known(asked, await prepared.ahead?.found);
  return decided(deps, { ...prepared, events }, { placing, known });
}

/**
 * The same batch while the one before it is still being inserted: `underWay` are the identities which that one adds, known by the time this one is
 * planned. Null where the database has to be asked about more than was looked up ahead.
 */
export async function makeBatchAhead(
  deps: MakeBatchDeps,
  prepared: PreparedBatch,
  { placing, underWay }: { readonly placing: BatchPlacing; readonly underWay: KnownIdentities },
): Promise<MadeBatch | null> {
  const { messages, events } = prepared;
  const found = (await prepared.ahead?.found) ?? null;
  if (found === null || originsOf(messages).length > 0 || retractionKeysOf(events).length > 0) return null;
  const known = new Map(found);
  for (const { eventKey } of events) {
    const bodyHash = underWay.get(eventKey);
    if (bodyHash !== undefined) known.set(eventKey, bodyHash);
  }
  return decided(deps, prepared, { placing, known });
}

async function decided(
  deps: MakeBatchDeps,
  prepared: PreparedBatch,
  { placing, known }: { readonly placing: BatchPlacing; readonly known: KnownIdentities },
): Promise<MadeBatch> {
  const { first, last, messages, catalogSeq } = prepared;
  const { incarnation, cut } = placing;
  const events = withWholeTargets(deps, prepared);
  const { targets, amend } = await targetsOf(deps, prepared, incarnation);
  const batch = { shard: deps.shard, incarnation: BigInt(incarnation), batchFirst: first, cut };
  const { rows, counts, accepted } = decideVerdicts({ events, known, targets, amend, batch });
  const encoded = prepared.rows.encoded(rows, batch);
  const lastMessage = present(messages.at(-1), "the last message");
  const facts: BatchFacts = {
    first,
    last,
    cut,
    catalogSeq,
    messages: messages.length,
    rows: rows.length,
    sha256: sha256Hex(encoded.bytes),
    counts,
    lastMessageAt: lastMessage.ingestedAt,
    lastMessageSha256: sha256Hex(lastMessage.body),
  };
  const rowPlace = (row: number): string => {
    const event = events[row];
    if (event === undefined) return `row ${row}`;
    const { seq, position, source, id } = isWritten(event) ? decodedAgain(deps, prepared, event) : event;
    return `message ${seq}, event ${position} (${source}/${id})`;
  };
  const release = (): void => {
    prepared.rows.release();
  };
  return { facts, encoded, accepted, rejections: countRejections(rows), rowPlace, release };
}

function countRejections(rows: readonly DecidedRow[]): ReadonlyMap<RejectionReason, number> {
  const counts = new Map<RejectionReason, number>();
  for (const row of rows) {
    if (row.verdict !== "rejected") continue;
    // A rejected event always has one of the rejections as its reason.
    const reason = row.reason as RejectionReason;
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return counts;
}

/** What a void or amend names in its own batch is needed as a whole, which is rare enough to decode it again. */
function withWholeTargets(deps: MakeBatchDeps, prepared: PreparedBatch): readonly BatchEvent[] {
  const { events } = prepared;
  const named = new Set(retractionKeysOf(events));
  if (named.size === 0) return events;
  return events.map((event) =>
    isWritten(event) && named.has(event.eventKey) ? decodedAgain(deps, prepared, event) : event,
  );
}

function decodedAgain(
  { timeRange }: MakeBatchDeps,
  { first, messages, catalog }: PreparedBatch,
  { seq, position }: BatchEvent,
): DecodedEvent {
  const message = present(messages[seq - first], "the message of an event");
  const events = decodeMessage(message, createDecodeContext({ catalog, timeRange }));
  return present(events[position], "the event at its position");
}

/** Nothing is asked where no message is a replay, which is nearly always. */
async function withoutForgedReplays(
  deps: MakeBatchDeps,
  prepared: PreparedBatch,
  incarnation: string,
): Promise<readonly BatchEvent[]> {
  const { first, messages, events } = prepared;
  const origins = originsOf(messages);
  const { shard, store } = deps;
  const rows =
    origins.length === 0 ? [] : await store.quarantinedRows({ origins, shard, incarnation, beforeSeq: first });
  return refuseForgedReplays({ messages, events, rows });
}

type Targets = { readonly targets: ReadonlyMap<bigint, RetractionTarget>; readonly amend: AmendDeps };

/** What voids and amends of the batch name, and the catalogs that decided those events; nothing is asked where there are none. */
async function targetsOf(deps: MakeBatchDeps, prepared: PreparedBatch, incarnation: string): Promise<Targets> {
  const { first, events, catalog } = prepared;
  const { shard, timeRange } = deps;
  const eventKeys = retractionKeysOf(events);
  const targets =
    eventKeys.length === 0
      ? new Map<bigint, RetractionTarget>()
      : await deps.store.retractionTargets({ eventKeys, shard, incarnation, beforeSeq: first });
  const catalogs = new Map([[catalog.seq, catalog]]);
  for (const { catalogSeq } of targets.values())
    if (!catalogs.has(catalogSeq)) catalogs.set(catalogSeq, await deps.catalogs.at(catalogSeq));
  const catalogAt = (seq: number): MeteringCatalog => present(catalogs.get(seq), `the catalog of journal entry ${seq}`);
  return { targets, amend: { catalog, catalogAt, timeRange } };
}
