/** Accepted events by SQL, straight into `usage_events`: its views make the windows of them as they do of the sink's. For what reads usage and needs millions. */
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
const CHUNK = 1_000_000;
const WINDOW_SECONDS = 900;

/** The customers are c0, c1 …; quantities repeat from 0.001 to 1.000, texts every ten events. */
export async function generateUsage(clickhouse: ClickHouse, usage: GeneratedUsage): Promise<void> {
  const { customers, eventsPerCustomer, eventsBefore = 0, merge = true } = usage;
  const total = customers * eventsPerCustomer;
  for (let from = 0; from < total; from += CHUNK) {
    await clickhouse.command({
      sql: `INSERT INTO meterline.usage_events
          (meter, aggregation, customer, window_start, dimensions, event_time, source, id, body_hash, quantity, text, cut, shard, incarnation, seq, position)
        SELECT {meter: String}, {aggregation: String}, concat('c', toString(intDiv(number, {perCustomer: UInt64}))) AS customer,
          toDateTime({start: String}, 'UTC') + intDiv({before: UInt64} + number % {perCustomer: UInt64}, {perWindow: UInt64}) * ${WINDOW_SECONDS} AS window_start,
          map('model', 'small-1'), toDateTime64(window_start, 9, 'UTC') + number % ${WINDOW_SECONDS}, 'generated',
          toString({before: UInt64} * {customers: UInt64} + number), number,
          if({aggregation: String} = 'sum', toDecimal128(({before: UInt64} * {customers: UInt64} + number) % 1000 + 1, 18) / 1000, toDecimal128(0, 18)),
          if({aggregation: String} = 'sum', '', concat('user-', toString(intDiv(number, 10)))), 1, 0, 1, intDiv(number, 100) + 1, number % 100
        FROM numbers({from: UInt64}, {count: UInt64})`,
      params: {
        ...{ meter: usage.meter, aggregation: usage.aggregation, from, count: Math.min(CHUNK, total - from) },
        ...{ perCustomer: eventsPerCustomer, perWindow: usage.eventsPerWindow, before: eventsBefore, customers },
        start: GENERATED_MONTH.from.slice(0, 19).replace("T", " "),
      },
      settings: { insert_deduplicate: 0 },
      doing: "generating usage",
    });
  }
  if (!merge) return;
  for (const table of ["usage_events", "usage_windows", "usage_unique_values"])
    await clickhouse.command({ sql: `OPTIMIZE TABLE meterline.${table} FINAL`, doing: "merging" });
}
