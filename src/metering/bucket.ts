/**
 * The hours and days of a period by the clock of a zone. An hour that the clocks repeat is two hours, and a day is all that has its date,
 * 23 or 25 hours where clocks are changed. `usage_bucket` in SQL names the same, from the same offsets.
 */
import type { Bucket } from "../domain/meter.ts";
import { assert } from "../kernel/assert.ts";
import { NS_PER_SECOND, type Instant } from "../kernel/instant.ts";
import { offsetSpans, type Period } from "../kernel/period.ts";

const SECONDS_PER_HOUR = 3_600n;
const SECONDS_PER_DAY = 86_400n;

export type BucketsInput = { readonly bucket: Bucket; readonly period: Period; readonly timeZone: string };

/** Gives the name of the bucket that holds an instant of the period. */
export function bucketsOf({ bucket, period, timeZone }: BucketsInput): (instant: Instant) => string {
  const spans = offsetSpans({ period, timeZone });
  return (instant) => {
    const span = spans.findLast(({ from }) => from <= instant);
    assert(span !== undefined, "only instants of the period have a bucket");
    const local = instant / NS_PER_SECOND + BigInt(span.offsetSeconds);
    if (bucket === "day") return String(local / SECONDS_PER_DAY);
    return `${String(local / SECONDS_PER_HOUR)} ${String(span.offsetSeconds)}`;
  };
}
