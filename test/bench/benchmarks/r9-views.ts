/**
 * R9: time of the invoice query over all customers from the views ÷ time of the same from the accepted events (the same columns: quantity, events, digest, ranges of
 * the stream), at 100 and at 10,000 events per row of the windows; unique_count apart, with ten events per value.
 */
import { billingStore } from "../../../src/clickhouse/billing-store.ts";
import type { ClickHouse } from "../../../src/clickhouse/connect.ts";
import { timed } from "../bench-world.ts";
import { requireEqual, type Benchmark } from "../benchmark.ts";
import { GENERATED_BODY_HASH, generateUsage, GENERATED_MONTH, type GeneratedUsage } from "../generated-usage.ts";
import { interleave } from "../interleave.ts";
import { ratioOf } from "../ratio.ts";
import { invoiceUsage, usageText, type MonthUsage } from "../usage-queries.ts";

const CUSTOMERS = 100;
const LINEAGE = `toString(count()) AS eventCount,
  toString(sum(usage_event_leaf(source, id, ${GENERATED_BODY_HASH}, customer, meter, dimensions, event_time, quantity, text))) AS digest,
  min(seq) AS first, max(seq) AS last`;
const IN_MONTH = `meter = {meter: String}
  AND window_start >= toDateTime({from: String}, 'UTC') AND window_start < toDateTime({to: String}, 'UTC')`;
const FROM_EVENTS = {
  sum: `SELECT customer, toString(sum(toDecimal256(quantity, 18))) AS quantity, ${LINEAGE}`,
  unique_count: `SELECT customer, toString(uniqExact(text)) AS quantity, ${LINEAGE}`,
} as const;

const CASES = [
  { name: "100 events per window row", aggregation: "sum", eventsPerWindow: 100, share: 1, atMost: 0.1 },
  { name: "10,000 events per window row", aggregation: "sum", eventsPerWindow: 10_000, share: 1, atMost: 0.01 },
  { name: "unique_count", aggregation: "unique_count", eventsPerWindow: 100, share: 0.2, atMost: 0.6 },
] as const;

export const views: Benchmark = {
  id: "R9",
  title: "The invoice query from the views beside the accepted events",
  events: 20_000_000,
  rounds: 5,
  minutes: 10,
  run: async ({ events, rounds, worlds, say }) => {
    const world = await worlds.fresh();
    const measurements = [];
    const ratios = [];
    for (const [index, { name, aggregation, eventsPerWindow, share, atMost }] of CASES.entries()) {
      const eventsPerCustomer = Math.max(Math.round((events * share) / CUSTOMERS), 10);
      const usage = { meter: `r9-${index}`, aggregation, customers: CUSTOMERS, eventsPerCustomer, eventsPerWindow };
      await generateUsage(world.clickhouse, usage);
      say(`${name}: ${usage.customers * eventsPerCustomer} events are stored`);
      const times = await measure(world.clickhouse, { usage, rounds, say });
      measurements.push(
        { name: `from the views, ${name}`, unit: "ms", values: times.views },
        { name: `from the events, ${name}`, unit: "ms", values: times.events },
      );
      ratios.push(ratioOf({ name: `views ÷ events, ${name}`, of: times.views, to: times.events, target: { atMost } }));
    }
    await world.stop();
    return { measurements, ratios, facts: { events, customers: CUSTOMERS } };
  },
};

type MeasureInput = { readonly usage: GeneratedUsage; readonly rounds: number; readonly say: (text: string) => void };

async function measure(clickhouse: ClickHouse, { usage, rounds, say }: MeasureInput) {
  const store = billingStore(clickhouse);
  const asked = {
    views: () => invoiceUsage(store, { meter: usage.meter, aggregation: usage.aggregation, customers: [] }),
    events: () => usageFromEvents(clickhouse, usage),
  };
  const wanted = usageText(await asked.events());
  const sides = ["views", "events"] as const;
  return await interleave({ rounds, sides, unit: "ms", say }, async (side) => {
    let found = "";
    const { seconds } = await timed(async () => {
      found = usageText(await asked[side]());
    });
    requireEqual(`usage from the ${side}`, found, wanted);
    return seconds * 1_000;
  });
}

async function usageFromEvents(
  clickhouse: ClickHouse,
  { meter, aggregation }: GeneratedUsage,
): Promise<readonly MonthUsage[]> {
  const instant = (text: string): string => text.slice(0, 19).replace("T", " ");
  return await clickhouse.rows<MonthUsage>({
    sql: `${FROM_EVENTS[aggregation]} FROM meterline.usage_events WHERE ${IN_MONTH} GROUP BY customer ORDER BY customer`,
    settings: { prefer_column_name_to_alias: 1 },
    params: { meter, from: instant(GENERATED_MONTH.from), to: instant(GENERATED_MONTH.to) },
    doing: "adding up the events",
  });
}
