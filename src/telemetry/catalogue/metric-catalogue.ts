/** Every metric of Meterline. `docs/metrics.md` is this list; a test keeps the two equal. */
import { BILLING_METRICS } from "./billing-metrics.ts";
import type { MetricDefinition } from "./metric-definition.ts";
import { PROCESS_METRICS } from "./process-metrics.ts";
import { SINK_METRICS } from "./sink-metrics.ts";
import { STREAM_METRICS } from "./stream-metrics.ts";

export const METRICS = { ...SINK_METRICS, ...STREAM_METRICS, ...BILLING_METRICS, ...PROCESS_METRICS } as const;

export type MetricKey = keyof typeof METRICS;

/** The page's chapters. */
export const METRIC_STAGES: readonly {
  readonly title: string;
  readonly metrics: Readonly<Record<string, MetricDefinition>>;
}[] = [
  { title: "The sink at work", metrics: SINK_METRICS },
  { title: "Streams and what is stored", metrics: STREAM_METRICS },
  { title: "Journal, rating, invoices, verification", metrics: BILLING_METRICS },
  { title: "The process", metrics: PROCESS_METRICS },
];
