import { describe, expect, test } from "vitest";
import { measure, singleFlight } from "../../../../cmd/observe/measure.ts";
import { createMetrics } from "../../../../src/telemetry/metrics.ts";
import { valueIn } from "../../../support/metric-samples.ts";

const FAILURES = "meterline_probe_failures_total";

describe("a measurement", () => {
  test("is reported, and one that fails is counted", async () => {
    const metrics = createMetrics({ role: "sink" });
    let answers = true;
    const run = (): Promise<(report: (key: "cut", value: number, labels: object) => void) => void> =>
      answers
        ? Promise.resolve((report) => {
            report("cut", 3, {});
          })
        : Promise.reject(new Error("away"));
    metrics.observe(["cut"], measure(metrics, "cut", run));
    const before = await metrics.prometheusText();
    answers = false;
    await metrics.prometheusText();
    const after = await metrics.prometheusText();
    expect([valueIn(before, "meterline_cut"), valueIn(before, FAILURES)]).toEqual([3, 0]);
    expect(valueIn(after, "meterline_cut")).toBeUndefined();
    expect(valueIn(after, FAILURES, { probe: "cut" })).toBeGreaterThanOrEqual(1);
    await metrics.close();
  });

  // Guarantee: a server that hangs holds one request, not one per scrape, and no scrape waits for it for long.
  test("that never ends holds up no scrape, and is not begun again meanwhile", async () => {
    const metrics = createMetrics({ role: "sink" });
    let begun = 0;
    metrics.observe(
      ["cut"],
      measure(metrics, "cut", () => {
        begun += 1;
        return new Promise(() => undefined);
      }),
    );
    await metrics.prometheusText();
    await metrics.prometheusText();
    expect(begun).toBe(1);
    await metrics.close();
  });
});

test("calls at once share one, a later one begins anew", async () => {
  let calls = 0;
  const once = singleFlight(() => Promise.resolve((calls += 1)));
  expect(await Promise.all([once(), once()])).toEqual([1, 1]);
  expect(await once()).toBe(2);
});
