/**
 * A measurement at a server for a scrape: bounded in time, one at a time. What takes too long is left to finish by itself and asked for again by
 * the next scrape, so that a server that hangs holds one request and not one per scrape.
 */
import type { Metrics, Report } from "../../src/telemetry/metrics.ts";

export type Measurement = "streams" | "stored" | "journal" | "projection" | "verification" | "cut";
type Reporting = (report: Report) => void;

/** Below the shortest timeout that a scrape is given: an outage is when a scrape is worth most. */
const DEADLINE_MS = 1_000;

/** Reports nothing, and counts the failure, when the measurement fails or takes too long. */
export function measure(
  metrics: Metrics,
  probe: Measurement,
  run: () => Promise<Reporting>,
): (report: Report) => Promise<void> {
  metrics.add("probeFailures", 0, { probe });
  const once = singleFlight(run);
  return async (report) => {
    try {
      const reporting = await withinDeadline(once());
      reporting(report);
    } catch {
      metrics.add("probeFailures", 1, { probe });
    }
  };
}

/** While a call is under way, further ones get its outcome. */
export function singleFlight<T>(run: () => Promise<T>): () => Promise<T> {
  let pending: Promise<T> | undefined;
  return () =>
    (pending ??= run().finally(() => {
      pending = undefined;
    }));
}

/** Rejects after a second; the call itself goes on. */
export async function withinDeadline<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_done, failed) => {
    timer = setTimeout(() => {
      failed(new Error(`no answer within ${DEADLINE_MS} ms`));
    }, DEADLINE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
