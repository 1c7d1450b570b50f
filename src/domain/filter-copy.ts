/** What is kept of the sink's identity filter between two of its processes. */
import type { BatchPlan } from "./sink-plan.ts";

/** What makes a filter again. The words are the filter's own, and go on changing with it: bits are only ever added. */
export type FilterContents = { readonly capacity: number; readonly size: number; readonly words: Uint32Array };
/** A shard's filter with the identities of all batches up to `plan`, which is committed, and perhaps of later ones. */
export type FilterCopy = FilterContents & {
  readonly plan: BatchPlan;
  /** Identities that the table had of messages up to the plan's last. */
  readonly identities: number;
};
