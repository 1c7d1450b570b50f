/** A measure of each aggregation, for tests that go over all of them. */
import {
  BUCKETED_AGGREGATIONS,
  BUCKETS,
  RECURRING_AGGREGATIONS,
  type Aggregation,
  type Measure,
} from "../../src/domain/meter.ts";

export function measureFor(aggregation: Aggregation): Measure {
  return { aggregation, ...(aggregation === "percentile" && { percentile: "90" }) };
}

/** The measures that look back beyond their period, with names for their meters. */
export const CARRIED_MEASURES = [
  ...RECURRING_AGGREGATIONS.map((aggregation) => ({
    name: `recurring-${aggregation}`,
    ...{ aggregation, recurring: true as const },
  })),
  { name: "unique-ever", aggregation: "unique_count" as const, uniqueOver: "ever" as const },
] satisfies readonly (Measure & { readonly name: string })[];

/** The measures that are taken per hour or day, with names for their meters. */
export const BUCKETED_MEASURES = [
  ...BUCKETED_AGGREGATIONS.flatMap((aggregation) =>
    BUCKETS.map((bucket) => ({ name: `${aggregation}-per-${bucket}`, aggregation, bucket })),
  ),
  ...BUCKETS.map((bucket) => ({
    name: `held-per-${bucket}`,
    ...{ aggregation: "latest" as const, bucket, holdFor: 2 },
  })),
] satisfies readonly (Measure & { readonly name: string })[];
