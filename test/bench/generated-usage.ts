/**
 * Accepted events by SQL, straight into `usage_uses`, and where their aggregation needs it into `usage_special_uses`: the views behind these make events and windows of
 * them as they do of the sink's. For what reads usage and needs millions.
 */
import type { ClickHouse } from "../../src/clickhouse/connect.ts";

export type GeneratedUsage = {
  readonly meter: string;
  readonly aggregation: "sum" | "unique_count";
  readonly customers: number;
  readonly eventsPerCustomer: number;
  /** Events that share a base window and dimensions. */
  readonly eventsPerWindow: number;
  /** Of each customer, that are there already: the new ones lie in the windows behind theirs. */
  readonly eventsBefore?: number;
  /** False where more of it follows: merging is for the last. */
  readonly merge?: boolean;
};

/** The period that the events lie in: the first windows of this month. */
export const GENERATED_MONTH = { from: "2026-10-01T00:00:00Z", to: "2026-11-01T00:00:00Z", name: "2026-10" } as const;
/** Of an event, from its place: no raw events stand behind these. */
export const GENERATED_BODY_HASH = "toUInt128((seq - 1) * 100 + position)";
const CHUNK = 1_000_000;
const WINDOW_SECONDS = 900;
const SPECIAL_COLUMNS =
  "meter, aggregation, customer, window_start, dimensions, event_time, source, id, quantity, text, cut, shard, incarnation, seq";
const EVENT_COLUMNS = `${SPECIAL_COLUMNS}, leaf_start, position`;

const EVENTS_SQL = `
  SELECT {meter: String} AS meter, {aggregation: String} AS aggregation, concat('c', toString(intDiv(number, {perCustomer: UInt64}))) AS customer,
    toDateTime({start: String}, 'UTC') + intDiv({before: UInt64} + number % {perCustomer: UInt64}, {perWindow: UInt64}) * ${WINDOW_SECONDS} AS window_start,
    map('model', 'small-1') AS dimensions, toDateTime64(window_start, 9, 'UTC') + number % ${WINDOW_SECONDS} AS event_time, 'generated' AS source,
    toString({before: UInt64} * {customers: UInt64} + number) AS id,
    if({aggregation: String} = 'sum', toDecimal128(({before: UInt64} * {customers: UInt64} + number) % 1000 + 1, 18) / 1000, toDecimal128(0, 18)) AS quantity,
    if({aggregation: String} = 'sum', '', concat('user-', toString(intDiv(number, 10)))) AS text, 1 AS cut, 0 AS shard, 1 AS incarnation,
    intDiv(number, 100) + 1 AS seq, number % 100 AS position, usage_leaf_start(source, id, ${GENERATED_BODY_HASH}, customer) AS leaf_start
  FROM numbers({from: UInt64}, {count: UInt64})`;

/** The customers are c0, c1 …; quantities repeat from 0.001 to 1.000, texts every ten events. */
export async function generateUsage(clickhouse: ClickHouse, usage: GeneratedUsage): Promise<void> {
  const { customers, eventsPerCustomer, eventsBefore = 0, merge = true } = usage;
  const total = customers * eventsPerCustomer;
  for (let from = 0; from < total; from += CHUNK) {
    const params = {
      ...{ meter: usage.meter, aggregation: usage.aggregation, from, count: Math.min(CHUNK, total - from) },
      ...{ perCustomer: eventsPerCustomer, perWindow: usage.eventsPerWindow, before: eventsBefore, customers },
      start: GENERATED_MONTH.from.slice(0, 19).replace("T", " "),
    };
    const insert = (table: string, columns: string): Promise<void> =>
      clickhouse.command({
        sql: `INSERT INTO meterline.${table} (${columns}) SELECT ${columns} FROM (${EVENTS_SQL})`,
        params,
        settings: { insert_deduplicate: 0 },
        doing: "generating usage",
      });
    await insert("usage_uses", EVENT_COLUMNS);
    if (usage.aggregation === "unique_count") await insert("usage_special_uses", SPECIAL_COLUMNS);
  }
  if (!merge) return;
  for (const table of ["usage_events", "usage_windows", "usage_unique_values"])
    await clickhouse.command({ sql: `OPTIMIZE TABLE meterline.${table} FINAL`, doing: "merging" });
}
