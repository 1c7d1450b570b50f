/** A meter turns events of one type into a quantity per customer, dimensions and base window. Its definition never changes. */
export const AGGREGATIONS = ["count", "sum", "min", "max", "latest", "unique_count", "time_weighted_sum"] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];

export type Meter = {
  readonly key: string;
  readonly eventType: string;
  readonly aggregation: Aggregation;
  /** JSON pointer (RFC 6901) into the event; absent for count. */
  readonly value?: string;
  /** Dimension name to JSON pointer. */
  readonly dimensions: Readonly<Record<string, string>>;
  /** What a missing or wrong value does to the event. */
  readonly whenMissing: "reject" | "skip";
};

/** Quantities per event are Decimal(38, 18): up to 20 digits before the point and 18 behind it. */
export const QUANTITY_PLACES = 18;
export const QUANTITY_INTEGER_DIGITS = 20;
export const DIMENSIONS_MAX = 16;
export const DIMENSION_BYTES_MAX = 256;
