import { expect, test } from "vitest";
import type { WatchedRequest } from "../../../../cmd/observe/watch-requests.ts";
import { watchedShardKeys, watchedSinkStore } from "../../../../cmd/observe/watched-ports.ts";
import type { ShardKeys, SinkStore } from "../../../../src/app/ports.ts";
import type { BatchPlan, ShardKey } from "../../../../src/domain/sink-plan.ts";
import { createMetrics } from "../../../../src/telemetry/metrics.ts";
import { valueIn } from "../../../support/metric-samples.ts";

function recorder() {
  const operations: string[] = [];
  const watch = <T>({ service, operation }: WatchedRequest, run: () => Promise<T>): Promise<T> => {
    operations.push(`${service} ${operation}`);
    return run();
  };
  return { operations, watch };
}

function planFrom(first: number): BatchPlan {
  const facts = { incarnation: "1", last: first, catalogSeq: 0, decoderRev: 1, cut: 1, plannedAt: 0, rows: 1 };
  return { ...facts, first, sha256: "" };
}

function keyWith(plan: BatchPlan | null): ShardKey {
  return { epoch: 1, holder: "a#1", expiry: 1, cut: 1, plan };
}

test("a write of the key is a plan where its plan is a new one, and else a claim or a renewal", async () => {
  const { operations, watch } = recorder();
  let stored: ShardKey = keyWith(planFrom(1));
  let revision = 1;
  const real: ShardKeys = {
    read: () => Promise.resolve({ value: stored, revision }),
    compareAndSet: (input) => {
      if (input.revision !== revision) return Promise.resolve(null);
      stored = input.key;
      revision += 1;
      return Promise.resolve(revision);
    },
  };
  const keys = watchedShardKeys(real, watch);
  expect((await keys.read(0))?.value.plan).toEqual(planFrom(1));
  await keys.compareAndSet({ shard: 0, revision: 1, key: keyWith(planFrom(1)) });
  // A plan that was refused is still new when it is written again.
  expect(await keys.compareAndSet({ shard: 0, revision: 9, key: keyWith(planFrom(2)) })).toBeNull();
  expect(await keys.compareAndSet({ shard: 0, revision: 2, key: keyWith(planFrom(2)) })).toBe(3);
  await keys.compareAndSet({ shard: 0, revision: 3, key: keyWith(planFrom(2)) });
  await keys.compareAndSet({ shard: 1, revision: 4, key: keyWith(null) });
  expect(operations).toEqual(["nats key", "nats key", "nats plan", "nats plan", "nats key", "nats key"]);
});

test("an answered look-up counts the identities it was about, a failed one none", async () => {
  const metrics = createMetrics({ role: "sink" });
  const { operations, watch } = recorder();
  let away = false;
  const known = [{ eventKey: 1n, bodyHash: 2n }];
  const real = {
    knownIdentities: () => (away ? Promise.reject(new Error("away")) : Promise.resolve(known)),
  } as unknown as SinkStore;
  const store = watchedSinkStore(real, watch, metrics);
  const question = { eventKeys: [1n, 2n, 3n], shard: 0, before: { incarnation: "1", seq: 9 } };
  expect(await store.knownIdentities(question)).toBe(known);
  away = true;
  await expect(store.knownIdentities(question)).rejects.toThrow("away");
  expect(valueIn(await metrics.prometheusText(), "meterline_sink_identities_asked_total")).toBe(3);
  expect(operations).toEqual(["clickhouse identities", "clickhouse identities"]);
  await metrics.close();
});
