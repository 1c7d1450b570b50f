/**
 * What a meter measures over a period, from the list of its events: the naive definition of every aggregation, written to be obviously
 * right. `quote` answers with it, and the tests compare the views of the pipeline with it.
 */
import { countsEarlier, type Bucket, type Measure } from "../domain/meter.ts";
import { present, unreachable } from "../kernel/assert.ts";
import { Decimal, ZERO, decimal, divide, maxDecimal, minDecimal, sumDecimals } from "../kernel/decimal.ts";
import { AppError } from "../kernel/errors.ts";
import type { Instant } from "../kernel/instant.ts";
import { periodContains, type Period } from "../kernel/period.ts";
import { bucketsOf } from "./bucket.ts";

export type AggregatedEvent = {
  readonly time: Instant;
  /** Absent for `count`; any text for `unique_count`; a decimal for the others. */
  readonly value?: string | undefined;
  /** Events at the same instant are ordered by source, then by id, for `latest`. */
  readonly source?: string | undefined;
  readonly id?: string | undefined;
};

export type AggregateInput = Measure & {
  /** Where hours and days begin, for a measure with a bucket; UTC unless given. */
  readonly timeZone?: string | undefined;
  /** Events from `to` on do not count; those before `from` only for a measure that is recurring or unique over ever. */
  readonly period: Period;
  readonly events: readonly AggregatedEvent[];
  /** What there was before all events, such as a level at the period's beginning. Not for `average`, `percentile`, `unique_count` and buckets, where a number says not which values. */
  readonly carriedIn?: Decimal | undefined;
};

/** Decimal places of the average and of the mean level, rounded half up. */
const MEAN_PLACES = 18;

/** The quantity; 0 for a period without events and without a level carried in. */
export function aggregate(input: AggregateInput): Decimal {
  if (input.bucket !== undefined) return sumOfBuckets(input, input.bucket);
  const { aggregation, period, carriedIn } = input;
  const events = input.events.filter((event) => periodContains(period, event.time));
  const earlier = countsEarlier(input) ? input.events.filter((event) => event.time < period.from) : [];
  const carried = carriedIn === undefined ? [] : [carriedIn];
  switch (aggregation) {
    case "count":
      return new Decimal(events.length).plus(carriedIn ?? ZERO);
    case "sum":
      return sumDecimals([...carried, ...earlier.map(valueOf), ...events.map(valueOf)]);
    case "average":
      refuseCarried(input);
      return events.length === 0 ? ZERO : mean(sumDecimals(events.map(valueOf)), new Decimal(events.length));
    case "min":
      return extreme([...carried, ...events.map(valueOf)], minDecimal);
    case "max":
      return extreme([...carried, ...events.map(valueOf)], maxDecimal);
    case "percentile":
      refuseCarried(input);
      return nearestRank(
        events.map(valueOf),
        decimal(present(input.percentile, "the percentile of a percentile meter")),
      );
    case "latest": {
      const latest = events.toSorted(byTimeSourceId).at(-1);
      return latest === undefined ? (carriedIn ?? ZERO) : valueOf(latest);
    }
    case "unique_count":
      refuseCarried(input);
      return new Decimal(countedValues({ ...input, earlier, events }).size);
    case "time_weighted_sum":
      return meanLevel({ period, events, carriedIn: sumDecimals([...carried, ...earlier.map(valueOf)]) });
    default:
      return unreachable(aggregation);
  }
}

/**
 * Each hour or day by itself, of what lies in the period. One without events is 0, or what the last one before it came to, as long as the measure holds
 * that: so each counts once, and once more for each without events that it holds for.
 */
function sumOfBuckets(input: AggregateInput, bucket: Bucket): Decimal {
  refuseCarried(input);
  const { aggregation, holdFor = 0, period, timeZone = "UTC" } = input;
  const events = input.events.filter((event) => periodContains(period, event.time));
  const { positionOf, count } = bucketsOf({ bucket, period, timeZone });
  const each = [...Map.groupBy(events, (event) => positionOf(event.time))].sort(([a], [b]) => a - b);
  const quantities = each.map(([position, own], index) => {
    const [next = count] = each[index + 1] ?? [];
    return aggregate({ aggregation, period, events: own }).times(Math.min(next - position, 1 + holdFor));
  });
  return sumDecimals(quantities);
}

type CountedValuesInput = Pick<Measure, "uniqueOver"> & {
  readonly earlier: readonly AggregatedEvent[];
  readonly events: readonly AggregatedEvent[];
};

/** Those that appear; over ever without those that appeared earlier, else with them (there are none unless the measure is recurring). */
function countedValues({ uniqueOver, earlier, events }: CountedValuesInput): ReadonlySet<string> {
  if (uniqueOver !== "ever") return new Set([...earlier, ...events].map(textOf));
  const known = new Set(earlier.map(textOf));
  return new Set(events.map(textOf).filter((value) => !known.has(value)));
}

/** Mean of the level over the period: every value is a change that holds from its time to the period's end. */
function meanLevel(input: { period: Period; events: readonly AggregatedEvent[]; carriedIn: Decimal }): Decimal {
  const { period, events, carriedIn } = input;
  const length = nanoseconds(period.to - period.from);
  const changes = events.map((event) => valueOf(event).times(nanoseconds(period.to - event.time)));
  const dividend = sumDecimals([carriedIn.times(length), ...changes]);
  return mean(dividend, length);
}

function mean(dividend: Decimal, divisor: Decimal): Decimal {
  return divide({ dividend, divisor, places: MEAN_PLACES, mode: "half_up" });
}

function refuseCarried({ aggregation, bucket, carriedIn }: AggregateInput): void {
  if (carriedIn === undefined) return;
  const measure = bucket === undefined ? aggregation : `${aggregation} per ${bucket}`;
  throw invalid(
    `carriedIn is given for ${measure}: leave it out, because a number does not say which values were counted before`,
  );
}

/** The smallest value that so many percent of the values do not exceed; 0 of none. */
function nearestRank(values: readonly Decimal[], percentile: Decimal): Decimal {
  const rank = percentile.times(values.length).div(100).ceil().toNumber();
  return values.toSorted((a, b) => a.cmp(b))[rank - 1] ?? ZERO;
}

function extreme(values: readonly Decimal[], choose: (a: Decimal, b: Decimal) => Decimal): Decimal {
  const [first = ZERO, ...rest] = values;
  return rest.reduce(choose, first);
}

function valueOf(event: AggregatedEvent): Decimal {
  return decimal(textOf(event));
}

function textOf(event: AggregatedEvent): string {
  if (event.value !== undefined) return event.value;
  throw invalid("an event has no value: only count does without");
}

function nanoseconds(duration: bigint): Decimal {
  return decimal(duration.toString());
}

function byTimeSourceId(a: AggregatedEvent, b: AggregatedEvent): number {
  if (a.time !== b.time) return a.time < b.time ? -1 : 1;
  return compareCodePoints(a.source ?? "", b.source ?? "") || compareCodePoints(a.id ?? "", b.id ?? "");
}

/** The order of UTF-8 bytes, as ClickHouse compares; the order of UTF-16 units differs beyond U+D7FF. */
function compareCodePoints(a: string, b: string): number {
  const left = Array.from(a);
  const right = Array.from(b);
  const shared = Math.min(left.length, right.length);
  for (let index = 0; index < shared; index += 1) {
    const difference = (left[index]?.codePointAt(0) ?? 0) - (right[index]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function invalid(message: string): AppError {
  return new AppError({ code: "AGGREGATE_INVALID", kind: "invalid", message });
}
