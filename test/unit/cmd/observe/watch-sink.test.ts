import { beforeEach, describe, expect, test } from "vitest";
import { isHeld, watchSink, type SinkWatch } from "../../../../cmd/observe/watch-sink.ts";
import { shardCheck } from "../../../../cmd/observe/readiness.ts";
import type { BatchFacts } from "../../../../src/app/sink/protocol-types.ts";
import type { ObservedBatch, ShardSituation } from "../../../../src/app/sink/sink-observer.ts";
import { REJECTIONS } from "../../../../src/domain/usage-event.ts";
import { createMetrics, type Metrics } from "../../../../src/telemetry/metrics.ts";
import { valueIn } from "../../../support/metric-samples.ts";

const SHARDS = [0, 1];

let metrics: Metrics;
let watch: SinkWatch;

beforeEach(() => {
  metrics = createMetrics({ role: "sink" });
  watch = watchSink(metrics, SHARDS);
});

async function value(name: string, labels: Readonly<Record<string, string | number>>): Promise<number | undefined> {
  return valueIn(await metrics.prometheusText(), name, labels);
}

function factsOf(first: number, last: number, cut = 1): BatchFacts {
  return {
    first,
    last,
    cut,
    catalogSeq: 0,
    messages: last - first + 1,
    rows: 10 * (last - first + 1),
    sha256: "",
    counts: { accepted: 0, duplicate: 0, conflict: 0, rejected: 0 },
    lastMessageAt: 0n,
    lastMessageSha256: "",
  };
}

function batchOf(shard: number, facts: BatchFacts): ObservedBatch {
  const { first, last, cut, catalogSeq, rows, sha256, messages, lastMessageAt, lastMessageSha256 } = facts;
  const plan = { incarnation: "1", first, last, catalogSeq, decoderRev: 1, cut, plannedAt: 0, rows, sha256 };
  const counts = { accepted: rows - 3, duplicate: 0, conflict: 1, rejected: 2 };
  const row = { epoch: 1, holder: "a#1", storedAt: 0, messages, lastMessageAt, lastMessageSha256 };
  return { batch: { shard, plan, counts, ...row }, bytes: 500, rejections: new Map([["invalid_json", 2]]) };
}

function situation(change: Partial<ShardSituation>): ShardSituation {
  return { shard: 0, step: "taking", waiting: false, epoch: 1, committed: 0, ...change };
}

describe("counting", () => {
  test("every counter of every shard is there at 0 before anything happens", async () => {
    for (const reason of Object.keys(REJECTIONS)) {
      expect(await value("meterline_sink_rejected_events_total", { shard: 1, reason })).toBe(0);
    }
    expect(await value("meterline_sink_events_total", { shard: 1, verdict: "accepted" })).toBe(0);
    expect(await value("meterline_sink_batches_total", { shard: 0 })).toBe(0);
  });

  // Guarantee: a cut that is raised between deciding and planning, or a retry, does not make more come in than came.
  test("messages that are decided again were received once", async () => {
    watch.observer.decided(0, factsOf(1, 4));
    watch.observer.decided(0, factsOf(1, 4, 2));
    watch.observer.decided(0, factsOf(5, 5));
    expect(await value("meterline_sink_received_messages_total", { shard: 0 })).toBe(5);
    expect(await value("meterline_sink_received_events_total", { shard: 0 })).toBe(50);
    expect(await value("meterline_sink_events_total", { shard: 0, verdict: "accepted" })).toBe(0);
  });

  test("a committed batch counts its verdicts, reasons and size under its shard", async () => {
    watch.observer.committed(batchOf(1, factsOf(1, 2)));
    expect(await value("meterline_sink_events_total", { shard: 1, verdict: "accepted" })).toBe(17);
    expect(await value("meterline_sink_events_total", { shard: 1, verdict: "conflict" })).toBe(1);
    expect(await value("meterline_sink_rejected_events_total", { shard: 1, reason: "invalid_json" })).toBe(2);
    expect(await value("meterline_sink_batch_bytes_sum", { shard: 1 })).toBe(500);
    expect(await value("meterline_sink_batches_total", { shard: 0 })).toBe(0);
  });

  test("events per message are those of what was committed, and 1 before", () => {
    expect(watch.eventsPerMessage(0)).toBe(1);
    watch.observer.committed(batchOf(0, factsOf(1, 4)));
    expect(watch.eventsPerMessage(0)).toBe(10);
  });
});

describe("readiness", () => {
  async function shards(...situations: readonly ShardSituation[]): Promise<string> {
    for (const each of situations) watch.observer.moved(each);
    return shardCheck(watch, SHARDS)
      .check()
      .then(
        (text) => `ready: ${text}`,
        (error: unknown) => `not ready: ${(error as Error).message}`,
      );
  }

  test("needs every shard held, or stood by for", async () => {
    expect(await shards()).toBe("not ready: 0 not started, 1 not started");
    expect(await shards(situation({}))).toBe("not ready: 0 held (taking), 1 not started");
    expect(await shards(situation({ shard: 1, step: "acquiring", waiting: true }))).toBe(
      "ready: 0 held (taking), 1 standing by",
    );
  });

  test("a writer that still loads, that asks for its key, or that has stopped is not ready", async () => {
    const second = situation({ shard: 1 });
    expect(await shards(second, situation({ step: "loading" }))).toBe("not ready: 0 loading, 1 held (taking)");
    expect(await shards(second, situation({ step: "acquiring" }))).toBe("not ready: 0 acquiring, 1 held (taking)");
    expect(await shards(second, situation({ step: "stopped" }))).toBe("not ready: 0 stopped, 1 held (taking)");
    expect(isHeld(situation({ step: "stopped" }))).toBe(false);
  });
});
