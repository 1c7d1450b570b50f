/**
 * The hours and days of a period by the clock of a zone, in the order of time. An hour that the clocks repeat is two hours, and a day is all that has its
 * date, 23 or 25 hours where clocks are changed. `usage_bucket` in SQL tells the same apart, from the same offsets.
 */
import type { Bucket } from "../domain/meter.ts";
import { assert } from "../kernel/assert.ts";
import { NS_PER_DAY, NS_PER_HOUR, NS_PER_SECOND, type Instant } from "../kernel/instant.ts";
import { localOffsets, type LocalOffset, type Period } from "../kernel/period.ts";

export type BucketsInput = { readonly bucket: Bucket; readonly period: Period; readonly timeZone: string };

export type Buckets = {
  /** All that lie in the period, whole or in part. */
  readonly count: number;
  /** Of the one that holds an instant of the period; that of the first is 0. */
  readonly positionOf: (instant: Instant) => number;
};

/** Local hours or days are counted from 1970 on; what is added to their number while the offset holds gives the position. */
type Span = LocalOffset & { readonly shift: number };

export function bucketsOf({ bucket, period, timeZone }: BucketsInput): Buckets {
  const length = bucket === "day" ? NS_PER_DAY : NS_PER_HOUR;
  const numberOf = (instant: Instant, { seconds }: LocalOffset): number =>
    Number(floorDivide(instant + BigInt(seconds) * NS_PER_SECOND, length));
  const offsets = localOffsets(period, timeZone);
  const spans: Span[] = [];
  let count = 0;
  let latest = -Infinity;
  for (const [index, offset] of offsets.entries()) {
    const first = numberOf(offset.since, offset);
    const last = numberOf((offsets[index + 1]?.since ?? period.to) - 1n, offset);
    // A date goes on where its clocks are changed, and one that is left out has no position; an hour is another one with each offset.
    const position = bucket === "day" && first <= latest ? count - 1 - (latest - first) : count;
    spans.push({ ...offset, shift: position - first });
    count = Math.max(count, position + last - first + 1);
    latest = Math.max(latest, last);
  }
  return {
    count,
    positionOf: (instant) => {
      const span = spans.findLast(({ since }) => since <= instant);
      assert(span !== undefined, "only instants of the period have a bucket");
      return numberOf(instant, span) + span.shift;
    },
  };
}

function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor < 0n ? quotient - 1n : quotient;
}
