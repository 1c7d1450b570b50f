/**
 * Usage as rating reads it, per customer as two ordered streams, lineage and quantity, that must name the same customers: both come from the same
 * events as of the same cut, so a difference is a broken view and stops the run.
 */
import type { BillingStore, UsageQuery } from "../app/ports.ts";
import { BUCKETED_AGGREGATIONS, countsEarlier, type Aggregation, type Bucket } from "../domain/meter.ts";
import type { MeteredUsage } from "../domain/rated-line.ts";
import { limitsText } from "../domain/usage-limits.ts";
import { assert, present } from "../kernel/assert.ts";
import { decimal, decimalText, divide, Decimal } from "../kernel/decimal.ts";
import { AppError } from "../kernel/errors.ts";
import { NS_PER_DAY, NS_PER_SECOND, type Instant } from "../kernel/instant.ts";
import { localOffsets } from "../kernel/period.ts";
import type { ClickHouse } from "./connect.ts";
import { customerFilter, type CustomerFilter } from "./customer-filter.ts";
import { querySql } from "./load-sql.ts";
import { shardRangeOf } from "./rated-line-row.ts";
import { rowsOf } from "./rows-of.ts";
import type { UsageSqls } from "./usage-sql.ts";

const MEAN_PLACES = 18;

type QuantityRow = { readonly customer: string; readonly quantity: string };
type WindowsRow = QuantityRow & {
  readonly event_count: string;
  readonly events_digest: string;
  readonly shard_ranges: readonly (readonly [string, string, string, string])[];
};

export type UsageSource = { readonly clickhouse: ClickHouse; readonly usageSqls: UsageSqls };

export async function* meteredUsage(
  { clickhouse, usageSqls }: UsageSource,
  query: UsageQuery,
): AsyncGenerator<MeteredUsage> {
  const wanted = customerFilter(query.customers);
  const params = {
    ...usageParams(query, wanted),
    // All that lies before the period's end is behind the quantity, and so in the lineage.
    counted_from: countsEarlier(query) ? 0 : wholeSeconds(query.from),
    ...(query.percentile !== undefined && { percentile: thousandths(query.percentile) }),
    ...(query.bucket !== undefined && bucketParams(query, query.bucket)),
  };
  const quantityQuery = quantityQueryOf(query);
  const doing = `reading the usage of meter ${query.meter}`;
  const usageSql = await usageSqls(params, query.limits);
  const windows = rowsOf<WindowsRow>(clickhouse, { sql: usageSql("metered-windows"), params, doing });
  const quantities =
    quantityQuery === null ? null : rowsOf<QuantityRow>(clickhouse, { sql: usageSql(quantityQuery), params, doing });
  try {
    for await (const row of windows) {
      const other = quantities === null ? row : (await quantities.next()).value;
      assert(
        other?.customer === row.customer,
        `the windows of meter ${query.meter} name ${row.customer}, its quantities do not`,
      );
      if (!wanted.includes(row.customer)) continue;
      yield usageOf({ query, row, quantity: other.quantity });
    }
    const left = await quantities?.next();
    assert(
      left === undefined || left.done === true,
      `the quantities of meter ${query.meter} name a customer without windows`,
    );
  } finally {
    await quantities?.return(undefined);
  }
}

function usageOf(input: { query: UsageQuery; row: WindowsRow; quantity: string }): MeteredUsage {
  const { query, row } = input;
  return {
    customer: row.customer,
    quantity: decimalText(quantityOf({ query, raw: decimal(input.quantity), eventCount: decimal(row.event_count) })),
    eventCount: row.event_count,
    shardRanges: row.shard_ranges.map((range) => shardRangeOf(range)),
    eventsDigest: row.events_digest,
  };
}

/** An average is the sum by the number of events, a mean level the integral by the period's length: both half up at 18 places. */
function quantityOf(input: { query: UsageQuery; raw: Decimal; eventCount: Decimal }): Decimal {
  const { query, raw: dividend, eventCount } = input;
  if (query.aggregation !== "average" && query.aggregation !== "time_weighted_sum") return dividend;
  const divisor = query.aggregation === "average" ? eventCount : new Decimal((query.to - query.from).toString());
  return divide({ dividend, divisor, places: MEAN_PLACES, mode: "half_up" });
}

/** The query of the quantity; null where the windows of the lineage carry it. */
function quantityQueryOf(query: UsageQuery): string | null {
  if (query.bucket !== undefined) return bucketQueryOf(query, query.bucket);
  const queries: Readonly<Record<Aggregation, string | null>> = {
    count: null,
    sum: null,
    average: null,
    percentile: "metered-percentile",
    min: "metered-min",
    max: "metered-max",
    latest: "metered-latest",
    time_weighted_sum: "metered-levels",
    unique_count: uniqueQueryOf(query),
  };
  if (Object.hasOwn(queries, query.aggregation)) return queries[query.aggregation as Aggregation];
  throw unknownAggregation(query);
}

function uniqueQueryOf({ uniqueOver, recurring, from, to }: UsageQuery): string {
  if (uniqueOver === "ever") return "metered-unique-ever";
  // What was there before any period lies on other days than its end.
  const isWithinDay = recurring !== true && dayOf(from) === dayOf(to);
  return isWithinDay ? "metered-unique-within-day" : "metered-unique";
}

function bucketQueryOf(query: UsageQuery, bucket: Bucket): string {
  const queries: Readonly<Record<(typeof BUCKETED_AGGREGATIONS)[number], string>> = {
    min: "metered-min-by-bucket",
    max: "metered-max-by-bucket",
    latest: query.holdFor === undefined ? "metered-latest-by-bucket" : "metered-held-by-bucket",
    unique_count: "metered-unique-by-bucket",
  };
  const found = BUCKETED_AGGREGATIONS.find((name) => name === query.aggregation);
  if (found === undefined) throw unknownAggregation({ ...query, aggregation: `${query.aggregation} per ${bucket}` });
  return queries[found];
}

function unknownAggregation(query: UsageQuery): AppError {
  return new AppError({
    code: "AGGREGATION_UNKNOWN",
    kind: "broken",
    message: `meter ${query.meter} has the aggregation "${query.aggregation}", which this release cannot read`,
  });
}

export async function* meteredCells(
  { clickhouse, usageSqls }: UsageSource,
  query: Parameters<BillingStore["meteredCells"]>[0],
): ReturnType<BillingStore["meteredCells"]> {
  const { by } = query;
  const wanted = customerFilter(query.customers);
  const params = { ...usageParams(query, wanted), by };
  const usageSql = await usageSqls(params, query.limits);
  const pieces = clickhouse.stream<{ customer: string; cell: readonly string[]; quantity: string }>({
    sql: usageSql("metered-cells"),
    params,
    doing: `reading the cells of meter ${query.meter}`,
  });
  for await (const rows of pieces)
    yield rows
      .filter(({ customer }) => wanted.includes(customer))
      .map(({ customer, cell, quantity }) => ({
        customer,
        match: Object.fromEntries(by.map((name, index) => [name, cell[index] ?? ""])),
        quantity: decimalText(decimal(quantity)),
      }));
}

export async function* meteredEvents(
  { clickhouse, usageSqls }: UsageSource,
  query: Parameters<BillingStore["meteredEvents"]>[0],
): ReturnType<BillingStore["meteredEvents"]> {
  const wanted = customerFilter(query.customers);
  const params = { ...usageParams(query, wanted), earlier_than: wholeSeconds(query.earlierThan) };
  const usageSql = await usageSqls(params, query.limits);
  const pieces = clickhouse.stream<{ customer: string; quantity: string; earlier: number }>({
    sql: usageSql("metered-events"),
    params,
    doing: `reading the single events of meter ${query.meter}`,
  });
  for await (const rows of pieces)
    yield rows
      .filter(({ customer }) => wanted.includes(customer))
      .map(({ customer, quantity, earlier }) => ({ customer, quantity, earlier: earlier === 1 }));
}

export async function* usedMeters(
  clickhouse: ClickHouse,
  query: Parameters<BillingStore["usedMeters"]>[0],
): ReturnType<BillingStore["usedMeters"]> {
  const wanted = customerFilter(query.customers);
  const rows = rowsOf<{ customer: string; meter: string; dimensions: Record<string, string> }>(clickhouse, {
    sql: querySql("used-meters"),
    params: {
      ...periodParams(query),
      counted_from: wholeSeconds(query.from),
      ...wanted.params,
      hours: query.hours.map(limitsText),
      ...recurringParams(query.recurring),
    },
    doing: "reading which meters were used",
  });
  for await (const row of rows) if (wanted.includes(row.customer)) yield row;
}

function recurringParams(meters: Parameters<BillingStore["usedMeters"]>[0]["recurring"]) {
  const keysOf = (isUnique: boolean): readonly string[] =>
    meters.filter(({ aggregation }) => (aggregation === "unique_count") === isUnique).map(({ key }) => key);
  const since = meters.length === 0 ? {} : { counted_from: 0 };
  return { ...since, recurring_totals: keysOf(false), recurring_values: keysOf(true) };
}

function periodParams(query: { readonly from: Instant; readonly to: Instant; readonly cut: number }) {
  return { from: wholeSeconds(query.from), to: wholeSeconds(query.to), cut: query.cut };
}

function usageParams(query: UsageQuery, wanted: CustomerFilter) {
  return { ...periodParams(query), meter: query.meter, ...wanted.params, ...filterParams(query) };
}

function filterParams({ where, limits }: Pick<UsageQuery, "where" | "limits">) {
  return { where_names: Object.keys(where), where_values: Object.values(where), limits: limitsText(limits) };
}

/** 99.9 is 99900: the query counts ranks in whole numbers. */
function thousandths(percentile: string): number {
  return decimal(percentile).times(1_000).toNumber();
}

/** The zone's offsets go along, so that hours and days are those of the calendar that also decides the billing periods. */
function bucketParams(query: UsageQuery, bucket: Bucket) {
  const timeZone = present(query.timeZone, `the time zone of meter ${query.meter}, which has a bucket`);
  const offsets = localOffsets(query, timeZone);
  return {
    bucket_seconds: bucket === "hour" ? 3_600 : 86_400,
    span_begins: offsets.map(({ since }) => wholeSeconds(since)),
    span_offsets: offsets.map(({ seconds }) => seconds),
    ...(query.holdFor !== undefined && { hold_for: query.holdFor }),
  };
}

function wholeSeconds(instant: Instant): number {
  assert(instant % NS_PER_SECOND === 0n, "a period begins and ends on a base window, so on a whole second");
  return Number(instant / NS_PER_SECOND);
}

function dayOf(instant: Instant): bigint {
  return instant / NS_PER_DAY;
}
