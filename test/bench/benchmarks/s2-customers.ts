/**
 * S2: what customers cost: 1 thousand, 100 thousand and 1 million in the catalog. Writing them into the journal, the start of a sink that reads them, its memory, an event of
 * any of them; and the invoice query over all of them with ten events each, which come by SQL.
 */
import { billingStore } from "../../../src/clickhouse/billing-store.ts";
import { openServices } from "../../../cmd/services.ts";
import { decimal, decimalText, ZERO } from "../../../src/kernel/decimal.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { writeBenchCatalog } from "../bench-catalog.ts";
import { timed, type BenchWorld } from "../bench-world.ts";
import { requireEqual, type Benchmark } from "../benchmark.ts";
import { generateUsage } from "../generated-usage.ts";
import type { ScaleCost, ScalePoint } from "../growth.ts";
import { shown } from "../interleave.ts";
import { pipelineUse } from "../pipeline-use.ts";
import { generatedSum } from "../scale-events.ts";
import { storeCustomers } from "../stored-customers.ts";
import { invoiceUsage } from "../usage-queries.ts";

const SIZES = [1_000, 100_000, 1_000_000] as const;
const EVENTS_PER_CUSTOMER = 10;
/** Not the meter that events come in for. */
const ASKED = "asked";
const MIB = 1024 ** 2;

export const customers: Benchmark = {
  id: "S2",
  title: "Customers",
  /** That come in at each size. */
  events: 1_000_000,
  rounds: 5,
  minutes: 5,
  run: async ({ events, rounds, scale, worlds, say }) => {
    const dir = await tempDir("bench-catalog");
    writeBenchCatalog(dir.path, { customers: 0, meters: 1 });
    const world = await worlds.fresh({ catalog: dir.path });
    await dir.remove();
    const points: ScalePoint[] = [];
    let before = 0;
    let journalSeconds = 0;
    for (const full of SIZES) {
      const size = Math.round(full * scale);
      const services = await openServices(world.context);
      journalSeconds += (await timed(() => storeCustomers(services, { from: before, to: size }))).seconds;
      say(`${shown(size)} customers are in the catalog`);
      const use = await pipelineUse({
        ...{ world, events: Math.round(events * scale), round: `s2-${size}`, customers: size },
        ...{ eventTypes: 1, metersPerEvent: 1 },
      });
      const costs: ScaleCost[] = [
        ...use.costs,
        { name: "writing them into the journal", unit: "s", of: "all", values: [journalSeconds] },
        { name: "start of the sink", unit: "s", of: "all", values: [use.startSeconds] },
        { name: "peak memory of the sink", unit: "MiB", of: "all", values: [use.peakBytes / MIB] },
        await queryCost(world, { size, rounds }),
      ];
      points.push({ size, costs });
      say(costs.map(({ name, unit, values }) => `${name} ${shown(values[0] ?? 0)} ${unit}`).join(", "));
      before = size;
    }
    await world.stop();
    return {
      measurements: [],
      ratios: [],
      facts: { "events a round": Math.round(events * scale), "events of a customer in the query": EVENTS_PER_CUSTOMER },
      growth: { axis: "customers", points },
    };
  },
};

async function queryCost(
  { clickhouse }: BenchWorld,
  { size, rounds }: { readonly size: number; readonly rounds: number },
): Promise<ScaleCost> {
  const meter = `${ASKED}-${size}`;
  const usage = { meter, aggregation: "sum" as const, customers: size, eventsPerWindow: EVENTS_PER_CUSTOMER };
  await generateUsage(clickhouse, { ...usage, eventsPerCustomer: EVENTS_PER_CUSTOMER });
  const store = billingStore(clickhouse);
  const values: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { seconds } = await timed(async () => {
      const rows = await invoiceUsage(store, { meter, aggregation: "sum", customers: [] });
      const quantity = rows.reduce((sum, row) => sum.plus(decimal(row.quantity)), ZERO);
      requireEqual("customers with usage", rows.length, size);
      requireEqual("quantity", decimalText(quantity), generatedSum(size * EVENTS_PER_CUSTOMER));
    });
    values.push(seconds * 1_000);
  }
  return { name: "invoice query over all of them", unit: "ms", of: "all", values };
}
