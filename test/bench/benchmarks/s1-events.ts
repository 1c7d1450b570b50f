/**
 * S1: what events that are stored already cost: 1, 10 and 50 million of a hundred customers of a month, two hundred in a window row. An event that comes in beside so many identities; the
 * invoice query of all customers and of one; the rating run over all of them. The stored events come by SQL, through the views.
 */
import { billingStore } from "../../../src/clickhouse/billing-store.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { ratePeriod } from "../../../src/app/rating/rate-period.ts";
import { openServices } from "../../../cmd/services.ts";
import { decimal, decimalText, ZERO } from "../../../src/kernel/decimal.ts";
import { writeBenchCatalog } from "../bench-catalog.ts";
import { timed, type BenchWorld } from "../bench-world.ts";
import { requireEqual, type Benchmark } from "../benchmark.ts";
import { generateUsage, GENERATED_MONTH } from "../generated-usage.ts";
import type { ScaleCost, ScalePoint } from "../growth.ts";
import { shown } from "../interleave.ts";
import { pipelineUse } from "../pipeline-use.ts";
import { generatedSum } from "../scale-events.ts";
import { storeIdentities } from "../stored-identities.ts";
import { invoiceUsage } from "../usage-queries.ts";

const CUSTOMERS = 100;
/** The largest size fills 2,500 of the 2,976 windows of a month. */
const EVENTS_PER_WINDOW = 200;
const SHARES = [0.02, 0.2, 1] as const;
/** With 300,000, what ClickHouse does once or in single merges was a third of its cost at the last size (9.6 and 11.1 instead of 8.2 µs, 2026-11-29). */
const PIPELINE_EVENTS = 1_000_000;
/** Beside the generated usage, so that what comes in does not change what is asked for. */
const GENERATED = "m0";
const COMING_IN = { eventTypes: 1, metersPerEvent: 1, customers: CUSTOMERS };
const AGGREGATION = "sum";

export const storedEvents: Benchmark = {
  id: "S1",
  title: "Stored events",
  events: 50_000_000,
  rounds: 5,
  minutes: 6,
  run: async ({ events, rounds, scale, worlds, say }) => {
    const dir = await tempDir("bench-catalog");
    writeBenchCatalog(dir.path, { customers: CUSTOMERS, meters: 1 });
    const asked = await worlds.fresh({ catalog: dir.path });
    const fed = await worlds.fresh({ catalog: dir.path });
    await dir.remove();
    const points: ScalePoint[] = [];
    let before = 0;
    for (const share of SHARES) {
      const perCustomer = Math.round((events * scale * share) / CUSTOMERS);
      const size = perCustomer * CUSTOMERS;
      await generateUsage(asked.clickhouse, {
        ...{ meter: GENERATED, aggregation: AGGREGATION, customers: CUSTOMERS, eventsPerWindow: EVENTS_PER_WINDOW },
        eventsPerCustomer: perCustomer - before,
        eventsBefore: before,
      });
      await storeIdentities(fed.clickhouse, { from: before * CUSTOMERS, to: size });
      say(`${shown(size)} events are stored`);
      const costs = [
        ...(await pipelineCosts(fed, { size, events: Math.round(PIPELINE_EVENTS * scale) })),
        ...(await queryCosts(asked, { size, rounds })),
      ];
      points.push({ size, costs });
      say(costs.map(({ name, unit, values }) => `${name} ${shown(values[0] ?? 0)} ${unit}`).join(", "));
      before = perCustomer;
    }
    await asked.stop();
    await fed.stop();
    return {
      measurements: [],
      ratios: [],
      facts: { customers: CUSTOMERS, "events per window row": EVENTS_PER_WINDOW },
      growth: { axis: "events stored", points },
    };
  },
};

type SizeInput = { readonly size: number };

async function pipelineCosts(
  world: BenchWorld,
  { size, events }: SizeInput & { readonly events: number },
): Promise<readonly ScaleCost[]> {
  const use = await pipelineUse({ world, events, round: `s1-${size}`, ...COMING_IN });
  return [...use.costs, { name: "start of the sink", unit: "s", of: "all", values: [use.startSeconds] }];
}

async function queryCosts(
  world: BenchWorld,
  { size, rounds }: SizeInput & { readonly rounds: number },
): Promise<readonly ScaleCost[]> {
  const { clickhouse } = world;
  const store = billingStore(clickhouse);
  const services = await openServices(world.context);
  const times: Record<"invoice query" | "usage of one customer" | "rating run", number[]> = {
    "invoice query": [],
    "usage of one customer": [],
    "rating run": [],
  };
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, customers] of [
      ["invoice query", []],
      ["usage of one customer", [`c${round % CUSTOMERS}`]],
    ] as const) {
      const { seconds } = await timed(async () => {
        const usage = await invoiceUsage(store, { meter: GENERATED, aggregation: AGGREGATION, customers });
        const counted = usage.reduce((sum, { eventCount }) => sum + Number(eventCount), 0);
        requireEqual(`events, ${name}`, counted, customers.length === 0 ? size : size / CUSTOMERS);
        const quantity = usage.reduce((sum, row) => sum.plus(decimal(row.quantity)), ZERO);
        if (customers.length === 0) requireEqual("quantity", decimalText(quantity), generatedSum(size));
      });
      times[name].push(seconds * 1_000);
    }
    const { seconds } = await timed(async () => {
      const run = await ratePeriod(services.rating, { period: GENERATED_MONTH.name, customers: [] });
      requireEqual("rated lines", run.lines, CUSTOMERS);
    });
    times["rating run"].push(seconds * 1_000);
  }
  return Object.entries(times).map(([name, values]) => ({ name, unit: "ms", of: "all", values }));
}
