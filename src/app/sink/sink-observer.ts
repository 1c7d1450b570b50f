/**
 * What the sink tells whoever watches it: for metrics and health, never for a decision. The calls are synchronous, cheap and must not throw; the
 * requests themselves (how long, how often in vain) are watched at the ports, where whoever wires the sink can wrap them.
 */
import type { CommittedBatch } from "../../domain/sink-plan.ts";
import type { RejectionReason } from "../../domain/usage-event.ts";
import type { BatchFacts, Step } from "./protocol-types.ts";

/** Where a shard's writer is. */
export type ShardSituation = {
  readonly shard: number;
  readonly step: Step["name"];
  /** True while it waits for the shard's key to become free, or for NATS to answer. */
  readonly waiting: boolean;
  /** Number of this writer's claim; 0 before it has one. */
  readonly epoch: number;
  /** Everything up to here is committed, as far as this writer knows; null before it has looked. */
  readonly committed: number | null;
};

/** A committed batch with what its row does not say. */
export type ObservedBatch = {
  readonly batch: CommittedBatch;
  /** Of the encoded rows. */
  readonly bytes: number;
  readonly rejections: ReadonlyMap<RejectionReason, number>;
};

export type SinkObserver = {
  /** After each step of the protocol. */
  moved(situation: ShardSituation): void;
  /** A batch was decided; the same messages may be decided more than once. */
  decided(shard: number, facts: BatchFacts): void;
  /** Once per batch that this process commits. */
  committed(observed: ObservedBatch): void;
};
