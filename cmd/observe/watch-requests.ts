/** Times requests, and counts those that fail because a service is unavailable. Everything else passes through as it is. */
import { AppError } from "../../src/kernel/errors.ts";
import type { Metrics } from "../../src/telemetry/metrics.ts";

export type Service = "nats" | "clickhouse";
export type WatchedRequest = { readonly service: Service; readonly operation: string; readonly shard: number };
export type WatchRequests = <T>(request: WatchedRequest, run: () => Promise<T>) => Promise<T>;

const MS_PER_SECOND = 1_000;
/** Those of every batch: their counters are there from the start. */
const OF_EVERY_BATCH: readonly (readonly [Service, string])[] = [
  ["clickhouse", "identities"],
  ["nats", "plan"],
  ["clickhouse", "insert"],
  ["clickhouse", "commit"],
];

export function watchRequests(metrics: Metrics): WatchRequests {
  for (const [service, operation] of OF_EVERY_BATCH) metrics.add("retries", 0, { service, operation });
  for (const service of ["nats", "clickhouse"]) metrics.add("outages", 0, { service });
  /** Operations that failed and were not answered since, by service. */
  const failing = { nats: new Set<string>(), clickhouse: new Set<string>() };
  return async ({ service, operation, shard }, run) => {
    const startedMs = performance.now();
    const place = `${operation}/${shard}`;
    try {
      const result = await run();
      metrics.record("requestDuration", (performance.now() - startedMs) / MS_PER_SECOND, { service, operation });
      failing[service].delete(place);
      return result;
    } catch (error) {
      if (error instanceof AppError && error.kind === "unavailable") {
        metrics.add("retries", 1, { service, operation });
        if (failing[service].size === 0) metrics.add("outages", 1, { service });
        failing[service].add(place);
      }
      throw error;
    }
  };
}
