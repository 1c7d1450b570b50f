/** A measure of each aggregation, for tests that go over all of them. */
import { BUCKETED_AGGREGATIONS, BUCKETS, type Aggregation, type Measure } from "../../src/domain/meter.ts";

export function measureFor(aggregation: Aggregation): Measure {
  return { aggregation, ...(aggregation === "percentile" && { percentile: "90" }) };
}

/** The measures that are taken per hour or day, with names for their meters. */
export const BUCKETED_MEASURES = BUCKETED_AGGREGATIONS.flatMap((aggregation) =>
  BUCKETS.map((bucket) => ({ name: `${aggregation}-per-${bucket}`, aggregation, bucket })),
);
