/** Takes a shard's key for a decision about it, as a writer would: by compare-and-set and the fence, so that no sink writes meanwhile. */
import type { ShardKey } from "../../domain/sink-plan.ts";
import { AppError } from "../../kernel/errors.ts";
import type { Clock, Revisioned, ShardKeys, SinkStore } from "../ports.ts";

export type ClaimShardDeps = {
  readonly keys: ShardKeys;
  readonly store: Pick<SinkStore, "fence">;
  /** The highest epoch that ClickHouse has seen of the shard; 0 when none. */
  readonly fencedEpoch: (shard: number) => Promise<number>;
  readonly clock: Clock;
  /** Unique per run of a process. */
  readonly holder: string;
  /** A holder of the same instance is dead; empty: nobody is. */
  readonly instance?: string;
};

/** How long a sink waits for a decision that was given up in the middle. */
const LEASE_MS = 60_000;

/** Rejects with SHARD_BUSY while a sink holds the shard. */
export async function claimShard(deps: ClaimShardDeps, shard: number): Promise<Revisioned<ShardKey>> {
  const { keys, clock, holder, instance = "" } = deps;
  const found = await keys.read(shard);
  const now = clock.nowMs();
  const isDead = instance !== "" && found?.value.holder.startsWith(`${instance}#`) === true;
  if (found !== null && found.value.expiry > now && !isDead) throw busy(shard, found.value.holder);
  const before: ShardKey = found?.value ?? { epoch: 0, holder: "", expiry: 0, cut: 1, plan: null };
  // Without its key a shard would begin at epoch 1 again, below its own fence.
  const epoch = Math.max(before.epoch, await deps.fencedEpoch(shard)) + 1;
  const value: ShardKey = { ...before, epoch, holder, expiry: now + LEASE_MS };
  const revision = await keys.compareAndSet({ shard, revision: found?.revision ?? 0, key: value });
  if (revision === null) throw busy(shard, "another writer");
  await deps.store.fence({ shard, epoch, holder, takenAt: now });
  return { value, revision };
}

/** Writes the key of a claim again: with another lease, or changed by what was decided. */
export async function rewriteClaim(
  deps: Pick<ClaimShardDeps, "keys" | "clock">,
  input: {
    readonly shard: number;
    readonly claim: Revisioned<ShardKey>;
    readonly change?: Partial<ShardKey>;
    readonly release?: boolean;
  },
): Promise<Revisioned<ShardKey>> {
  const { shard, claim, change, release = false } = input;
  const expiry = release ? 0 : deps.clock.nowMs() + LEASE_MS;
  const value: ShardKey = { ...claim.value, ...change, expiry };
  const revision = await deps.keys.compareAndSet({ shard, revision: claim.revision, key: value });
  if (revision === null) throw busy(shard, "another writer");
  return { value, revision };
}

function busy(shard: number, holder: string): AppError {
  return new AppError({
    code: "SHARD_BUSY",
    kind: "unavailable",
    message: `Shard ${shard} is held by ${holder}: stop the sinks, or wait until its lease has run out, and try again`,
  });
}
