/**
 * The newest cut that is closed already: the state up to it is complete for ever. Unlike `raiseCut` this changes nothing and waits for nothing, so it
 * may be a cut behind: usage that came since the last raise (they are hourly, or made by a rating) is not in it.
 */
import type { CutRegister, ShardKeys, SinkStore } from "../ports.ts";

export type ClosedCutDeps = {
  readonly cuts: Pick<CutRegister, "read">;
  readonly keys: Pick<ShardKeys, "read">;
  readonly store: Pick<SinkStore, "batchOf">;
  readonly shards: number;
};

/** 0 when none is closed yet. */
export async function closedCut(deps: ClosedCutDeps): Promise<number> {
  let closed = (await deps.cuts.read()).value.cut - 1;
  for (let shard = 0; shard < deps.shards; shard += 1) closed = Math.min(closed, await closedOf(deps, shard));
  return closed;
}

/** No later plan of the shard can carry a cut up to this one. */
async function closedOf({ keys, store }: ClosedCutDeps, shard: number): Promise<number> {
  const key = (await keys.read(shard))?.value;
  // The first writer of a shard that was never taken may still begin with the first cut.
  if (key === undefined) return 0;
  const open = key.plan !== null && key.plan.cut < key.cut && (await store.batchOf({ shard, plan: key.plan })) === null;
  return (open && key.plan !== null ? key.plan.cut : key.cut) - 1;
}
