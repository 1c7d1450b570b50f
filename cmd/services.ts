/** Puts the adapters together into what the use cases need. The only place that knows both sides. */
import { createJournalReader, type JournalReader } from "../src/app/catalog/journal-reader.ts";
import { contractSpans } from "../src/app/catalog/contract-spans.ts";
import { projectJournal } from "../src/app/catalog/project-journal.ts";
import type { InvoicingDeps } from "../src/app/invoicing/invoicing-deps.ts";
import type { CutRegister, Journal, PlanMarks, ShardKeys, SinkStore, StreamState } from "../src/app/ports.ts";
import type { RatingDeps } from "../src/app/rating/rating-deps.ts";
import { repeatRun } from "../src/app/rating/repeat-run.ts";
import { catchUp } from "../src/app/sink/catch-up.ts";
import { raiseCut } from "../src/app/sink/raise-cut.ts";
import { verifyUsage } from "../src/app/verify/verify.ts";
import type { VerifyDeps } from "../src/app/verify/verify-types.ts";
import { billingStore } from "../src/clickhouse/billing-store.ts";
import type { ClickHouse } from "../src/clickhouse/connect.ts";
import { invoiceStore } from "../src/clickhouse/invoice-store.ts";
import { compareProjections, createJournalProjection } from "../src/clickhouse/journal-projection.ts";
import { requireCurrentSchema } from "../src/clickhouse/migrate.ts";
import { sinkStore } from "../src/clickhouse/sink-store.ts";
import { createVerifyStore } from "../src/clickhouse/verify-store.ts";
import { AppError } from "../src/kernel/errors.ts";
import type { Nats } from "../src/stream/connect.ts";
import { cutRegister } from "../src/stream/cut-register.ts";
import { createJournal } from "../src/stream/journal.ts";
import { planMarks } from "../src/stream/plan-marks.ts";
import { openBucket, readShards } from "../src/stream/register.ts";
import { shardKeys } from "../src/stream/shard-keys.ts";
import { usageStreamState } from "../src/stream/usage-stream.ts";
import { openRuns } from "../src/stream/open-runs.ts";
import { verifyRegister, type VerifyRegister } from "../src/stream/verify-register.ts";
import type { Context } from "./context.ts";
import { systemClock } from "./system-clock.ts";

export type Services = {
  readonly clickhouse: ClickHouse;
  readonly nats: Nats;
  readonly shards: number;
  readonly keys: ShardKeys;
  readonly cuts: CutRegister;
  readonly marks: PlanMarks;
  readonly sinkStore: SinkStore;
  readonly journal: Journal;
  readonly reader: JournalReader;
  /** Brings the projections up to the journal's head. */
  readonly project: () => Promise<void>;
  /** How far they are. */
  readonly projected: () => Promise<number>;
  readonly verifications: VerifyRegister;
  readonly rating: RatingDeps;
  readonly invoicing: InvoicingDeps;
  readonly verify: (onProgress: VerifyDeps["onProgress"]) => VerifyDeps;
};

/** A rating or a verification waits this long for the batches under way, and a rating this long for what the streams hold when it begins. */
const CUT_TIMEOUT_MS = 60_000;
const CATCH_UP_TIMEOUT_MS = 120_000;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 5_000;
/** Unavailable, but not by an outage: somebody has to start something first. */
const FINAL_CODES: ReadonlySet<string> = new Set(["NOTHING_RUNNING", "STREAMS_MISSING"]);

/** Throws `settings` when the schema is not this release's, `unavailable` when a service does not answer. */
export async function openServices(context: Context): Promise<Services> {
  const clickhouse = context.clickhouse();
  await clickhouse.ping();
  await requireCurrentSchema(clickhouse);
  const nats = await context.nats();
  const bucket = await openBucket(nats);
  const shards = await readShards(bucket);
  const base = {
    clickhouse,
    nats,
    shards,
    keys: shardKeys(bucket),
    cuts: cutRegister(bucket),
    marks: planMarks(bucket),
    sinkStore: ofCurrentSchema(sinkStore(clickhouse), clickhouse),
    journal: createJournal(nats, { now: systemClock.now }),
  };
  const reader = createJournalReader(base.journal);
  const projection = createJournalProjection(clickhouse);
  const project = (): Promise<void> => projectJournal({ journal: base.journal, projection });
  const rating = ratingDeps({ ...base, reader, project, openRuns: openRuns(bucket) });
  return {
    ...base,
    reader,
    project,
    projected: () => projection.watermark(),
    verifications: verifyRegister(bucket),
    rating,
    invoicing: invoicingDeps({ ...base, reader, rating }),
    verify: verifyDeps({ ...base, rating }),
  };
}

/**
 * The services for a role that runs for long: a server that does not answer yet (it is being started again) is waited for. Null when the signal
 * came first. What waiting does not mend is thrown: a schema of another release, streams that nobody has made.
 */
export async function awaitServices(context: Context, signal: AbortSignal): Promise<Services | null> {
  for (let waitMs = RETRY_FIRST_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, RETRY_MAX_MS)) {
    try {
      return await openServices(context);
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== "unavailable" || FINAL_CODES.has(error.code)) throw error;
      context.logger.warn({ code: error.code }, `waiting for the servers: ${error.message}`);
    }
    await systemClock.sleep(waitMs, signal).catch(() => undefined);
  }
  return null;
}

/** A standby may have waited while another release changed the schema: whoever takes a shard looks once more. */
function ofCurrentSchema(store: SinkStore, clickhouse: ClickHouse): SinkStore {
  const fence = async (input: Parameters<SinkStore["fence"]>[0]): Promise<void> => {
    await requireCurrentSchema(clickhouse);
    await store.fence(input);
  };
  return { ...store, fence };
}

type Base = Pick<Services, "clickhouse" | "nats" | "shards" | "keys" | "cuts" | "sinkStore" | "journal">;

/** Raises the cut; the one before it is complete then. */
function closeCut(base: Base): Promise<number> {
  const { cuts, keys, sinkStore: store, shards } = base;
  return raiseCut({ cuts, keys, store, clock: systemClock, shards }, { timeoutMs: CUT_TIMEOUT_MS });
}

function ratingDeps(base: Base & Pick<Services, "reader" | "project"> & Pick<RatingDeps, "openRuns">): RatingDeps {
  const { reader, journal, project } = base;
  return {
    store: billingStore(base.clickhouse),
    journal,
    catalogAt: async (seq) => (await reader.at(seq)).catalog,
    finalizedAt: async (seq) => (await reader.at(seq)).finalized,
    spansOf: contractSpans,
    completeCut: async () => {
      const streamState = (shard: number): Promise<StreamState> => usageStreamState(base.nats, shard);
      await catchUp(
        { ...base, streamState, store: base.sinkStore, clock: systemClock },
        { timeoutMs: CATCH_UP_TIMEOUT_MS },
      );
      return closeCut(base);
    },
    openRuns: base.openRuns,
    findRun: async (runId) => (await reader.head()).runs.get(runId) ?? null,
    project,
    now: systemClock.now,
    turn: () => systemClock.sleep(0),
  };
}

function invoicingDeps(base: Base & { readonly reader: JournalReader; readonly rating: RatingDeps }): InvoicingDeps {
  const store = verifyStore(base.clickhouse);
  return {
    ...base.rating,
    invoiceStore: invoiceStore(base.clickhouse),
    readState: async () => {
      const state = await base.reader.head();
      return { ...state, runs: [...state.runs.values()] };
    },
    verifyForFinalize: (cut) => verifyUsage({ store }, cut),
  };
}

function verifyDeps(base: Base & { readonly rating: RatingDeps }) {
  return (onProgress: VerifyDeps["onProgress"]): VerifyDeps => ({
    store: verifyStore(base.clickhouse),
    journal: { entries: () => wholeJournal(base.journal) },
    project: base.rating.project,
    streams: Array.from({ length: base.shards }, (_, shard) => ({
      shard,
      state: () => usageStreamState(base.nats, shard),
    })),
    completeCut: () => closeCut(base),
    repeatRun: (run) => repeatRun({ ...base.rating, findRun: () => Promise.resolve(run) }, run.runId),
    onProgress,
  });
}

function verifyStore(clickhouse: ClickHouse) {
  return createVerifyStore(clickhouse, (entries) => compareProjections(clickhouse, entries));
}

async function* wholeJournal(journal: Journal) {
  const { seq } = await journal.head();
  yield* journal.read({ after: 0, upTo: seq });
}
