import { expect, it } from "vitest";
import { closedCut } from "../../../../src/app/sink/closed-cut.ts";
import type { BatchPlan, CommittedBatch, ShardKey } from "../../../../src/domain/sink-plan.ts";

type Shard = { readonly cut: number; readonly plan?: number; readonly committed?: boolean } | null;

function closed(register: number, shards: readonly Shard[]): Promise<number> {
  const keyOf = (shard: Exclude<Shard, null>): ShardKey => {
    const plan = shard.plan === undefined ? null : ({ cut: shard.plan } as BatchPlan);
    return { epoch: 1, holder: "", expiry: 0, cut: shard.cut, plan };
  };
  return closedCut({
    shards: shards.length,
    cuts: { read: () => Promise.resolve({ value: { cut: register, raisedAt: 0 }, revision: 1 }) },
    keys: {
      read: (shard) => {
        const found = shards[shard];
        return Promise.resolve(found === null || found === undefined ? null : { value: keyOf(found), revision: 1 });
      },
    },
    store: {
      batchOf: ({ shard }) => Promise.resolve(shards[shard]?.committed === true ? ({} as CommittedBatch) : null),
    },
  });
}

// Guarantee: a cut is called closed only if no batch can carry it any more, so that reading it twice gives the same.
it.each([
  ["the one before the current one", 5, [{ cut: 5, plan: 5 }], 4],
  ["a batch of the old cut that is stored", 5, [{ cut: 5, plan: 4, committed: true }], 4],
  ["a batch of the old cut that is still under way", 5, [{ cut: 5, plan: 4 }], 3],
  [
    "a shard that was not raised yet",
    5,
    [
      { cut: 5, plan: 5 },
      { cut: 4, plan: 4, committed: true },
    ],
    3,
  ],
  ["a shard that nobody took", 5, [{ cut: 5 }, null], 0],
  ["nothing was ever raised", 1, [{ cut: 1, plan: 1 }], 0],
] as const)("finds %s", async (_what, register, shards, expected) => {
  await expect(closed(register, shards)).resolves.toBe(expected);
});
