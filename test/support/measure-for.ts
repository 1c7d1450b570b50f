/** A measure of each aggregation, for tests that go over all of them. */
import type { Aggregation, Measure } from "../../src/domain/meter.ts";

export function measureFor(aggregation: Aggregation): Measure {
  return { aggregation, ...(aggregation === "percentile" && { percentile: "90" }) };
}
