/** What a metric is, as data: the instruments, the page `docs/metrics.md` and the checks of dashboard and alerts are made from it. */

export type MetricDefinition = {
  /** As Prometheus shows it, and the instrument's name at OpenTelemetry: without the `_total` of a counter there, which is Prometheus' own word. */
  readonly name: string;
  /** A counter only rises, from 0 at the start of the process unless `doc` says otherwise; a gauge is measured when it is asked for. */
  readonly kind: "counter" | "gauge" | "histogram";
  /** UCUM: `s`, `By`, `1`, or what is counted in braces. */
  readonly unit: string;
  /** Labels with their meaning. */
  readonly attributes: Readonly<Record<string, string>>;
  /** One sentence: what is counted or measured, and when. */
  readonly doc: string;
  /** A counter that is read at its source when it is asked for, instead of being added to. */
  readonly observed?: true;
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
};

export const SHARD = "number of the usage stream";

export const SECONDS_BUCKETS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const;
