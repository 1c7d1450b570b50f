/**
 * The instruments of the catalogue on OpenTelemetry's SDK. Who counts says `add` or `record`; what is measured at a scrape says `observe`.
 * Names and labels are checked by the compiler against the catalogue.
 */
import type { Attributes, Counter, Histogram, Observable } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, type IMetricReader } from "@opentelemetry/sdk-metrics";
import { METRICS, type MetricKey } from "./catalogue/metric-catalogue.ts";
import type { MetricDefinition } from "./catalogue/metric-definition.ts";
import { createPrometheusReader } from "./prometheus-reader.ts";

type Catalogue = typeof METRICS;
type KeyWith<Shape> = { [Key in MetricKey]: Catalogue[Key] extends Shape ? Key : never }[MetricKey];
export type ObservedKey = KeyWith<{ readonly kind: "gauge" } | { readonly observed: true }>;
export type CounterKey = Exclude<KeyWith<{ readonly kind: "counter" }>, ObservedKey>;
export type HistogramKey = KeyWith<{ readonly kind: "histogram" }>;
/** A value for each label that the catalogue names. */
export type LabelsOf<Key extends MetricKey> = {
  readonly [Label in keyof Catalogue[Key]["attributes"]]: string | number;
};

export type Report = <Key extends ObservedKey>(key: Key, value: number, labels: LabelsOf<Key>) => void;
/** Reports what it measures now. What it does not report is absent from the scrape. It must not take long, and what it throws is lost. */
export type Probe = (report: Report) => void | Promise<void>;

export type Metrics = {
  add<Key extends CounterKey>(key: Key, value: number, labels: LabelsOf<Key>): void;
  record<Key extends HistogramKey>(key: Key, value: number, labels: LabelsOf<Key>): void;
  /** Calls the probe at each collection, until the returned function is called. */
  observe(keys: readonly ObservedKey[], probe: Probe): () => void;
  /** Everything as Prometheus reads it. */
  prometheusText(): Promise<string>;
  close(): Promise<void>;
};

export type CreateMetricsInput = {
  /** What this process is: up, sink, biller. */
  readonly role: string;
  /** Beside the scrape. */
  readonly readers?: readonly IMetricReader[];
};

const SUFFIX_OF_PROMETHEUS = /_total$/;

export function createMetrics({ role, readers = [] }: CreateMetricsInput): Metrics {
  const prometheus = createPrometheusReader();
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ "service.name": "meterline", "meterline.role": role }),
    readers: [prometheus.reader, ...readers],
  });
  const meter = provider.getMeter("meterline");
  const counters = new Map<MetricKey, Counter>();
  const histograms = new Map<MetricKey, Histogram>();
  const observables = new Map<MetricKey, Observable>();
  for (const [key, definition] of Object.entries(METRICS) as readonly (readonly [MetricKey, MetricDefinition])[]) {
    const { unit, doc: description, buckets } = definition;
    const name = definition.name.replace(SUFFIX_OF_PROMETHEUS, "");
    if (definition.kind === "gauge") observables.set(key, meter.createObservableGauge(name, { unit, description }));
    else if (definition.observed) observables.set(key, meter.createObservableCounter(name, { unit, description }));
    else if (definition.kind === "counter") counters.set(key, meter.createCounter(name, { unit, description }));
    else {
      const advice = buckets === undefined ? {} : { explicitBucketBoundaries: [...buckets] };
      histograms.set(key, meter.createHistogram(name, { unit, description, advice }));
    }
  }
  return {
    add: (key, value, labels) => counters.get(key)?.add(value, attributesOf(labels)),
    record: (key, value, labels) => histograms.get(key)?.record(value, attributesOf(labels)),
    observe: (keys, probe) => {
      const asked = keys.flatMap((key) => observables.get(key) ?? []);
      const callback = async (result: BatchResult): Promise<void> => {
        await probe((key, value, labels) => {
          const observable = observables.get(key);
          if (observable !== undefined) result.observe(observable, value, attributesOf(labels));
        });
      };
      meter.addBatchObservableCallback(callback, asked);
      return () => {
        meter.removeBatchObservableCallback(callback, asked);
      };
    },
    prometheusText: prometheus.text,
    close: () => provider.shutdown(),
  };
}

type BatchResult = { observe(observable: Observable, value: number, attributes: Attributes): void };

function attributesOf(labels: Readonly<Record<string, string | number>>): Attributes {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]));
}
