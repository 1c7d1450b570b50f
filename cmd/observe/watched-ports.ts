/** The sink's ports with every request watched. What they do and return is unchanged. */
import type { ShardKeys, SinkStore } from "../../src/app/ports.ts";
import type { BatchPlan } from "../../src/domain/sink-plan.ts";
import type { Metrics } from "../../src/telemetry/metrics.ts";
import type { WatchRequests } from "./watch-requests.ts";

export function watchedSinkStore(store: SinkStore, watch: WatchRequests, metrics: Metrics): SinkStore {
  const request = (operation: string, shard: number) => ({ service: "clickhouse", operation, shard }) as const;
  return {
    ...store,
    lastBatch: (input) => watch(request("last_batch", input.shard), () => store.lastBatch(input)),
    fence: (input) => watch(request("fence", input.shard), () => store.fence(input)),
    insert: (input) => watch(request("insert", input.shard), () => store.insert(input)),
    commit: (input) => watch(request("commit", input.batch.shard), () => store.commit(input)),
    knownIdentities: async (input) => {
      const known = await watch(request("identities", input.shard), () => store.knownIdentities(input));
      metrics.add("identitiesAsked", input.eventKeys.length, { shard: input.shard });
      return known;
    },
  };
}

export function watchedShardKeys(keys: ShardKeys, watch: WatchRequests): ShardKeys {
  /** The plan last seen in a shard's key: a write with another one is a new plan, any other is a claim, a renewal or a release. */
  const plans = new Map<number, BatchPlan | null>();
  return {
    read: async (shard) => {
      const key = await watch({ service: "nats", operation: "key", shard }, () => keys.read(shard));
      plans.set(shard, key?.value.plan ?? null);
      return key;
    },
    compareAndSet: async (input) => {
      const { shard } = input;
      const isNewPlan = input.key.plan !== null && !isSame(input.key.plan, plans.get(shard) ?? null);
      const operation = isNewPlan ? "plan" : "key";
      const revision = await watch({ service: "nats", operation, shard }, () => keys.compareAndSet(input));
      if (revision !== null) plans.set(shard, input.key.plan);
      return revision;
    },
  };
}

function isSame(a: BatchPlan, b: BatchPlan | null): boolean {
  return a.incarnation === b?.incarnation && a.first === b.first;
}
