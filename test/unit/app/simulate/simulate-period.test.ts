import { expect, it } from "vitest";
import { planApply } from "../../../../src/app/catalog/plan-apply.ts";
import type { JournalState } from "../../../../src/app/catalog/fold-journal.ts";
import { changedCatalog } from "../../../../src/app/simulate/changed-catalog.ts";
import { simulatePeriod } from "../../../../src/app/simulate/simulate-period.ts";
import { decimalText } from "../../../../src/kernel/decimal.ts";
import { instantOf } from "../../../../src/kernel/instant.ts";
import { parsePeriodArgument } from "../../../../src/kernel/period.ts";
import { bodiesOfPlan, catalogInFiles, finalizedInvoice, stateAfter } from "../../../support/catalog-in-files.ts";
import { memoryBillingStore, type MemoryBillingStore } from "../../../support/memory-billing-store.ts";

const CUT = 3;
const APPLIED_AT = "2026-01-01T00:00:00Z";

/** Three customers with the same card; what a price is, and what stands in it besides, is what tests change. */
const catalog = (amount: string, more = ""): string => `meters:
  - { key: out, eventType: llm, aggregation: sum, value: /data/out }
customers:
  - { key: a, name: A, currency: EUR, timeZone: UTC }
  - { key: b, name: B, currency: EUR, timeZone: UTC }
  - { key: c, name: C, currency: EUR, timeZone: UTC }
rateCards:
  - key: payg
    currency: EUR
    prices: [ { key: output, meter: out, price: { model: per_unit, unitAmount: "${amount}" } } ]${more}
contracts:
  - { key: ka, customer: a, rateCard: payg, effective: { from: "2026-01-01T00:00:00Z" } }
  - { key: kb, customer: b, rateCard: payg, effective: { from: "2026-10-16T00:00:00Z" } }
  - { key: kc, customer: c, rateCard: payg, effective: { from: "2026-01-01T00:00:00Z", to: "2026-10-11T00:00:00Z" } }
`;

function applied(text: string, state?: JournalState, now = APPLIED_AT): JournalState {
  const { catalog: files } = catalogInFiles({ "a.yaml": text });
  const plan = planApply({ state: state ?? stateAfter([]), files, now: instantOf(now, "now"), prune: false });
  expect(plan.problems).toEqual([]);
  return stateAfter(bodiesOfPlan(plan, `change ${now}`), state);
}

/** 10 units of each customer on the 5th and the 20th, and 1000 that came too late for the cut. */
function usage(): MemoryBillingStore {
  const store = memoryBillingStore();
  const event = (customer: string, day: string, quantity: string, cut: number) => ({
    id: `${customer}-${day}-${String(cut)}`,
    customer,
    meter: "out",
    dimensions: {},
    time: instantOf(`2026-10-${day}T12:00:00Z`, "time"),
    value: quantity,
    cut,
  });
  for (const customer of ["a", "b", "c"]) {
    store.events.push(
      ...([
        event(customer, "05", "10", CUT),
        event(customer, "20", "10", CUT),
        event(customer, "20", "1000", CUT + 1),
      ] as unknown as typeof store.events),
    );
  }
  return store;
}

async function simulated(text: string, state: JournalState, customers: readonly string[] = [], period = "2026-10") {
  const { catalog: files, unread } = catalogInFiles({ "a.yaml": text });
  const changed = changedCatalog({ state, files, unread, period: parsePeriodArgument(period) });
  const { effects } = await simulatePeriod({ store: usage() }, { state, changed, period, customers, cut: CUT });
  return effects
    .map(({ customer, before, after }) => `${customer} ${decimalText(before)} ${decimalText(after)}`)
    .sort();
}

it("prices the usage of the period twice, within each contract's own beginning and end", async () => {
  const state = applied(catalog("1"));
  await expect(simulated(catalog("3"), state)).resolves.toEqual(["a 20 60", "b 10 30", "c 10 30"]);
  await expect(simulated(catalog("3"), state, ["b"])).resolves.toEqual(["b 10 30"]);
});

// Guarantee: what is compared is what invoices come to: discounts, commitments and taxes of the contract are in it.
it("counts discounts, commitments and taxes in", async () => {
  const state = applied(catalog("1"));
  const terms =
    '{ from: "2026-01-01T00:00:00Z" }, discounts: [ { key: d, percent: "50" } ], commitments: [ { key: m, minimumAmount: "40" } ], taxes: { rates: [ { key: vat, name: VAT, rate: "10" } ] } }';
  const files = catalog("1").replace('{ from: "2026-01-01T00:00:00Z" } }', terms);
  // Half of 20 is 10, raised to 40, and 10 % of it on top.
  await expect(simulated(files, state)).resolves.toEqual(["a 20 44", "b 10 10", "c 10 10"]);
});

// Guarantee: a level or total that goes on is priced with what all earlier periods left, as of the cut.
it("begins the period of a recurring meter with what came before", async () => {
  const text = (amount: string) => catalog(amount).replace("value: /data/out", "value: /data/out, recurring: true");
  const state = applied(text("1"));
  await expect(simulated(text("3"), state, ["a"])).resolves.toEqual(["a 20 60"]);
  await expect(simulated(text("3"), state, ["a"], "2026-11")).resolves.toEqual(["a 20 60"]);
  await expect(simulated(text("3"), state, ["a"], "2026-09")).resolves.toEqual(["a 0 0"]);
});

// Guarantee: files that change nothing have no effect, whatever else is to come already.
it("has no effect with the files that were applied, also if their terms hold only later", async () => {
  const later = applied(catalog("5"), applied(catalog("1")), "2026-10-20T00:00:00Z");
  await expect(simulated(catalog("5"), later)).resolves.toEqual(["a 20 20", "b 10 10", "c 10 10"]);
});

it("takes the new terms for the whole period, whenever they would begin", async () => {
  const state = applied(catalog("1"));
  await expect(simulated(catalog("3", '\n    effectiveFrom: "2027-05-01T00:00:00Z"'), state)).resolves.toEqual([
    "a 20 60",
    "b 10 30",
    "c 10 30",
  ]);
  // The price was changed in the middle of the period before: the old side keeps both.
  const twice = applied(catalog("2", '\n    effectiveFrom: "2026-10-16T00:00:00Z"'), state, "2026-10-10T00:00:00Z");
  await expect(simulated(catalog("3"), twice)).resolves.toEqual(["a 30 60", "b 20 30", "c 10 30"]);
});

it("looks at finalized periods as well", async () => {
  const state = applied(catalog("1"));
  const period = { periodFrom: "2026-10-01T00:00:00Z", periodTo: "2026-11-01T00:00:00Z" };
  const finalized = new Map([["x", finalizedInvoice({ contract: "ka", ...period, position: 1 })]]);
  await expect(simulated(catalog("3"), { ...state, finalized })).resolves.toContain("a 20 60");
});

it("counts a contract that is new from 0, and keeps what the files leave out", async () => {
  const state = applied(catalog("1").replace(/^ {2}- \{ key: kb.*\n/m, ""));
  const [head = ""] = catalog("1").split("contracts:");
  const files = `${head}contracts:\n  - { key: kb, customer: b, rateCard: payg, effective: { from: "2026-10-16T00:00:00Z" } }\n`;
  await expect(simulated(files, state)).resolves.toEqual(["a 20 20", "b 0 10", "c 10 10"]);
});

it("names a price on a meter that measured nothing yet", async () => {
  const state = applied(catalog("1"));
  const files = catalog("1")
    .replace("meters:", "meters:\n  - { key: calls, eventType: llm, aggregation: count }")
    .replace("prices: [", 'prices: [ { key: calls, meter: calls, price: { model: per_unit, unitAmount: "1" } },');
  await expect(simulated(files, state)).rejects.toMatchObject({
    code: "SIMULATION_METER_NEW",
    kind: "invalid",
    message: expect.stringMatching(/rate card payg, price calls: the meter calls is new/) as string,
  });
});

it("refuses what apply would refuse, and usage that would be left without a price", async () => {
  const state = applied(catalog("1"));
  await expect(simulated(catalog("1").replace("aggregation: sum", "aggregation: max"), state)).rejects.toMatchObject({
    code: "CATALOG_INVALID",
  });
  const free = catalog("1").replace(/prices: \[.*\]/, 'prices: [ { key: base, price: { model: flat, amount: "5" } } ]');
  await expect(simulated(free, state)).rejects.toMatchObject({ code: "USAGE_UNPRICED" });
  await expect(simulated(catalog("1"), state, ["nobody"])).rejects.toMatchObject({ code: "CUSTOMER_UNKNOWN" });
});

it("gives the same answer each time, and writes nothing", async () => {
  const state = applied(catalog("1"));
  const store = usage();
  const { catalog: files, unread } = catalogInFiles({ "a.yaml": catalog("0.1234567") });
  const once = () => {
    const changed = changedCatalog({ state, files, unread, period: parsePeriodArgument("2026-10") });
    return simulatePeriod({ store }, { state, changed, period: "2026-10", customers: [], cut: CUT });
  };
  const first = await once();
  expect(JSON.stringify(await once())).toBe(JSON.stringify(first));
  // 20 and 10 times 0.1234567, each line rounded: of 10 more is lost than of 20.
  expect(first.effects.map(({ customer, after }) => `${customer} ${decimalText(after)}`)).toEqual([
    "b 1.23",
    "c 1.23",
    "a 2.47",
  ]);
  expect(store.lines.size).toBe(0);
});
