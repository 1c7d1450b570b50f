import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { METRIC_STAGES, METRICS } from "../../src/telemetry/catalogue/metric-catalogue.ts";
import type { MetricDefinition } from "../../src/telemetry/catalogue/metric-definition.ts";
import { metricsPage, readAlerts } from "./metrics-page.ts";
import { unknownNames } from "./rules/promql-names.ts";

const PAGE = join(import.meta.dirname, "../../docs/metrics.md");
const CATALOGUE: readonly MetricDefinition[] = Object.values(METRICS);

// Guarantee: what the page says about a metric is what the program counts.
test("docs/metrics.md is the catalogue (node test/tidy/update-metrics-page.ts writes it)", () => {
  expect(readFileSync(PAGE, "utf8")).toBe(metricsPage({ stages: METRIC_STAGES, alerts: readAlerts() }));
});

test("the stages together are the whole catalogue", () => {
  const keys = METRIC_STAGES.flatMap(({ metrics }) => Object.keys(metrics));
  expect(keys).toEqual(Object.keys(METRICS));
});

test("another sentence or another alert makes another page", () => {
  const alerts = readAlerts();
  const page = metricsPage({ stages: METRIC_STAGES, alerts });
  const stage = { title: "More", metrics: { extra: { ...METRICS.batches, doc: "Something else." } } };
  expect(metricsPage({ stages: [...METRIC_STAGES, stage], alerts })).toContain("Something else.");
  expect(metricsPage({ stages: METRIC_STAGES, alerts: alerts.slice(1) })).not.toBe(page);
});

describe("the alerts", () => {
  test("there are some, each named once, with what it means and what to do", () => {
    const alerts = readAlerts();
    expect(alerts.length).toBeGreaterThan(10);
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
    for (const { annotations } of alerts)
      expect(annotations.summary.length * annotations.action.length).toBeGreaterThan(0);
  });

  test.each(readAlerts().map(({ alert, expr }) => [alert, expr]))("%s asks only for what there is", (_alert, expr) => {
    expect(unknownNames(expr, CATALOGUE)).toEqual([]);
  });
});

describe("the check of expressions", () => {
  test("finds a metric that does not exist, a histogram without its part, and a part of what is none", () => {
    expect(unknownNames("rate(meterline_sink_event_total[5m])", CATALOGUE)).toEqual([
      "metric meterline_sink_event_total",
    ]);
    expect(unknownNames("meterline_sink_batch_bytes", CATALOGUE)).toEqual(["metric meterline_sink_batch_bytes"]);
    expect(unknownNames("meterline_cut_sum", CATALOGUE)).toEqual(["metric meterline_cut_sum"]);
  });

  test("finds a label that the metric does not have, in a matcher and in a grouping", () => {
    expect(unknownNames('meterline_sink_events_total{state="x"}', CATALOGUE)).toEqual(["label state"]);
    expect(unknownNames("sum by (shard, reason) (meterline_sink_events_total)", CATALOGUE)).toEqual(["label reason"]);
    expect(unknownNames("sum by (le) (meterline_cut)", CATALOGUE)).toEqual(["label le"]);
  });

  test("finds an expression about nothing", () => {
    expect(unknownNames("vector(1)", CATALOGUE)).toEqual(["no metric of Meterline"]);
  });

  test("lets through what is right", () => {
    const expr = 'sum by (le, shard) (rate(meterline_sink_batch_bytes_bucket{shard=~"0|1", instance="a"}[5m]))';
    expect(unknownNames(expr, CATALOGUE)).toEqual([]);
  });
});
