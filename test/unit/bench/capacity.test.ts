import { expect, test } from "vitest";
import { capacityPage } from "../../bench/capacity-page.ts";
import { capacityOf } from "../../bench/capacity.ts";
import type { ScaleCost } from "../../bench/growth.ts";
import type { RecordedRun } from "../../bench/recorded-run.ts";

const CIRCUMSTANCES = {
  title: "",
  date: "2026-11-28",
  machine: "2 cores",
  rounds: 1,
  seconds: 9,
  ratios: [],
  facts: {},
};

function benchmark(id: string, measurements: Readonly<Record<string, number>>): RecordedRun {
  const named = Object.entries(measurements).map(([name, value]) => ({ name, unit: "", values: [value] }));
  return { ...CIRCUMSTANCES, id, measurements: named };
}

function growth(id: string, points: Readonly<Record<number, Readonly<Record<string, number>>>>): RecordedRun {
  const costs = (named: Readonly<Record<string, number>>): ScaleCost[] =>
    Object.entries(named).map(([name, value]) => ({ name, unit: "", of: "all", values: [value] }));
  const sizes = Object.entries(points).map(([size, named]) => ({ size: Number(size), costs: costs(named) }));
  return { ...CIRCUMSTANCES, id, measurements: [], growth: { axis: "", points: sizes } };
}

const RUNS = {
  benchmarks: [
    benchmark("R3", { "bare, hundreds": 250_000 }),
    benchmark("R8", { "all tables": 200, event_keys: 40, "the stream until it is trimmed": 300 }),
  ],
  scale: [
    growth("S2", { 1_000: { "peak memory of the sink": 256 }, 1_000_000: { "peak memory of the sink": 1_024 } }),
    growth("S3", { 1: { "pipeline, for all meters": 60 }, 10: { "pipeline, for all meters": 150 } }),
    growth("S4", {
      1: { "nats-server": 6, sink: 30, ClickHouse: 24 },
      2: { "nats-server": 9, sink: 99, ClickHouse: 99 },
    }),
  ],
};

// Guarantee: the plan is arithmetic over what was measured, done here by hand.
test("a million events per second take what each event takes, a million times", () => {
  expect(capacityOf(RUNS)).toMatchObject({
    // 6, 30 and 24 seconds of cores each second, of which 60 % is planned with.
    cores: { nats: 10, sink: 50, clickhouse: 40 },
    microsPerMeter: 10,
    // 1,000,000 ÷ 30 × 0.6 events/s of a writer.
    eventsPerWriter: 20_000,
    shards: 50,
    // 1,000,000 ÷ (250,000 × 0.6) = 6.7.
    streamsAtLeast: 7,
    // 20,000 events/s of a shard fill a batch of 50,000 in 2.5 s; with the default wait of 0.4 s it makes 2.5 inserts/s.
    insertsAtDefaultWait: 125,
    fullBatchWaitMs: 2_500,
    insertsOfFullBatches: 20,
    outlivedSeconds: 2_500,
    filter: { bytesMax: 2 ** 31, identitiesMax: 50 * 2 ** 30 },
    sinkMemory: { customers: 1_000_000, bytes: 2 ** 30 },
  });
});

test("the page says so, and nothing while a measurement is missing", () => {
  const page = capacityPage(RUNS);
  expect(page).toContain("**50 shards**");
  // 200 bytes × 1,000,000 × 86,400 s, and thirty times that.
  expect(page).toContain("| ClickHouse, all tables | 200 | 17.3 | 518 |");
  expect(page).toContain("METERLINE_BATCH_WAIT_MS=2500");
  expect(capacityOf({ ...RUNS, scale: RUNS.scale.slice(1) })).toBeNull();
  expect(capacityPage({ ...RUNS, benchmarks: [] })).toContain("Not all of the measurements that it needs");
});
