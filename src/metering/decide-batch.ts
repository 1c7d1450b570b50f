/**
 * From decoded events to rows with verdicts. The caller asks in between which identities are known already. A pure function of the events in the
 * order of (sequence, position) and of the identities with a smaller sequence: the same batch can be made again, byte by byte, at any time.
 */
import type { BatchCounts } from "../domain/sink-plan.ts";
import type { BatchPlace, DecodedEvent, UsageRow, Verdict } from "../domain/usage-event.ts";

/** The identities to look up. Rejected events own none. May name one twice. */
export function eventKeysOf(events: readonly DecodedEvent[]): bigint[] {
  const keys: bigint[] = [];
  for (const event of events) if (!event.rejected) keys.push(event.eventKey);
  return keys;
}

export type DecideVerdictsInput = {
  readonly events: readonly DecodedEvent[];
  /** Body hash by event key, of accepted events before this batch. */
  readonly known: ReadonlyMap<bigint, bigint>;
  readonly batch: BatchPlace;
};

export type DecidedBatch = {
  readonly rows: readonly UsageRow[];
  readonly counts: BatchCounts;
  /** Identities that this batch added, for the filter. */
  readonly acceptedKeys: readonly bigint[];
};

/** The first of an identity wins, be it in an earlier batch or earlier in this one. */
export function decideVerdicts(input: DecideVerdictsInput): DecidedBatch {
  const accepted = new Map<bigint, bigint>();
  const counts = { accepted: 0, duplicate: 0, conflict: 0, rejected: 0 };
  const rows: UsageRow[] = [];
  for (const event of input.events) {
    const verdict = verdictOf(event, accepted, input.known);
    if (verdict === "accepted") accepted.set(event.eventKey, event.bodyHash);
    counts[verdict] += 1;
    rows.push(usageRow(event, verdict, input.batch));
  }
  return { rows, counts, acceptedKeys: [...accepted.keys()] };
}

function verdictOf(
  event: DecodedEvent,
  accepted: ReadonlyMap<bigint, bigint>,
  known: ReadonlyMap<bigint, bigint>,
): Verdict {
  if (event.rejected) return "rejected";
  const seen = known.get(event.eventKey) ?? accepted.get(event.eventKey);
  if (seen === undefined) return "accepted";
  return seen === event.bodyHash ? "duplicate" : "conflict";
}

/** Written out member by member: a spread of so many costs more than all checks of the event together. */
function usageRow(event: DecodedEvent, verdict: Verdict, batch: BatchPlace): UsageRow {
  const isAccepted = verdict === "accepted";
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
    reason: isAccepted || event.rejected ? event.reason : "",
    detail: isAccepted || event.rejected ? event.detail : "",
    eventKey: event.eventKey,
    bodyHash: event.bodyHash,
    raw: event.raw,
    // Only accepted usage counts; what the others would have contributed is nobody's business.
    uses: isAccepted ? event.uses : [],
  };
}
