import { describe, expect, test } from "vitest";
import { METRICS } from "../../../src/telemetry/catalogue/metric-catalogue.ts";
import type { MetricDefinition } from "../../../src/telemetry/catalogue/metric-definition.ts";
import { createMetrics, type Metrics } from "../../../src/telemetry/metrics.ts";

const DEFINITIONS: readonly MetricDefinition[] = Object.values(METRICS);

/** The samples of a scrape by name and labels, without comments. */
async function samplesOf(metrics: Metrics): Promise<ReadonlyMap<string, string>> {
  const lines = (await metrics.prometheusText()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), line.slice(line.lastIndexOf(" ") + 1)]));
}

describe("the catalogue", () => {
  test("names each metric once, as Prometheus wants it", () => {
    const names = DEFINITIONS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name } of DEFINITIONS) expect(name).toMatch(/^(meterline|process|nodejs)(_[a-z0-9]+)+$/);
  });

  test("a counter ends in _total, and nothing else does", () => {
    for (const { name, kind } of DEFINITIONS)
      expect(`${name} ${String(name.endsWith("_total"))}`).toBe(`${name} ${String(kind === "counter")}`);
  });

  test("seconds and bytes are in the name", () => {
    for (const { name, unit } of DEFINITIONS) {
      const base = name.replace(/_total$/, "");
      expect(`${name} ${String(base.endsWith("_seconds"))}`).toBe(`${name} ${String(unit === "s")}`);
      expect(`${name} ${String(base.endsWith("_bytes"))}`).toBe(`${name} ${String(unit === "By")}`);
    }
  });

  test("a histogram has buckets in ascending order, nothing else has any", () => {
    for (const { name, kind, buckets } of DEFINITIONS) {
      expect(`${name} ${String(buckets !== undefined)}`).toBe(`${name} ${String(kind === "histogram")}`);
      expect(buckets).toEqual(buckets === undefined ? undefined : [...new Set(buckets)].sort((a, b) => a - b));
    }
  });

  test("says one sentence about each, and what each label means", () => {
    for (const { doc, attributes } of DEFINITIONS) {
      expect(doc).toMatch(/^[A-Z0-9].{20,}\.$/);
      for (const [label, meaning] of Object.entries(attributes)) {
        expect(label).toMatch(/^[a-z]+$/);
        expect(meaning).not.toBe("");
      }
    }
  });
});

describe("a scrape", () => {
  test("shows what was counted under the catalogue's names, with its labels", async () => {
    const metrics = createMetrics({ role: "sink" });
    metrics.add("events", 3, { shard: 0, verdict: "accepted" });
    metrics.add("events", 4, { shard: 0, verdict: "accepted" });
    metrics.add("events", 1, { shard: 1, verdict: "conflict" });
    const samples = await samplesOf(metrics);
    expect(samples.get('meterline_sink_events_total{shard="0",verdict="accepted"}')).toBe("7");
    expect(samples.get('meterline_sink_events_total{shard="1",verdict="conflict"}')).toBe("1");
    expect(samples.get('target_info{service_name="meterline",meterline_role="sink"}')).toBe("1");
    expect(samples.size).toBe(3);
    await metrics.close();
  });

  test("uses the buckets of the catalogue", async () => {
    const metrics = createMetrics({ role: "sink" });
    metrics.record("requestDuration", 0.03, { service: "clickhouse", operation: "insert" });
    const samples = await samplesOf(metrics);
    const bucket = (le: string): string | undefined =>
      samples.get(`meterline_sink_request_duration_seconds_bucket{service="clickhouse",operation="insert",le="${le}"}`);
    expect([bucket("0.025"), bucket("0.05"), bucket("+Inf")]).toEqual(["0", "1", "1"]);
    await metrics.close();
  });

  test("shows the type and the sentence of a metric", async () => {
    const metrics = createMetrics({ role: "sink" });
    metrics.add("batches", 1, { shard: 0 });
    const text = await metrics.prometheusText();
    expect(text).toContain("# TYPE meterline_sink_batches_total counter\n");
    expect(text).toContain(`# HELP meterline_sink_batches_total ${METRICS.batches.doc}\n`);
    await metrics.close();
  });

  // Guarantee: a lag that cannot be measured is absent; the last one from before the outage would look like health.
  test("leaves out a gauge that was not reported this time, and keeps a counter", async () => {
    const metrics = createMetrics({ role: "sink" });
    let known = true;
    metrics.observe(["lagMessages", "storedBatches"], (report) => {
      if (!known) return;
      report("lagMessages", 7, { shard: 0 });
      report("storedBatches", 5, { shard: 0 });
    });
    const before = await samplesOf(metrics);
    known = false;
    const during = await samplesOf(metrics);
    known = true;
    const after = await samplesOf(metrics);
    const both = (samples: ReadonlyMap<string, string>): unknown[] => [
      samples.get('meterline_sink_lag_messages{shard="0"}'),
      samples.get('meterline_stored_batches_total{shard="0"}'),
    ];
    expect([both(before), both(during), both(after)]).toEqual([
      ["7", "5"],
      [undefined, "5"],
      ["7", "5"],
    ]);
    await metrics.close();
  });

  test("two at once both see everything", async () => {
    const metrics = createMetrics({ role: "sink" });
    metrics.observe(["cut"], async (report) => {
      await Promise.resolve();
      report("cut", 4, {});
    });
    const [one, two] = await Promise.all([samplesOf(metrics), samplesOf(metrics)]);
    expect([one.get("meterline_cut"), two.get("meterline_cut")]).toEqual(["4", "4"]);
    await metrics.close();
  });

  test("a probe that throws loses its own values and no others", async () => {
    const metrics = createMetrics({ role: "sink" });
    metrics.observe(["cut"], () => Promise.reject(new Error("no answer")));
    metrics.observe(["journalHead"], (report) => {
      report("journalHead", 3, {});
    });
    const samples = await samplesOf(metrics);
    expect([samples.get("meterline_cut"), samples.get("meterline_journal_head_sequence")]).toEqual([undefined, "3"]);
    await metrics.close();
  });
});
