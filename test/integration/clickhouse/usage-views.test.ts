/** The usage views and the billing store against the naive definition of every aggregation, on the real engine. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { billingStore } from "../../../src/clickhouse/billing-store.ts";
import { connectClickHouse, type ClickHouse } from "../../../src/clickhouse/connect.ts";
import { migrate } from "../../../src/clickhouse/migrate.ts";
import type { MeteredUsage } from "../../../src/domain/rated-line.ts";
import type { UsageQuery } from "../../../src/app/ports.ts";
import { AGGREGATIONS, BUCKETS, RECURRING_AGGREGATIONS, type Aggregation } from "../../../src/domain/meter.ts";
import { present } from "../../../src/kernel/assert.ts";
import { decimal, decimalText } from "../../../src/kernel/decimal.ts";
import {
  instantOf,
  NS_PER_DAY,
  NS_PER_MILLISECOND,
  NS_PER_MINUTE,
  NS_PER_SECOND,
} from "../../../src/kernel/instant.ts";
import { localOffsets, WINDOW_NS } from "../../../src/kernel/period.ts";
import { aggregate } from "../../../src/metering/aggregate.ts";
import { bucketsOf } from "../../../src/metering/bucket.ts";
import { billingCatalog } from "../../support/billing-catalog.ts";
import { writeMeters } from "../../support/write-meters.ts";
import { expectedUsage, quantities, queryOf, selected } from "../../support/expected-usage.ts";
import { startTestServers, type TestServers } from "../../support/servers.ts";
import { CUSTOMERS, LAST_CUT, sparseUsage, spreadUsage, START } from "../../support/spread-usage.ts";
import { retractUsage, writeUsage, type WrittenEvent } from "../../support/usage-writer.ts";
import { BUCKETED_MEASURES, CARRIED_MEASURES, measureFor } from "../../support/measure-for.ts";

let servers: TestServers;
let clickhouse: ClickHouse;
const events = AGGREGATIONS.flatMap((aggregation, index) => spreadUsage(aggregation, index));
/** Of the meters that look back beyond their period. */
const carried = CARRIED_MEASURES.flatMap(({ name, aggregation }, index) =>
  spreadUsage(aggregation, 100 + index).map((event) => ({ ...event, meter: `m-${name}`, id: `${name} ${event.id}` })),
);

/** Ten days after the start many events have one time. */
const TENTH = START + 10n * NS_PER_DAY;
const sparse = sparseUsage("m-held-per-hour");
/** The only one of its hour, taken out from the cut after the last one on. */
const unstated = present(
  sparse.find(({ dimensions, time }) => dimensions["region"] === "eu" && time > TENTH && time < TENTH + NS_PER_DAY),
  "an event to take out",
);
/** From the cut after the last one on. */
const retracted: WrittenEvent[] = [];

beforeAll(async () => {
  servers = await startTestServers();
  clickhouse = connectClickHouse({ url: servers.clickhouseUrl, user: "default", password: "" });
  await migrate(clickhouse);
  await writeMeters(clickhouse, billingCatalog([]));
  await writeUsage(clickhouse, [...events, ...carried, ...sparse]);
  await retractUsage(clickhouse, { event: unstated, cut: LAST_CUT + 1 });
}, 120_000);

afterAll(async () => {
  await clickhouse.close();
  await servers.stop();
});

const PERIODS = [
  ["all days", "2026-10-01T00:00:00Z", "2026-10-05T00:00:00Z"],
  ["one whole day", "2026-10-02T00:00:00Z", "2026-10-03T00:00:00Z"],
  ["inside one day", "2026-10-02T06:15:00Z", "2026-10-02T17:30:00Z"],
  ["from the middle of a day to the middle of another", "2026-10-01T22:00:00Z", "2026-10-03T22:00:00Z"],
  ["one base window", "2026-10-02T12:00:00Z", "2026-10-02T12:15:00Z"],
  ["two neighbouring days in part", "2026-10-02T23:45:00Z", "2026-10-03T00:15:00Z"],
] as const;
const AFTER = ["after all events", "2026-10-07T00:00:00Z", "2026-10-09T06:15:00Z"] as const;

describe.each(AGGREGATIONS)("%s", (aggregation) => {
  // Guarantee: what is billed equals the plain definition of the aggregation over the single events, for any period, filter and cut.
  test.each(PERIODS)("equals the naive reference: %s", async (_name, from, to) => {
    for (const where of [{}, { region: "eu" }, { region: "", model: "m1" }] as const) {
      for (const cut of [1, LAST_CUT]) {
        const query = queryOf({ aggregation, from, to, where, cut });
        const found = await usageOf(query);
        expect(quantities(found), `${JSON.stringify(where)} as of cut ${String(cut)}`).toEqual(
          expectedUsage(query, events),
        );
      }
    }
  });

  // Guarantee: an event taken out counts until its retraction's cut, and from then on the result is as if it had never been.
  test("without a retracted event the window is what it would have been", async () => {
    const victim = events.filter((event) => event.aggregation === aggregation && event.cut === 1).at(7);
    if (victim === undefined) throw new Error("no event to take out");
    await retractUsage(clickhouse, { event: victim, cut: LAST_CUT + 1 });
    retracted.push(victim);
    const query = queryOf({ aggregation, from: PERIODS[0][1], to: PERIODS[0][2], where: {}, cut: LAST_CUT });
    expect(quantities(await usageOf(query))).toEqual(expectedUsage(query, events));
    const later = { ...query, cut: LAST_CUT + 1 };
    const rest = events.filter((event) => event !== victim);
    const found = await usageOf(later);
    expect(quantities(found)).toEqual(expectedUsage(later, rest));
    expect(found.find((usage) => usage.customer === victim.customer)?.eventCount).toBe(
      String(selected(later, rest, victim.customer).length),
    );
  });
});

// Guarantee: a total, a level, values that were there and values that are new go by all events before the period's end, and a retraction of an event
// of an earlier day changes them from its cut on. All of these events are behind the quantity. Each measure meets each period, filter and cut.
describe.each(CARRIED_MEASURES)("$name", ({ name, ...measure }) => {
  const queryFrom = (from: string, to: string, more: Partial<UsageQuery>): UsageQuery => {
    const query = { ...queryOf({ aggregation: measure.aggregation, from, to, where: {}, cut: LAST_CUT }), ...measure };
    return { ...query, meter: `m-${name}`, ...more };
  };

  test("equals the naive reference", async () => {
    for (const [index, [period, from, to]] of [...PERIODS, AFTER].entries()) {
      const where = [{}, { region: "eu" }, { region: "", model: "m1" }][index % 3] ?? {};
      const query = queryFrom(from, to, { where, cut: index % 2 === 0 ? LAST_CUT : 1 });
      const found = await usageOf(query);
      expect(quantities(found), period).toEqual(expectedUsage(query, carried));
      for (const { customer, eventCount } of found)
        expect(eventCount).toBe(String(selected(query, carried, customer).length));
    }
  });

  test("without a retracted event of an earlier day a period begins with what it would have begun with", async () => {
    const from = instantOf(PERIODS[1][1], "from");
    const earlier = carried.filter(({ meter, time, cut }) => meter === `m-${name}` && time < from && cut === 1);
    const victim = present(earlier[0], "an event to take out");
    await retractUsage(clickhouse, { event: victim, cut: LAST_CUT + 1 });
    for (const [, begins, ends] of [PERIODS[1], AFTER]) {
      const query = queryFrom(begins, ends, { cut: LAST_CUT + 1 });
      const rest = carried.filter((event) => event !== victim);
      expect(quantities(await usageOf(query))).toEqual(expectedUsage(query, rest));
    }
    const before = queryFrom(PERIODS[1][1], PERIODS[1][2], {});
    expect(quantities(await usageOf(before))).toEqual(expectedUsage(before, carried));
  });
});

// Guarantee: a customer who has seats, or users who are billed every month, is asked about in a month in which nothing changed; one who has none left is not.
test("recurring meters are used by what a period begins with", async () => {
  const recurring = RECURRING_AGGREGATIONS.map((aggregation) => ({ key: `m-recurring-${aggregation}`, aggregation }));
  const change = { customer: "quiet", dimensions: { region: "eu" }, cut: 1, shard: 0 };
  const of = (aggregation: Aggregation, index: number, value: string): WrittenEvent => ({
    ...change,
    ...{ aggregation, meter: `m-recurring-${aggregation}`, time: START + BigInt(index) * WINDOW_NS, value },
    ...{ id: `quiet ${aggregation} ${String(index)}`, seq: 20_000 + index },
  });
  await writeUsage(clickhouse, [
    ...[
      of("sum", 1, "2.5"),
      of("sum", 2, "-2.5"),
      of("time_weighted_sum", 3, "2.5"),
      of("time_weighted_sum", 4, "-2.4"),
    ],
    of("unique_count", 5, "ada"),
  ]);
  const asked = { cut: 1, customers: ["quiet"], hours: [], recurring };
  const usedIn = async (from: string, to: string, more: Partial<typeof asked> = {}): Promise<string[]> => {
    const used: string[] = [];
    const period = { from: instantOf(from, "from"), to: instantOf(to, "to") };
    for await (const { meter, dimensions } of billingStore(clickhouse).usedMeters({ ...asked, ...more, ...period }))
      used.push(`${meter} ${dimensions["region"] ?? ""}`);
    return used;
  };
  const [, from, to] = AFTER;
  expect(await usedIn(from, to)).toEqual(["m-recurring-time_weighted_sum eu", "m-recurring-unique_count eu"]);
  expect(await usedIn(from, to, { recurring: [] })).toEqual([]);
  expect(await usedIn("2026-10-01T00:30:00Z", "2026-10-01T00:45:00Z")).toEqual(["m-recurring-sum eu"]);
  expect(await usedIn("2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z")).toEqual([]);
});

// Guarantee: whoever adds up the rows of the view over any quarter hours gets what the invoice has.
test("finance.levels gives the level at any time, and the mean between any two", async () => {
  const rows = await clickhouse.rows<{ meter: string; customer: string; region: string; mean: string; level: string }>({
    sql: `WITH toDateTime('2026-10-02 06:15:00', 'UTC') AS period_from, toDateTime('2026-10-04 22:00:00', 'UTC') AS period_to
      SELECT meter, customer, dimensions['region'] AS region,
        toString(sum(ifNull(mean_level, 0) * dateDiff('second', greatest(window_start, period_from), greatest(least(window_end, period_to), greatest(window_start, period_from)))
          + level_after * dateDiff('second', greatest(window_end, period_from), greatest(least(ifNull(level_until, period_to), period_to), greatest(window_end, period_from))))) AS mean,
        toString(argMax(level_after, window_start)) AS level
      FROM finance.levels WHERE window_start < period_to AND customer != 'quiet' AND dimensions['model'] != 'm2'
      GROUP BY meter, customer, region ORDER BY meter, customer, region`,
    doing: "reading finance.levels",
  });
  expect(rows).toHaveLength(2 * CUSTOMERS.length * 2);
  const gone = new Set(
    (
      await clickhouse.rows<{ id: string }>({
        sql: "SELECT id FROM meterline.usage_retractions WHERE meter LIKE 'm-recurring%'",
        doing: "reading retractions",
      })
    ).map(({ id }) => id),
  );
  expect(gone.size).toBe(RECURRING_AGGREGATIONS.length);
  const to = instantOf("2026-10-04T22:00:00Z", "to");
  for (const { meter, customer, region, mean, level } of rows) {
    const own = carried.filter(
      (event) =>
        event.meter === meter &&
        event.customer === customer &&
        event.dimensions["region"] === region &&
        !gone.has(event.id),
    );
    const ofOwn = (aggregation: Aggregation) =>
      aggregate({
        ...{ aggregation, recurring: true, events: own },
        period: { from: instantOf("2026-10-02T06:15:00Z", "from"), to },
      });
    expect(decimalText(decimal(level)), `${meter} ${customer} ${region}`).toBe(decimalText(ofOwn("sum")));
    if (meter !== "m-recurring-time_weighted_sum") continue;
    // The means of the quarter hours are rounded, each at 18 places.
    const seconds = decimal(String(63.75 * 3600));
    expect(decimal(mean).div(seconds).minus(ofOwn("time_weighted_sum")).abs().lt(decimal("0.000000000000001"))).toBe(
      true,
    );
  }
});

// Guarantee: hours and days are those of the zone's clock, also where it stands at quarter hours, changes by half an hour (Lord Howe on
// 4 October) or a part of an hour lies in the period only. Each measure meets each zone, cut and filter in some period.
test.each(BUCKETED_MEASURES)("$name equals the naive reference", async ({ name: _, ...measure }) => {
  const zones = ["Australia/Lord_Howe", "Asia/Kathmandu", "America/New_York", "UTC"];
  for (const [index, [name, from, to]] of PERIODS.entries()) {
    const timeZone = zones[index % zones.length] ?? "UTC";
    const cut = 1 + (index % 4);
    const where = index % 2 === 0 ? {} : { model: "m1" };
    const query = { ...queryOf({ ...measure, from, to, where, cut }), ...measure, timeZone };
    const known = cut > LAST_CUT ? events.filter((event) => !retracted.includes(event)) : events;
    expect(quantities(await usageOf(query)), `${name} in ${timeZone}`).toEqual(expectedUsage(query, known));
  }
});

// Guarantee: a level is held for hours and days as the clocks count them, up to the period's end and not beyond its limit, and a retraction gives way to what was
// stated before it, within the period.
test.each([
  ["Europe/Berlin", "2026-10-01T00:00:00Z", "2026-11-10T00:00:00Z"],
  ["America/New_York", "2026-10-03T10:45:00Z", "2026-11-02T03:15:00Z"],
  ["Australia/Lord_Howe", "2026-10-02T13:45:00Z", "2026-10-12T21:30:00Z"],
  ["Asia/Kathmandu", "2026-10-07T18:15:00Z", "2026-11-07T18:15:00Z"],
])("levels are held over what is without events in %s", async (timeZone, from, to) => {
  const left = sparse.filter((event) => event !== unstated);
  const cases = [
    { bucket: "hour", holdFor: 1, where: {} },
    { bucket: "hour", holdFor: 30, where: { region: "eu" } },
    { bucket: "hour", holdFor: 744, where: { region: "eu" } },
    { bucket: "day", holdFor: 1, where: { region: "eu" } },
    { bucket: "day", holdFor: 3, where: {} },
  ] as const;
  for (const { where, ...held } of cases) {
    const query = { ...queryOf({ aggregation: "latest", from, to, where, cut: LAST_CUT }), ...held, timeZone };
    const before = { ...query, meter: "m-held-per-hour" };
    const after = { ...before, cut: LAST_CUT + 1 };
    const shown = `${held.bucket} ${String(held.holdFor)}`;
    expect(quantities(await usageOf(before)), shown).toEqual(expectedUsage(before, sparse));
    expect(quantities(await usageOf(after)), shown).toEqual(expectedUsage(after, left));
    if (held.bucket === "hour") expect(expectedUsage(after, left)).not.toEqual(expectedUsage(before, sparse));
  }
});

// Guarantee: SQL divides time as the plain definition does, also in the hour that clocks repeat and on the days that have 23 or 25.
test.each([
  ["Europe/Berlin", "2026-10-24T20:00:00Z"],
  ["Europe/Berlin", "2026-03-28T20:00:00Z"],
  ["Australia/Lord_Howe", "2026-04-03T20:00:00Z"],
  ["America/Santiago", "2026-04-04T12:00:00Z"],
])("usage_bucket names the hours and days of %s from %s on", async (timeZone, start) => {
  const from = instantOf(start, "start");
  const period = { from, to: from + 192n * WINDOW_NS };
  const spans = localOffsets(period, timeZone);
  expect(spans).toHaveLength(2);
  for (const bucket of BUCKETS) {
    const rows = await clickhouse.rows<{ name: string }>({
      sql: `SELECT toString(usage_bucket(toDateTime({from:UInt32} + 900 * number, 'UTC'), {seconds:UInt32}, {begins:Array(UInt32)}, {offsets:Array(Int32)})) AS name
        FROM numbers(192) ORDER BY number`,
      params: {
        from: Number(from / NS_PER_SECOND),
        seconds: bucket === "hour" ? 3600 : 86_400,
        begins: spans.map((span) => Number(span.since / NS_PER_SECOND)),
        offsets: spans.map((span) => span.seconds),
      },
      doing: "naming buckets",
    });
    const { positionOf } = bucketsOf({ bucket, period, timeZone });
    const named = rows.map(({ name }, index) => `${name} = ${String(positionOf(from + BigInt(index) * WINDOW_NS))}`);
    const distinct = (names: readonly (string | undefined)[]) => new Set(names).size;
    expect(distinct(named)).toBe(distinct(rows.map(({ name }) => name)));
    expect(distinct(named)).toBe(distinct(named.map((pair) => pair.split(" = ")[1])));
  }
});

test("lineage: event counts, ranges per shard, and a digest that only the same events have", async () => {
  const query = queryOf({ aggregation: "sum", from: PERIODS[0][1], to: PERIODS[0][2], where: {}, cut: LAST_CUT });
  const [acme] = await usageOf(query);
  const own = selected(query, events, "acme");
  expect(acme?.eventCount).toBe(String(own.length));
  for (const range of acme?.shardRanges ?? []) {
    const seqs = own.filter((event) => event.shard === range.shard).map((event) => event.seq);
    expect(range).toMatchObject({ firstSeq: String(Math.min(...seqs)), lastSeq: String(Math.max(...seqs)) });
  }
  expect(acme?.shardRanges.map((range) => range.shard)).toEqual([0, 1]);
  const digests = await clickhouse.rows<{ digest: string }>({
    sql: `SELECT toString(sum(usage_event_leaf(source, id, body_hash, customer, meter, dimensions, event_time, quantity, text))) AS digest
      FROM meterline.usage_events
      LEFT ANY JOIN (SELECT shard, incarnation, seq, position, body_hash FROM meterline.usage_events_raw) AS hashed USING (shard, incarnation, seq, position)
      WHERE meter = 'm-sum' AND customer = 'acme' AND cut <= 3`,
    doing: "recomputing the digest",
  });
  expect(acme?.eventsDigest).toBe(digests[0]?.digest);
});

test("customers can be named, one or more than fit into a request", async () => {
  const query = queryOf({ aggregation: "sum", from: PERIODS[0][1], to: PERIODS[0][2], where: {}, cut: LAST_CUT });
  const one = await usageOf({ ...query, customers: [CUSTOMERS[2] ?? ""] });
  expect(one.map((usage) => usage.customer)).toEqual([CUSTOMERS[2]]);
  const many = await usageOf({
    ...query,
    customers: ["beta", ...Array.from({ length: 1000 }, (_, index) => `nobody-${String(index)}`)],
  });
  expect(many.map((usage) => usage.customer)).toEqual(["beta"]);
});

test("used meters name every combination of meter and dimensions once", async () => {
  const used: string[] = [];
  const period = { from: instantOf(PERIODS[0][1], "from"), to: instantOf(PERIODS[0][2], "to") };
  for await (const row of billingStore(clickhouse).usedMeters({
    ...period,
    cut: LAST_CUT,
    customers: ["beta"],
    hours: [],
    recurring: [],
  })) {
    used.push(`${row.meter} ${JSON.stringify(row.dimensions)}`);
  }
  const own = [...events, ...carried, ...sparse]
    .filter((event) => event.customer === "beta" && event.time < period.to)
    .map((event) => `${event.meter} ${JSON.stringify(event.dimensions)}`);
  expect(used.toSorted()).toEqual([...new Set(own)].toSorted());
});

// Guarantee: what finance sees per window equals the naive reference over that window's events.
test("finance.usage equals the naive reference in every window", async () => {
  const rows = await clickhouse.rows<{
    aggregation: Aggregation;
    customer: string;
    dimensions: Record<string, string>;
    from: number;
    quantity: string;
    count: string;
  }>({
    sql: `SELECT aggregation, customer, dimensions, toUnixTimestamp(window_start) AS from, toString(quantity) AS quantity, toString(event_count) AS count
      FROM finance.usage WHERE meter IN ('m-sum', 'm-min', 'm-max', 'm-latest', 'm-count', 'm-unique_count', 'm-time_weighted_sum', 'm-average', 'm-percentile')`,
    doing: "reading finance.usage",
  });
  const retracted = await clickhouse.rows<{ meter: string; id: string }>({
    sql: "SELECT meter, id FROM meterline.usage_retractions",
    doing: "reading retractions",
  });
  const gone = new Set(retracted.map((row) => `${row.meter} ${row.id}`));
  const left = events.filter((event) => !gone.has(`${event.meter} ${event.id}`));
  for (const row of rows) {
    const period = { from: BigInt(row.from) * 1_000_000_000n, to: BigInt(row.from + 900) * 1_000_000_000n };
    const own = left.filter(
      (event) =>
        event.aggregation === row.aggregation &&
        event.customer === row.customer &&
        JSON.stringify(event.dimensions) === JSON.stringify(row.dimensions),
    );
    const inside = own.filter((event) => event.time >= period.from && event.time < period.to);
    expect(row.count).toBe(String(inside.length));
    expect(row.quantity, JSON.stringify(row)).toBe(
      decimalText(aggregate({ ...measureFor(row.aggregation), period, events: inside })),
    );
  }
  expect(new Set(rows.map((row) => row.aggregation)).size).toBe(AGGREGATIONS.length);
  expect(rows.reduce((sum, row) => sum + Number(row.count), 0)).toBe(left.length);
});

// Guarantee: the last hour, day and 30 days hold what the plain definition gives for the times that the view names.
test("finance.usage_sliding equals the naive reference over its windows", async () => {
  const now = BigInt(Date.now()) * NS_PER_MILLISECOND;
  // Within the hour, the day and the month, before them, and after now.
  const ages = [1n, 20n, 35n, 55n, 300n, 1_000n, 1_430n, 2_000n, 30_000n, 43_100n, 50_000n, -120n];
  const recent = AGGREGATIONS.flatMap((aggregation) =>
    ages.map((minutes, index): WrittenEvent => ({
      meter: `m-${aggregation}`,
      ...{ aggregation, customer: "sliding", time: now - minutes * NS_PER_MINUTE, id: `recent-${String(index)}` },
      value: aggregation === "unique_count" ? `user-${String(index % 3)}` : `${String((index * 7) % 11)}.5`,
      dimensions: { region: index % 2 === 0 ? "eu" : "us" },
      ...{ cut: LAST_CUT + 2, shard: 0, seq: 10_000 + index },
    })),
  );
  await writeUsage(clickhouse, recent);
  const rows = await clickhouse.rows<{
    aggregation: Aggregation;
    region: string;
    hours: number;
    from: number;
    to: number;
    quantity: string;
    count: string;
  }>({
    sql: `SELECT aggregation, dimensions['region'] AS region, hours, toUnixTimestamp(window_start) AS from, toUnixTimestamp(window_end) AS to,
        toString(quantity) AS quantity, toString(event_count) AS count
      FROM finance.usage_sliding WHERE customer = 'sliding' ORDER BY aggregation, region, hours`,
    doing: "reading finance.usage_sliding",
  });
  expect(rows).toHaveLength(AGGREGATIONS.length * 2 * 3);
  for (const row of rows) {
    const period = { from: BigInt(row.from) * NS_PER_SECOND, to: BigInt(row.to) * NS_PER_SECOND };
    expect(row.to - row.from).toBe(row.hours * 3600);
    // The running quarter hour is part of it; that it may have passed since costs at most another one.
    expect(Math.abs(row.to - Number(now / NS_PER_SECOND))).toBeLessThanOrEqual(1_800);
    const inside = recent.filter(
      ({ aggregation, dimensions, time }) =>
        aggregation === row.aggregation &&
        dimensions["region"] === row.region &&
        time >= period.from &&
        time < period.to,
    );
    expect(row.count, JSON.stringify(row)).toBe(String(inside.length));
    const quantity = aggregate({ ...measureFor(row.aggregation), period, events: inside });
    expect(row.quantity, JSON.stringify(row)).toBe(decimalText(quantity));
  }
});

// Guarantee: filters on the leading columns reach the primary key through the view, so a line costs what it reads and not the table.
test("a filter on meter, customer and time prunes by the primary key through the view", async () => {
  const plan = await clickhouse.rows<{ explain: string }>({
    sql: `EXPLAIN indexes = 1 SELECT sum(quantity_sum) FROM meterline.usage_windows_as_of(cut = 3)
      WHERE meter = 'm-sum' AND customer = 'acme' AND window_start >= '2026-10-02 00:00:00' AND window_start < '2026-10-03 00:00:00'`,
    doing: "explaining a query",
  });
  const text = plan.map((row) => row.explain).join("\n");
  const keys = /ReadFromMergeTree \(meterline\.usage_windows\)[\s\S]*?Keys:([\s\S]*?)Condition/.exec(text)?.[1] ?? "";
  for (const column of ["meter", "customer", "window_start"]) expect(keys).toContain(column);
});

test("every column of every finance view says what it means", async () => {
  const columns = await clickhouse.rows<{ table: string; name: string; comment: string }>({
    sql: "SELECT table, name, comment FROM system.columns WHERE database = 'finance'",
    doing: "reading comments",
  });
  expect(new Set(columns.map((column) => column.table))).toEqual(
    new Set([
      "usage",
      "usage_sliding",
      "levels",
      "rated_lines",
      "invoices",
      "invoice_lines",
      "invoice_taxes",
      "invoice_adjustments",
      "free_units_left",
      "line_events",
      "line_retractions",
      "late_usage",
      "retractions",
      "event_verdicts",
      "contracts",
      "prices",
      "quarantine",
      "schema_drift",
    ]),
  );
  expect(columns.filter((column) => column.comment === "")).toEqual([]);
});

async function usageOf(query: UsageQuery): Promise<readonly MeteredUsage[]> {
  const found: MeteredUsage[] = [];
  for await (const usage of billingStore(clickhouse).meteredUsage(query)) found.push(usage);
  return found;
}
