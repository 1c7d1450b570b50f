import { expect, test } from "vitest";
import { watchRequests, type WatchedRequest } from "../../../../cmd/observe/watch-requests.ts";
import { AppError } from "../../../../src/kernel/errors.ts";
import { createMetrics } from "../../../../src/telemetry/metrics.ts";
import { valueIn } from "../../../support/metric-samples.ts";

const INSERT: WatchedRequest = { service: "clickhouse", operation: "insert", shard: 0 };
const gone = new AppError({ code: "CLICKHOUSE_ECONNREFUSED", kind: "unavailable", message: "gone" });
const broken = new AppError({ code: "CLICKHOUSE_27", kind: "broken", message: "cannot parse" });

test("an answered request is timed and passed on, a failed one is counted and thrown on", async () => {
  const metrics = createMetrics({ role: "sink" });
  const watch = watchRequests(metrics);
  expect(await watch(INSERT, () => Promise.resolve(7))).toBe(7);
  await expect(watch(INSERT, () => Promise.reject(gone))).rejects.toBe(gone);
  const text = await metrics.prometheusText();
  expect(valueIn(text, "meterline_sink_request_duration_seconds_count", { operation: "insert" })).toBe(1);
  expect(valueIn(text, "meterline_sink_retries_total", { operation: "insert" })).toBe(1);
  await metrics.close();
});

test("what no retry mends is no retry and no outage", async () => {
  const metrics = createMetrics({ role: "sink" });
  const watch = watchRequests(metrics);
  await expect(watch(INSERT, () => Promise.reject(broken))).rejects.toBe(broken);
  const text = await metrics.prometheusText();
  expect(valueIn(text, "meterline_sink_retries_total", { operation: "insert" })).toBe(0);
  expect(valueIn(text, "meterline_sink_outages_total", { service: "clickhouse" })).toBe(0);
  await metrics.close();
});

// Guarantee: an outage is one, however often and for however many shards it was run into.
test("an outage lasts until everything that failed is answered again", async () => {
  const metrics = createMetrics({ role: "sink" });
  const watch = watchRequests(metrics);
  const fail = (shard: number): Promise<void> =>
    watch({ ...INSERT, shard }, () => Promise.reject(gone)).catch(() => undefined);
  const succeed = (shard: number): Promise<void> => watch({ ...INSERT, shard }, () => Promise.resolve());
  await fail(0);
  await fail(1);
  await fail(0);
  await succeed(0);
  await fail(0);
  const during = await metrics.prometheusText();
  await succeed(0);
  await succeed(1);
  await fail(1);
  const after = await metrics.prometheusText();
  expect(valueIn(during, "meterline_sink_outages_total", { service: "clickhouse" })).toBe(1);
  expect(valueIn(after, "meterline_sink_outages_total", { service: "clickhouse" })).toBe(2);
  expect(valueIn(after, "meterline_sink_outages_total", { service: "nats" })).toBe(0);
  expect(valueIn(after, "meterline_sink_retries_total", { operation: "insert" })).toBe(5);
  await metrics.close();
});
