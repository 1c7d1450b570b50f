/**
 * The hours and days of a period by the clock of a zone. An hour that the clocks repeat is two hours, and a day is all that has its date,
 * 23 or 25 hours where clocks are changed. `usage_bucket` in SQL names the same, from the same offsets.
 */
import type { Bucket } from "../domain/meter.ts";
import { assert } from "../kernel/assert.ts";
import { NS_PER_SECOND, type Instant } from "../kernel/instant.ts";
import { localOffsets, type Period } from "../kernel/period.ts";

const SECONDS_PER_HOUR = 3_600n;
const SECONDS_PER_DAY = 86_400n;

export type BucketsInput = { readonly bucket: Bucket; readonly period: Period; readonly timeZone: string };

/** Gives the name of the bucket that holds an instant of the period. */
export function bucketsOf({ bucket, period, timeZone }: BucketsInput): (instant: Instant) => string {
  const offsets = localOffsets(period, timeZone);
  return (instant) => {
    const offset = offsets.findLast(({ since }) => since <= instant);
    assert(offset !== undefined, "only instants of the period have a bucket");
    const local = instant / NS_PER_SECOND + BigInt(offset.seconds);
    if (bucket === "day") return String(local / SECONDS_PER_DAY);
    return `${String(local / SECONDS_PER_HOUR)} ${String(offset.seconds)}`;
  };
}
