/** A meter turns events of one type into a quantity per customer, dimensions and base window. Its definition never changes. */
export const AGGREGATIONS = [
  "count",
  "sum",
  "average",
  "min",
  "max",
  "percentile",
  "latest",
  "unique_count",
  "time_weighted_sum",
] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];

/** Sub-windows of a period, by the clock of the customer's contract. */
export const BUCKETS = ["hour", "day"] as const;
export type Bucket = (typeof BUCKETS)[number];
/** Those that make another sense of a period when they are taken per sub-window; the others would give the same, or mean nothing. */
export const BUCKETED_AGGREGATIONS = ["min", "max", "latest", "unique_count"] as const satisfies readonly Aggregation[];

/** Those whose events add to something that outlives the period: a total, a level, a set of values. */
export const RECURRING_AGGREGATIONS = [
  "sum",
  "unique_count",
  "time_weighted_sum",
] as const satisfies readonly Aggregation[];

export type Meter = {
  readonly key: string;
  readonly eventType: string;
  readonly aggregation: Aggregation;
  /** JSON pointer (RFC 6901) into the event; absent for count. */
  readonly value?: string;
  /** Instead of `value` what it is computed from: `/data/inputTokens + 4 * /data/outputTokens`. */
  readonly expression?: string;
  /** Of `percentile`: a decimal between 0 and 100, such as "95". */
  readonly percentile?: string;
  /** The quantity of a period is the sum over its hours or days of each one's value. Absent: the value of the whole period. */
  readonly bucket?: Bucket;
  /** Of `latest` with a bucket: for so many hours or days without events the level last stated in the period goes on. Absent: they count nothing. */
  readonly holdFor?: number;
  /** A period begins with what all earlier events have come to. Absent: with nothing. */
  readonly recurring?: true;
  /** Of `unique_count`: a value counts in the period in which it appears for the first time, and never again. Absent: once in each period. */
  readonly uniqueOver?: "ever";
  /** JSON pointer to what the value there has to be; an event that does not fit one of them is not the meter's. Absent: all events. */
  readonly where?: Readonly<Record<string, MeterCondition>>;
  /** Dimension name to JSON pointer. */
  readonly dimensions: Readonly<Record<string, string>>;
  /** What a missing or wrong value does to the event. */
  readonly whenMissing: "reject" | "skip";
};

/** All that is given holds. Texts are compared as dimensions are: strings as they are, numbers as written, true and false by name. */
export type MeterCondition = {
  /** One of these. */
  readonly in?: readonly string[];
  /** None of these; what is missing is none of them. */
  readonly not?: readonly string[];
  /** Whether there is a value other than null. */
  readonly exists?: boolean;
  /** Bounds are decimals; what is missing lies within none. */
  readonly gt?: string;
  readonly gte?: string;
  readonly lt?: string;
  readonly lte?: string;
};
export const CONDITION_BOUNDS = ["gt", "gte", "lt", "lte"] as const;

/** How a meter makes one quantity of what its events contribute. */
export type Measure = Pick<Meter, "aggregation" | "percentile" | "bucket" | "holdFor" | "recurring" | "uniqueOver">;

export function measureOf({ aggregation, percentile, bucket, holdFor, recurring, uniqueOver }: Measure): Measure {
  return {
    aggregation,
    ...(percentile !== undefined && { percentile }),
    ...(bucket !== undefined && { bucket }),
    ...(holdFor !== undefined && { holdFor }),
    ...(recurring !== undefined && { recurring }),
    ...(uniqueOver !== undefined && { uniqueOver }),
  };
}

/** For people: `recurring sum`, `unique_count over ever`. */
export function measureText({ aggregation, recurring, uniqueOver }: Measure): string {
  return [...(recurring ? ["recurring"] : []), aggregation, ...(uniqueOver ? [`over ${uniqueOver}`] : [])].join(" ");
}

/** For people: `latest per hour, added up; held for up to 2 hours without events`; the aggregation alone where it is of the whole period. */
export function bucketText({
  aggregation,
  bucket,
  holdFor,
}: Pick<Measure, "bucket" | "holdFor"> & { readonly aggregation: string }): string {
  if (bucket === undefined) return aggregation;
  const added = `${aggregation} per ${bucket}, added up`;
  return holdFor === undefined
    ? added
    : `${added}; held for up to ${String(holdFor)} ${bucket}${holdFor === 1 ? "" : "s"} without events`;
}

/** True where a period's quantity rests on all events before its end, not only on those inside it. */
export function countsEarlier({ recurring, uniqueOver }: Omit<Measure, "aggregation">): boolean {
  return recurring === true || uniqueOver === "ever";
}

export function takesBucket(aggregation: Aggregation): aggregation is (typeof BUCKETED_AGGREGATIONS)[number] {
  return BUCKETED_AGGREGATIONS.some((name) => name === aggregation);
}

export function canRecur(aggregation: Aggregation): aggregation is (typeof RECURRING_AGGREGATIONS)[number] {
  return RECURRING_AGGREGATIONS.some((name) => name === aggregation);
}

/** Quantities per event are Decimal(38, 18): up to 20 digits before the point and 18 behind it. */
export const QUANTITY_PLACES = 18;
export const QUANTITY_INTEGER_DIGITS = 20;
export const DIMENSIONS_MAX = 16;
export const DIMENSION_BYTES_MAX = 256;
export const CONDITIONS_MAX = 16;
export const CONDITION_TEXTS_MAX = 256;
/** The hours of the longest month. */
export const HOLD_BUCKETS_MAX = 744;
/** 99.999 is the finest percentile. */
export const PERCENTILE_PLACES = 3;
