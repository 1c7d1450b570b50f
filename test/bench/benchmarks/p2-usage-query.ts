/**
 * P2: time of the usage query of one customer-month ÷ the same as OpenMeter asks it: a table of events ordered by type, customer and hour, with the data as JSON text that is
 * read by JSON_VALUE at query time. The same events, the same engine; the peer's sum is made exact (Decimal256), which a double would not be.
 */
import type { BillingStore } from "../../../src/app/ports.ts";
import { billingStore } from "../../../src/clickhouse/billing-store.ts";
import type { ClickHouse } from "../../../src/clickhouse/connect.ts";
import { timed } from "../bench-world.ts";
import { requireEqual, type Benchmark } from "../benchmark.ts";
import { generateUsage, GENERATED_MONTH } from "../generated-usage.ts";
import { interleave } from "../interleave.ts";
import { ratioOf } from "../ratio.ts";
import { invoiceUsage, usageText, type MonthUsage } from "../usage-queries.ts";

const METER = "p2";
/** Large ones: what any query costs at least, some 10 ms, the other way takes for 100,000 events. */
const CUSTOMERS = 2;
const EVENTS_PER_WINDOW = 10_000;
const SIDES = ["Meterline", "JSON at query time"] as const;

export const usageQuery: Benchmark = {
  id: "P2",
  title: "Usage of one customer-month beside JSON parsed at query time",
  events: 20_000_000,
  // Short ones: what the machine does besides shows in single rounds.
  rounds: 15,
  minutes: 5,
  run: async ({ events, rounds, worlds, say }) => {
    const world = await worlds.fresh();
    const { clickhouse } = world;
    const eventsPerCustomer = Math.ceil(events / CUSTOMERS);
    await generateUsage(clickhouse, {
      meter: METER,
      aggregation: "sum",
      customers: CUSTOMERS,
      eventsPerCustomer,
      eventsPerWindow: EVENTS_PER_WINDOW,
    });
    await copyAsJson(clickhouse);
    say("the events are stored in both ways");
    const store = billingStore(clickhouse);
    let number = 0;
    const times = await interleave({ rounds, sides: SIDES, unit: "ms", say }, async (side, round) => {
      const customer = `c${round % CUSTOMERS}`;
      let usage: readonly MonthUsage[] = [];
      const { seconds } = await timed(async () => {
        usage = side === "Meterline" ? await ours(store, customer) : await theirs(clickhouse, customer);
      });
      number += usage.length;
      requireEqual(`usage of ${customer}, ${side}`, usageText(usage), usageText(await theirs(clickhouse, customer)));
      return seconds * 1_000;
    });
    requireEqual("answers", number, rounds * SIDES.length);
    await world.stop();
    return {
      measurements: SIDES.map((side) => ({ name: side, unit: "ms", values: times[side] })),
      ratios: [
        ratioOf({
          name: "Meterline ÷ JSON at query time",
          of: times["Meterline"],
          to: times["JSON at query time"],
          target: { atMost: 0.02 },
        }),
      ],
      facts: { "events of the customer-month": eventsPerCustomer, events, "events per window row": EVENTS_PER_WINDOW },
    };
  },
};

async function ours(store: BillingStore, customer: string): Promise<readonly MonthUsage[]> {
  return await invoiceUsage(store, { meter: METER, aggregation: "sum", customers: [customer] });
}

async function theirs(clickhouse: ClickHouse, subject: string): Promise<readonly MonthUsage[]> {
  return await clickhouse.rows<MonthUsage>({
    sql: `SELECT subject AS customer, toString(sum(toDecimal256(JSON_VALUE(data, '$.tokens'), 18))) AS quantity, toString(count()) AS eventCount
      FROM peer.events
      WHERE namespace = 'default' AND type = 'llm.completion' AND subject = {subject: String}
        AND time >= toDateTime({from: String}, 'UTC') AND time < toDateTime({to: String}, 'UTC')
      GROUP BY subject`,
    params: { subject, from: instant(GENERATED_MONTH.from), to: instant(GENERATED_MONTH.to) },
    doing: "asking as a peer does",
  });
}

async function copyAsJson(clickhouse: ClickHouse): Promise<void> {
  const doing = "storing the events as a peer does";
  await clickhouse.command({ sql: "CREATE DATABASE peer ENGINE = Atomic", doing });
  await clickhouse.command({
    sql: `CREATE TABLE peer.events (namespace String, id String, type LowCardinality(String), subject String, source String, time DateTime('UTC'), data String)
      ENGINE = MergeTree PARTITION BY toYYYYMM(time) ORDER BY (namespace, type, subject, toStartOfHour(time))`,
    doing,
  });
  await clickhouse.command({
    sql: `INSERT INTO peer.events SELECT 'default', id, 'llm.completion', customer, source, event_time,
        concat('{"model":"', dimensions['model'], '","region":"eu-west-1","tokens":"', toString(quantity), '"}')
      FROM meterline.usage_events WHERE meter = '${METER}'`,
    doing,
  });
  await clickhouse.command({ sql: "OPTIMIZE TABLE peer.events FINAL", doing });
}

function instant(text: string): string {
  return text.slice(0, 19).replace("T", " ");
}
