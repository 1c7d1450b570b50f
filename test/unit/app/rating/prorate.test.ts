/** Amounts per billing period of contracts that begin, end or change within it, computed by hand. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { prorateTask } from "../../../../src/app/rating/prorate-task.ts";
import { ratePlan } from "../../../../src/app/rating/rate-plan.ts";
import { planRating } from "../../../../src/app/rating/rating-plan.ts";
import type { Price } from "../../../../src/domain/price.ts";
import type { HoursSpan, PriceHours } from "../../../../src/domain/price-hours.ts";
import type { RatedLine } from "../../../../src/domain/rated-line.ts";
import { decimal, sumDecimals } from "../../../../src/kernel/decimal.ts";
import { instantOf } from "../../../../src/kernel/instant.ts";
import { moneyText } from "../../../../src/kernel/money.ts";
import { parsePeriodArgument } from "../../../../src/kernel/period.ts";
import type { ProrationUnit } from "../../../../src/kernel/proration.ts";
import { billingCatalog, priceOf, testSpans } from "../../../support/billing-catalog.ts";
import { memoryBillingStore } from "../../../support/memory-billing-store.ts";

type Case = {
  readonly period: string;
  readonly proration?: ProrationUnit;
  readonly timeZone?: string;
  readonly to?: string;
  /** From when on which price, in which hours. */
  readonly versions: readonly (readonly [from: string, price: Price, when?: PriceHours])[];
  /** A sum of this in the middle of the period's last day. */
  readonly used?: string;
};

async function linesOf({ period, timeZone = "UTC", versions, used, ...contract }: Case): Promise<readonly RatedLine[]> {
  const catalog = billingCatalog([
    {
      ...contract,
      key: "k",
      customer: "acme",
      timeZone,
      from: versions[0]?.[0] ?? "",
      versions: versions.map(([from, price, when]) => ({
        from,
        prices: [
          priceOf({
            key: "p",
            price,
            ...(price.model !== "flat" && { meter: "m-sum" }),
            ...(when !== undefined && { when }),
          }),
        ],
      })),
    },
  ]);
  const store = memoryBillingStore();
  if (used !== undefined) {
    const time = instantOf(`${period}-28T12:00:00Z`, "time");
    const event = { meter: "m-sum", aggregation: "sum" as const, customer: "acme", time, id: "e", value: used };
    store.events.push({ ...event, dimensions: {}, cut: 1, shard: 0, seq: 1 });
  }
  const plan = planRating({ catalog, period: parsePeriodArgument(period), customers: [], spansOf: testSpans });
  const lines: RatedLine[] = [];
  for await (const line of ratePlan({ store, plan, run: { runId: "run_1", cut: 1, catalogSeq: 1 } })) lines.push(line);
  return lines;
}

const WORKING: readonly HoursSpan[] = [
  { days: ["mon", "tue", "wed"], from: "08:00", to: "20:00" },
  { days: ["thu", "fri"], from: "08:00", to: "20:00" },
];
const flat = (amount: string): Price => ({ model: "flat", amount });
const OPEN = "2026-01-01T00:00:00Z";
const BERLIN = "Europe/Berlin";
const amounts = (lines: readonly RatedLine[]): readonly string[] => lines.map((line) => line.amountRounded);

describe("a flat price", () => {
  test.each<Case & { readonly what: string; readonly expected: readonly string[] }>([
    // 49 · 14/31 = 22.129 is before it, 26.87 is left.
    {
      what: "that begins on the 15th of 31 days",
      period: "2026-10",
      proration: "day",
      versions: [["2026-10-15T00:00:00Z", flat("49")]],
      expected: ["26.87"],
    },
    // 30 · 15/30 and 60 · 15/30.
    {
      what: "that doubles on the 16th of 30 days",
      period: "2026-11",
      proration: "day",
      versions: [
        [OPEN, flat("30")],
        ["2026-11-16T00:00:00Z", flat("60")],
      ],
      expected: ["15", "30"],
    },
    // 30 · 15/31 = 14.516; 60 · 15/31 = 29.032, and 60 less 29.03.
    {
      what: "that doubles on the 16th of 31 days",
      period: "2026-10",
      proration: "day",
      versions: [
        [OPEN, flat("30")],
        ["2026-10-16T00:00:00Z", flat("60")],
      ],
      expected: ["14.52", "30.97"],
    },
    // 100 · 9/29 = 31.034.
    {
      what: "that ends on the 10th of a February of 29 days",
      period: "2028-02",
      proration: "day",
      to: "2028-02-10T00:00:00Z",
      versions: [[OPEN, flat("100")]],
      expected: ["31.03"],
    },
    // 100 · 9/28 = 32.143.
    {
      what: "that ends on the 10th of a February of 28 days",
      period: "2027-02",
      proration: "day",
      to: "2027-02-10T00:00:00Z",
      versions: [[OPEN, flat("100")]],
      expected: ["32.14"],
    },
    // The 25th of October has 25 hours in Berlin, and is one of the last 7 days: 100 · 24/31 = 77.419.
    {
      what: "that begins with the day of 25 hours, by the day",
      period: "2026-10",
      proration: "day",
      timeZone: BERLIN,
      versions: [["2026-10-24T22:00:00Z", flat("100")]],
      expected: ["22.58"],
    },
    // October has 2,682,000 seconds there, of which 24 · 86,400 = 2,073,600 have passed: 77.315 of 100.
    {
      what: "that begins with the day of 25 hours, by the second",
      period: "2026-10",
      proration: "second",
      timeZone: BERLIN,
      versions: [["2026-10-24T22:00:00Z", flat("100")]],
      expected: ["22.68"],
    },
    // March has 2,674,800 seconds; before the day of 23 hours 28 · 86,400 = 2,419,200 have passed: 90.444 of 100.
    {
      what: "that begins with the day of 23 hours, by the second",
      period: "2026-03",
      proration: "second",
      timeZone: BERLIN,
      versions: [["2026-03-28T23:00:00Z", flat("100")]],
      expected: ["9.56"],
    },
    // 100 · 28/31 = 90.323.
    {
      what: "that begins with the day of 23 hours, by the day",
      period: "2026-03",
      proration: "day",
      timeZone: BERLIN,
      versions: [["2026-03-28T23:00:00Z", flat("100")]],
      expected: ["9.68"],
    },
    // 16 days and 15: the 16th belongs to the version that holds when it begins.
    {
      what: "that changes at noon, by the day",
      period: "2026-10",
      proration: "day",
      versions: [
        [OPEN, flat("31")],
        ["2026-10-16T12:00:00Z", flat("62")],
      ],
      expected: ["16", "30"],
    },
    // 15.5 days of 31 each.
    {
      what: "that changes at noon, by the second",
      period: "2026-10",
      proration: "second",
      versions: [
        [OPEN, flat("31")],
        ["2026-10-16T12:00:00Z", flat("62")],
      ],
      expected: ["15.5", "31"],
    },
    // A third each: 3.33, 6.67 less 3.33, 10 less 6.67.
    {
      what: "in thirds",
      period: "2026-11",
      proration: "day",
      versions: [
        [OPEN, flat("10")],
        ["2026-11-11T00:00:00Z", flat("10")],
        ["2026-11-21T00:00:00Z", flat("10")],
      ],
      expected: ["3.33", "3.34", "3.33"],
    },
    // Without proration the version with which the period begins is charged whole.
    {
      what: "that is not prorated",
      period: "2026-10",
      versions: [
        ["2026-10-05T00:00:00Z", flat("30")],
        ["2026-10-16T00:00:00Z", flat("60")],
      ],
      expected: ["30"],
    },
  ])("$what", async ({ what: _, expected, ...given }) => {
    expect(amounts(await linesOf(given))).toEqual(expected);
  });

  test("is lowered by its discount and held to its bounds before it is shared", async () => {
    const price: Price = { model: "flat", amount: "100", discount: { percent: "10" }, maximumAmount: "62" };
    const lines = await linesOf({ period: "2026-10", proration: "day", versions: [["2026-10-16T00:00:00Z", price]] });
    expect(amounts(lines)).toEqual(["32"]);
  });

  test("says on the line what was prorated", async () => {
    const versions: Case["versions"] = [
      [OPEN, flat("30")],
      ["2026-10-16T00:00:00Z", flat("60")],
    ];
    const lines = await linesOf({ period: "2026-10", proration: "day", versions });
    expect(lines.map((line) => line.breakdown.map((step) => step["text"]))).toEqual([
      ["Flat amount for the period: 30 EUR", "15 of 31 days of 30 EUR", "Amount: 14.52 EUR"],
      [
        "Flat amount for the period: 60 EUR",
        "16 of 31 days of 60 EUR: 60 for the first 31, less 29.03 for the first 15",
        "Amount: 30.97 EUR",
      ],
    ]);
    expect(lines[1]?.input.proration).toEqual({ unit: "day", from: "15", to: "31", of: "31" });
    const added = lines.map(({ breakdown }) => sumDecimals(breakdown.map((step) => decimal(step["amount"] ?? "0"))));
    expect(added.map((sum) => moneyText(sum, "EUR"))).toEqual(["14.52", "30.97"]);
  });

  // Guarantee: a period that no version cuts and the contract fills has the bytes that it has without proration.
  test("of a whole period is left as it is", async () => {
    const whole: Case = { period: "2026-10", versions: [[OPEN, flat("0.125")]] };
    const [plain] = await linesOf(whole);
    const [prorated] = await linesOf({ ...whole, proration: "day" });
    expect(prorated).toEqual(plain);
  });
});

describe("a metered price", () => {
  const bounded: Price = {
    model: "per_unit",
    unitAmount: "1",
    discount: { amount: "3.1" },
    maximumAmount: "310",
    minimumAmount: "31",
  };
  const begins: Case = { period: "2026-10", proration: "day", versions: [["2026-10-15T00:00:00Z", bounded]] };

  // 17 of 31 days: at least 17, at most 170, and 1.70 off.
  test.each([
    ["0", "17"],
    ["100", "98.3"],
    ["1000", "170"],
  ])("of %s units has the discount, maximum and minimum of its days: %s", async (used, expected) => {
    const lines = await linesOf({ ...begins, used });
    expect(amounts(lines)).toEqual([expected]);
    expect(lines[0]?.breakdown[0]?.["text"]).toBe("Amounts per billing period are for 17 of 31 days");
    expect(lines[0]?.input).toMatchObject({
      price: { discount: { amount: "1.7" }, maximumAmount: "170", minimumAmount: "17" },
      proration: { unit: "day", from: "14", to: "31", of: "31" },
    });
  });

  // The usage is on a Wednesday at noon: in the hours, and not in the others.
  test("of some hours of the week has the bounds of its days, whichever hours they are", async () => {
    const from = "2026-10-15T00:00:00Z";
    const inHours = async (when: PriceHours) =>
      amounts(await linesOf({ ...begins, versions: [[from, bounded, when]], used: "100" }));
    expect(await inHours({ in: WORKING })).toEqual(["98.3"]);
    expect(await inHours({ not: WORKING })).toEqual(["17"]);
  });

  // 14 and 17 of 31 days, each with its own minimum; the same hours in other words are one run of the price.
  test("has the bounds of the days for which its hours hold", async () => {
    const after = (when: PriceHours): Case["versions"] => [
      [OPEN, bounded, { in: WORKING }],
      ["2026-10-15T00:00:00Z", bounded, when],
    ];
    expect(amounts(await linesOf({ ...begins, versions: after({ not: WORKING }) }))).toEqual(["14", "17"]);
    const inOtherWords = { in: [...WORKING].reverse() };
    expect(amounts(await linesOf({ ...begins, versions: after(inOtherWords) }))).toEqual(["31", "0"]);
  });

  test("keeps its quantities, and what its tiers charge when they are entered", async () => {
    const price: Price = {
      model: "graduated",
      tiers: [
        { upTo: "10", unitAmount: "0", flatAmount: "5" },
        { upTo: null, unitAmount: "1" },
      ],
      usageDiscount: { freeUnits: "2" },
    };
    const lines = await linesOf({ ...begins, versions: [["2026-10-15T00:00:00Z", price]], used: "13" });
    expect(amounts(lines)).toEqual(["6"]);
    expect(lines[0]?.input.proration).toBeUndefined();
  });

  // 100 · 14/31 = 45.161290322580645161…, which a unit without minor units keeps to 18 places.
  test("in a pricing unit has its bounds to 18 places", () => {
    const versions = [
      { from: "2026-10-15T00:00:00Z", prices: [priceOf({ key: "p", meter: "m-sum", price: bounded })] },
    ];
    const from = "2026-10-15T00:00:00Z";
    const catalog = billingCatalog([{ key: "k", customer: "acme", from, versions }]);
    const period = parsePeriodArgument("2026-10");
    const { tasks } = planRating({ catalog, period, customers: [], spansOf: testSpans });
    const price: Price = { model: "per_unit", unitAmount: "1", minimumAmount: "100" };
    const inCredits = tasks.map((task) =>
      prorateTask({ ...task, price: { ...task.price, unit: "credits", price } }, "day"),
    );
    expect(inCredits.map((task) => task.price.price.minimumAmount)).toEqual(["54.838709677419354839"]);
  });

  test("that goes on through a version has its bounds whole", async () => {
    const versions: Case["versions"] = [
      [OPEN, bounded],
      ["2026-10-15T00:00:00Z", bounded],
    ];
    expect(amounts(await linesOf({ ...begins, versions, used: "1000" }))).toEqual(["31", "279"]);
  });
});

// Guarantee: the figures in the documentation are those that are billed.
describe("docs/catalog.md", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../../docs/catalog.md"), "utf8");
  const october: Pick<Case, "period" | "timeZone"> = { period: "2026-10", timeZone: BERLIN };
  test.each<readonly [string, Case]>([
    ["49.00 from the 15th on", { ...october, versions: [["2026-10-14T22:00:00Z", flat("49.00")]] }],
    [
      "30.00, from the 16th on 60.00",
      {
        ...october,
        versions: [
          [OPEN, flat("30.00")],
          ["2026-10-15T22:00:00Z", flat("60.00")],
        ],
      },
    ],
  ])("shows what %s costs", async (what, given) => {
    const cells: string[] = [];
    for (const proration of [undefined, "day", "second"] as const) {
      const lines = await linesOf(proration === undefined ? given : { ...given, proration });
      cells.push(lines.map((line) => moneyText(decimal(line.amountRounded), "EUR")).join(" + "));
    }
    expect(page).toContain(`| ${[what, ...cells].join(" | ")} |`);
  });
});
