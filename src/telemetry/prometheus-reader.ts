/** Collects at the moment of a scrape and writes what Prometheus reads. OpenTelemetry's own exporter brings a server with it; Meterline has one already. */
import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { MetricReader } from "@opentelemetry/sdk-metrics";
import { temporalityOf } from "./temporality.ts";

export type PrometheusReader = { readonly reader: MetricReader; readonly text: () => Promise<string> };

const NO_PREFIX = undefined;
const NO_RESOURCE_LABELS = undefined;

export function createPrometheusReader(): PrometheusReader {
  const reader = new ScrapeReader({ aggregationTemporalitySelector: temporalityOf });
  // Names as they are, without timestamps and without the library's name on each line.
  const serializer = new PrometheusSerializer(NO_PREFIX, false, NO_RESOURCE_LABELS, false, true);
  let collecting: Promise<string> | undefined;
  const collect = async (): Promise<string> => serializer.serialize((await reader.collect()).resourceMetrics);
  return {
    reader,
    // Two scrapes at once share one collection: the gauges of one would be missing in the other.
    text: () =>
      (collecting ??= collect().finally(() => {
        collecting = undefined;
      })),
  };
}

class ScrapeReader extends MetricReader {
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }

  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}
