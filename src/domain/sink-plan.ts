/**
 * What the writer of a shard promises before it inserts. One JetStream KV key per shard holds the `ShardKey`; taking over, raising the
 * cut and every new plan are a compare-and-set on it.
 */
import type { Instant } from "../kernel/instant.ts";

/** Raised whenever the same messages under the same catalog would give other rows, or would send them another way into the chain without a change of the schema; a release refuses an open plan of another revision. */
export const DECODER_REV = 2;

export type BatchPlan = {
  /** Creation time of the stream in nanoseconds since the epoch: tells a recreated stream from its predecessor. */
  readonly incarnation: string;
  readonly first: number;
  readonly last: number;
  /** Journal head when planning started; the catalog as of this entry decided the verdicts. */
  readonly catalogSeq: number;
  readonly decoderRev: number;
  readonly cut: number;
  /** Milliseconds since the epoch. */
  readonly plannedAt: number;
  readonly rows: number;
  /** SHA-256 of the encoded rows, hex. A rebuilt batch with another one is a broken invariant. */
  readonly sha256: string;
};

/** A batch that was made anew, by a refill, has the same rows and another time of planning. */
export function samePlan(a: BatchPlan | null, b: BatchPlan | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.incarnation === b.incarnation &&
    a.first === b.first &&
    a.last === b.last &&
    a.sha256 === b.sha256 &&
    a.cut === b.cut &&
    a.catalogSeq === b.catalogSeq &&
    a.decoderRev === b.decoderRev &&
    a.plannedAt === b.plannedAt &&
    a.rows === b.rows
  );
}

export type ShardKey = {
  readonly epoch: number;
  readonly holder: string;
  /** Milliseconds since the epoch; afterwards another writer may take over. 0 when released. */
  readonly expiry: number;
  /** The cut that the next plan carries. */
  readonly cut: number;
  /** The last plan, open until `sink_batches` has its row; null before the first. */
  readonly plan: BatchPlan | null;
  /** The incarnation that somebody decided to go on with, from its first message; batches of earlier ones are history then. */
  readonly adopted?: string;
};

/** Where the circumstances of the plans change: from message `first` on, until the next mark, all plans have these. Enough to make any batch again. */
export type PlanMark = Pick<BatchPlan, "incarnation" | "first" | "cut" | "catalogSeq" | "decoderRev">;

export type BatchCounts = {
  readonly accepted: number;
  readonly duplicate: number;
  readonly conflict: number;
  readonly rejected: number;
};

/** A row of `sink_batches`. */
export type CommittedBatch = {
  readonly shard: number;
  readonly plan: BatchPlan;
  readonly messages: number;
  readonly counts: BatchCounts;
  readonly lastMessageAt: Instant;
  readonly lastMessageSha256: string;
  readonly epoch: number;
  readonly holder: string;
  /** Milliseconds since the epoch. */
  readonly storedAt: number;
};

/** The insert token: names the range, so that a replay of the plan is recognised and nothing else ever is. */
export function insertToken(shard: number, plan: BatchPlan): string {
  return `${shard}/${plan.incarnation}/${plan.first}-${plan.last}`;
}
