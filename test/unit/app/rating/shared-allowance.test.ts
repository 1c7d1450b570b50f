/** Free units that prices share, computed by hand. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ratePlan } from "../../../../src/app/rating/rate-plan.ts";
import { planRating } from "../../../../src/app/rating/rating-plan.ts";
import type { Allowance } from "../../../../src/domain/contract-terms.ts";
import type { Price } from "../../../../src/domain/price.ts";
import { WEEKDAYS } from "../../../../src/domain/price-hours.ts";
import type { RatedLine } from "../../../../src/domain/rated-line.ts";
import { instantOf } from "../../../../src/kernel/instant.ts";
import { parsePeriodArgument } from "../../../../src/kernel/period.ts";
import { billingCatalog, priceOf, testSpans } from "../../../support/billing-catalog.ts";
import { memoryBillingStore } from "../../../support/memory-billing-store.ts";

const OPEN = "2026-01-01T00:00:00Z";
const perUnit = (unitAmount: string): Price => ({ model: "per_unit", unitAmount });
const REGIONS: Readonly<Record<string, Price>> = { eu: perUnit("1"), us: perUnit("2"), asia: perUnit("4") };

type Used = readonly (readonly [day: number, region: string, quantity: string])[];

async function linesOf(input: {
  readonly used: Used;
  readonly allowances: readonly Allowance[];
  readonly prices?: Readonly<Record<string, Price>>;
  /** Days of October on which a version begins. */
  readonly cuts?: readonly number[];
  readonly customers?: readonly string[];
}): Promise<readonly RatedLine[]> {
  const { used, allowances, cuts = [], customers = ["acme"] } = input;
  const prices = Object.entries(input.prices ?? REGIONS).map(([key, price]) =>
    priceOf({ key, price, meter: "m-sum", where: { region: key } }),
  );
  const starts = [OPEN, ...cuts.map((day) => `2026-10-${String(day).padStart(2, "0")}T00:00:00Z`)];
  const catalog = billingCatalog(
    customers.map((customer) => ({
      key: `k-${customer}`,
      customer,
      allowances,
      versions: starts.map((from) => ({ from, prices })),
    })),
  );
  const store = memoryBillingStore();
  used.forEach(([day, region, value], index) => {
    const time = instantOf(`2026-10-${String(day).padStart(2, "0")}T12:00:00Z`, "time");
    const event = { meter: "m-sum", aggregation: "sum" as const, time, id: `e${String(index)}`, value };
    const customer = customers[index % customers.length] ?? "";
    store.events.push({ ...event, customer, dimensions: { region }, cut: 1, shard: 0, seq: index + 1 });
  });
  const plan = planRating({ catalog, period: parsePeriodArgument("2026-10"), customers: [], spansOf: testSpans });
  const lines: RatedLine[] = [];
  for await (const line of ratePlan({ store, plan, run: { runId: "run_1", cut: 1, catalogSeq: 1 } })) lines.push(line);
  return lines;
}

const amounts = (lines: readonly RatedLine[]): Readonly<Record<string, string>> =>
  Object.fromEntries(lines.map((line) => [`${line.price} ${String(line.contractVersion)}`, line.amount]));

const free = (quantity: string, prices: string[], name?: string): Allowance => ({
  key: "calls",
  quantity,
  prices,
  ...(name !== undefined && { name }),
});
const USED: Used = [
  [3, "asia", "30"],
  [10, "eu", "40"],
  [20, "us", "50"],
];

describe("free units that prices share", () => {
  // 100 free: 40 for eu, 50 for us, 10 of 30 for asia, though its usage came first.
  test("are used up in the order in which the prices are named", async () => {
    const inOrder = await linesOf({ used: USED, allowances: [free("100", ["eu", "us", "asia"])] });
    expect(amounts(inOrder)).toEqual({ "eu 1": "0", "us 1": "0", "asia 1": "80" });
    // 30 for asia, 50 for us, 20 of 40 for eu.
    const reversed = await linesOf({ used: USED, allowances: [free("100", ["asia", "us", "eu"])] });
    expect(amounts(reversed)).toEqual({ "eu 1": "20", "us 1": "0", "asia 1": "0" });
  });

  test("are used up as docs/catalog.md tells", async () => {
    const page = readFileSync(join(import.meta.dirname, "../../../../docs/catalog.md"), "utf8");
    expect(page).toContain("of 1,000,000 tokens with 700,000 of output and 500,000 of input, input pays 200,000");
    const lines = await linesOf({
      used: [
        [3, "input", "500000"],
        [4, "output", "700000"],
      ],
      allowances: [free("1000000", ["output", "input"])],
      prices: { output: perUnit("2"), input: perUnit("1") },
    });
    expect(amounts(lines)).toEqual({ "output 1": "0", "input 1": "200000" });
  });

  test("leave prices alone that are not named", async () => {
    const lines = await linesOf({ used: USED, allowances: [free("45", ["us"])] });
    expect(amounts(lines)).toEqual({ "eu 1": "40", "us 1": "10", "asia 1": "120" });
  });

  test("are each customer's own", async () => {
    const used: Used = [
      [3, "eu", "60"],
      [3, "eu", "10"],
      [4, "us", "60"],
      [4, "us", "10"],
    ];
    const lines = await linesOf({ used, allowances: [free("80", ["eu", "us"])], customers: ["acme", "beta"] });
    const us = lines.filter(({ price }) => price === "us");
    expect(us.map(({ customer, amount }) => `${customer} ${amount}`)).toEqual(["acme 80", "beta 0"]);
  });

  // Until the 15th eu used 40, asia 30 of the 60 left; then us takes 50 in all and leaves asia 10: 20 of its 30 are charged after all.
  test("are counted on when a version begins within the period", async () => {
    const lines = await linesOf({ used: USED, allowances: [free("100", ["eu", "us", "asia"])], cuts: [15] });
    expect(amounts(lines)).toEqual({
      "eu 1": "0",
      "us 1": "0",
      "asia 1": "0",
      "eu 2": "0",
      "us 2": "0",
      "asia 2": "80",
    });
  });

  test("what was taken back uses none up", async () => {
    const used: Used = [
      [3, "eu", "-5"],
      [4, "us", "12"],
    ];
    expect(amounts(await linesOf({ used, allowances: [free("10", ["eu", "us"])] }))).toMatchObject({ "us 1": "4" });
  });

  test("lower what tiers charge", async () => {
    const tiers: Price = {
      model: "graduated",
      tiers: [
        { upTo: "10", unitAmount: "3" },
        { upTo: null, unitAmount: "1" },
      ],
    };
    // 25 of 50 are left: 10 at 3 and 15 at 1.
    const lines = await linesOf({
      used: USED,
      allowances: [free("65", ["eu", "us"])],
      prices: { eu: perUnit("1"), us: tiers },
    });
    expect(amounts(lines)).toMatchObject({ "us 1": "45" });
  });

  test("stand on the line, with what was used before it", async () => {
    const lines = await linesOf({ used: USED, allowances: [free("100", ["eu", "us", "asia"], "Calls included")] });
    const asia = lines.find(({ price }) => price === "asia");
    expect(asia?.breakdown.map((step) => step["text"]).slice(0, 2)).toEqual([
      "Calls included: 100 units free, eu used 40, us used 50: 10 left",
      "10 units free: 20 units left of 30",
    ]);
    expect(asia?.input).toMatchObject({
      price: perUnit("4"),
      quantity: "30",
      allowance: {
        key: "calls",
        quantity: "100",
        used: [
          { price: "eu", quantity: "40" },
          { price: "us", quantity: "50" },
        ],
      },
    });
  });

  // Guarantee: a run that could not count the free units says so; it never leaves them out.
  test("make a run fail that can't count them", async () => {
    const prices: Readonly<Record<string, Price>> = { eu: { ...perUnit("1"), usageDiscount: { freeUnits: "1" } } };
    await expect(linesOf({ used: [], allowances: [free("5", ["eu"])], prices })).rejects.toThrow(
      /price eu: it can't share free units: it has usageDiscount/,
    );
  });
});

// Guarantee: hours are each contract's own, also where customers' prices are asked about together. At 02:00 UTC it is 11:00 in Tokyo.
test("hours of the week share free units, in the contract's zone", async () => {
  const working = [{ days: WEEKDAYS, from: "08:00", to: "20:00" }];
  const prices = [
    priceOf({ key: "work", meter: "m-sum", when: { in: working }, price: perUnit("1") }),
    priceOf({ key: "rest", meter: "m-sum", when: { not: working }, price: perUnit("10") }),
  ];
  const zones = { acme: "UTC", beta: "Asia/Tokyo" };
  const catalog = billingCatalog(
    Object.entries(zones).map(([customer, timeZone]) => ({
      ...{ key: `k-${customer}`, customer, timeZone, allowances: [free("50", ["work", "rest"])] },
      versions: [{ from: OPEN, prices }],
    })),
  );
  const store = memoryBillingStore();
  for (const customer of Object.keys(zones))
    for (const [hour, value] of [
      ["12", "40"],
      ["02", "30"],
    ] as const) {
      const time = instantOf(`2026-10-05T${hour}:00:00Z`, "time");
      const event = {
        ...{ meter: "m-sum", aggregation: "sum" as const },
        ...{ time, id: `${customer}-${hour}`, value },
      };
      store.events.push({ ...event, customer, dimensions: {}, cut: 1, shard: 0, seq: 1 });
    }
  const period = parsePeriodArgument("2026-10");
  const plan = planRating({ catalog, period, customers: [], spansOf: testSpans });
  const found: string[] = [];
  for await (const line of ratePlan({ store, plan, run: { runId: "run_1", cut: 1, catalogSeq: 1 } }))
    found.push(`${line.customer} ${line.price}: ${line.quantity}, ${line.amount}`);
  // acme: 40 in the day, then 10 free of 30 at night. beta: 12:00 UTC is 21:00 in Tokyo, so 30 in the day, then 20 free of 40.
  expect(found.toSorted()).toEqual([
    "acme rest: 30, 200",
    "acme work: 40, 0",
    "beta rest: 40, 200",
    "beta work: 30, 0",
  ]);
});
