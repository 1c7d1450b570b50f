/**
 * From decoded events to rows with verdicts. The caller asks in between which identities are known already. A pure function of the events in the
 * order of (sequence, position) and of the identities with a smaller sequence: the same batch can be made again, byte by byte, at any time.
 */
import type { BatchCounts } from "../domain/sink-plan.ts";
import {
  isWritten,
  type BatchEvent,
  type BatchPlace,
  type DecidedRow,
  type DecodedEvent,
  type Rejection,
  type UsageRow,
  type Verdict,
  type WrittenRow,
} from "../domain/usage-event.ts";
import type { RetractionTarget } from "../domain/usage-retraction.ts";
import type { AmendDeps } from "./amend-event.ts";
import { assert } from "../kernel/assert.ts";
import { contributionsOf, decideRetraction, type DecidedRetraction } from "./decide-retraction.ts";

/** The identities to look up. Rejected events own none. May name one twice. */
export function eventKeysOf(events: readonly BatchEvent[]): bigint[] {
  const keys: bigint[] = [];
  for (const event of events) if (isWritten(event) || !event.rejected) keys.push(event.eventKey);
  return keys;
}

/** The events that voids and amends name. */
export function retractionKeysOf(events: readonly BatchEvent[]): bigint[] {
  const keys = new Set<bigint>();
  for (const event of events)
    if (!isWritten(event) && event.retraction !== undefined) keys.add(event.retraction.targetKey);
  return [...keys];
}

export type DecideVerdictsInput = {
  /** Those that voids and amends of the batch name are whole. */
  readonly events: readonly BatchEvent[];
  /** Body hash by event key, of accepted events before this batch. */
  readonly known: ReadonlyMap<bigint, bigint>;
  /** What voids and amends name, as it counts before this batch. */
  readonly targets: ReadonlyMap<bigint, RetractionTarget>;
  readonly amend: AmendDeps;
  readonly batch: BatchPlace;
};

export type DecidedBatch<Row = DecidedRow> = {
  /** One per event, in their order. */
  readonly rows: readonly Row[];
  readonly counts: BatchCounts;
  /** Body hash by event key, of the identities that this batch adds. */
  readonly accepted: ReadonlyMap<bigint, bigint>;
};

/** The first of an identity wins, be it in an earlier batch or earlier in this one; of what takes back an event, the last. */
export function decideVerdicts(
  input: DecideVerdictsInput & { readonly events: readonly DecodedEvent[] },
): DecidedBatch<UsageRow>;
export function decideVerdicts(input: DecideVerdictsInput): DecidedBatch;
export function decideVerdicts(input: DecideVerdictsInput): DecidedBatch {
  const { batch, known } = input;
  const accepted = new Map<bigint, bigint>();
  const counts = { accepted: 0, duplicate: 0, conflict: 0, rejected: 0 };
  const rows: DecidedRow[] = [];
  const targets = new Map(input.targets);
  const named = new Set(retractionKeysOf(input.events));
  for (const event of input.events) {
    if (isWritten(event)) {
      assert(!named.has(event.eventKey), "an event that is taken back is whole");
      const verdict = identityVerdict(event, accepted, known);
      if (verdict === "accepted") accepted.set(event.eventKey, event.bodyHash);
      counts[verdict] += 1;
      rows.push(verdict === "accepted" ? event : { row: event.row, verdict });
      continue;
    }
    const verdict = event.rejected ? "rejected" : identityVerdict(event, accepted, known);
    const outcome = verdict === "accepted" ? retractionOutcome(event, input, targets) : undefined;
    if (outcome?.kind === "rejection") {
      counts.rejected += 1;
      rows.push(refusedRow(event, outcome, batch));
      continue;
    }
    if (verdict === "accepted") {
      accepted.set(event.eventKey, event.bodyHash);
      if (named.has(event.eventKey)) targets.set(event.eventKey, targetOf(event, input));
    }
    counts[verdict] += 1;
    rows.push(usageRow({ event, verdict, batch, outcome }));
  }
  return { rows, counts, accepted };
}

function identityVerdict(
  event: BatchEvent,
  accepted: ReadonlyMap<bigint, bigint>,
  known: ReadonlyMap<bigint, bigint>,
): WrittenRow["verdict"] {
  const seen = known.get(event.eventKey) ?? accepted.get(event.eventKey);
  if (seen === undefined) return "accepted";
  return seen === event.bodyHash ? "duplicate" : "conflict";
}

/** Undefined for an event that takes nothing back. An accepted retraction changes what counts of its target. */
function retractionOutcome(
  event: DecodedEvent,
  { amend, batch }: DecideVerdictsInput,
  targets: Map<bigint, RetractionTarget>,
): DecidedRetraction | Rejection | undefined {
  const request = event.retraction;
  if (request === undefined) return undefined;
  const target = targets.get(request.targetKey);
  const outcome = decideRetraction(amend, { event, request, target, batch });
  if (outcome.kind === "retraction" && target !== undefined)
    targets.set(request.targetKey, { ...target, live: outcome.live });
  return outcome;
}

function targetOf(event: DecodedEvent, { amend, batch }: DecideVerdictsInput): RetractionTarget {
  const { type, customer, subject, ingestedAt, raw } = event;
  const catalogSeq = amend.catalog.seq;
  return { type, customer, subject, ingestedAt, raw, catalogSeq, live: contributionsOf(event, batch) };
}

/** A void or amend that can't be carried out owns no identity, like everything that is rejected: it may come again after its target. */
function refusedRow(event: DecodedEvent, { reason, detail }: Rejection, batch: BatchPlace): UsageRow {
  const refused = { ...event, rejected: true, reason, detail, eventKey: 0n, bodyHash: 0n };
  return usageRow({ event: refused, verdict: "rejected", batch, outcome: undefined });
}

type UsageRowInput = {
  readonly event: DecodedEvent;
  readonly verdict: Verdict;
  readonly batch: BatchPlace;
  readonly outcome: DecidedRetraction | undefined;
};

/** Written out member by member: a spread of so many costs more than all checks of the event together. */
function usageRow({ event, verdict, batch, outcome }: UsageRowInput): UsageRow {
  const isAccepted = verdict === "accepted";
  const told = outcome ?? event;
  return {
    shard: batch.shard,
    incarnation: batch.incarnation,
    seq: event.seq,
    position: event.position,
    batchFirst: batch.batchFirst,
    cut: batch.cut,
    subject: event.subject,
    ingestedAt: event.ingestedAt,
    source: event.source,
    id: event.id,
    type: event.type,
    customer: event.customer,
    eventTime: event.eventTime,
    verdict,
    reason: isAccepted || event.rejected ? told.reason : "",
    detail: isAccepted || event.rejected ? told.detail : "",
    eventKey: event.eventKey,
    bodyHash: event.bodyHash,
    raw: event.raw,
    // Only accepted usage counts; what the others would have contributed is nobody's business.
    uses: isAccepted ? event.uses : [],
    retraction: outcome?.retraction,
  };
}
