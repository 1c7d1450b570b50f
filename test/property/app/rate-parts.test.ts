/** Contract versions that begin inside a billing period: what the parts charge adds up to what the whole would have been charged. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planRating } from "../../../src/app/rating/rating-plan.ts";
import { withLeftOver } from "../../../src/app/rating/task-rollover.ts";
import { ratePlan } from "../../../src/app/rating/rate-plan.ts";
import type { RateCardPrice } from "../../../src/domain/catalog.ts";
import type { Allowance } from "../../../src/domain/contract-terms.ts";
import { AGGREGATIONS, type Aggregation } from "../../../src/domain/meter.ts";
import type { Price } from "../../../src/domain/price.ts";
import type { FinalizedInvoice } from "../../../src/domain/invoice.ts";
import type { FreeUnitsGrant, RatedLine } from "../../../src/domain/rated-line.ts";
import { decimal, decimalText, sumDecimals } from "../../../src/kernel/decimal.ts";
import { NS_PER_DAY, NS_PER_SECOND, instantOf, instantText } from "../../../src/kernel/instant.ts";
import { parsePeriodArgument, WINDOW_NS } from "../../../src/kernel/period.ts";
import type { ProrationUnit } from "../../../src/kernel/proration.ts";
import { billingCatalog, priceOf, testSpans } from "../../support/billing-catalog.ts";
import { BUCKETED_MEASURES, CARRIED_MEASURES } from "../../support/measure-for.ts";
import { memoryBillingStore } from "../../support/memory-billing-store.ts";
import type { WrittenEvent } from "../../support/usage-writer.ts";

const FROM = instantOf("2026-10-01T00:00:00Z", "from");
const PRICES: readonly Price[] = [
  { model: "per_unit", unitAmount: "0.37" },
  { model: "package", packageAmount: "5", packageSize: "7", freeUnits: "3" },
  {
    model: "graduated",
    tiers: [
      { upTo: "10", unitAmount: "1", flatAmount: "2" },
      { upTo: "40", unitAmount: "0.5" },
      { upTo: null, unitAmount: "0.25" },
    ],
  },
  {
    model: "volume",
    tiers: [
      { upTo: "20", unitAmount: "2" },
      { upTo: null, unitAmount: "1" },
    ],
    minimumAmount: "15",
  },
];

const starts = fc
  .uniqueArray(fc.integer({ min: 1, max: 31 * 96 - 1 }), { minLength: 1, maxLength: 3 })
  .map((windows) => windows.sort((a, b) => a - b).map((window) => instantText(FROM + BigInt(window) * WINDOW_NS)));
const usage = fc.array(
  fc.record({ second: fc.integer({ min: 0, max: 31 * 86_400 - 1 }), value: fc.integer({ min: 0, max: 30 }) }),
  { maxLength: 25 },
);

const MEASURES = [...AGGREGATIONS.map((aggregation) => ({ name: aggregation, aggregation })), ...BUCKETED_MEASURES];

describe.each(MEASURES)("$name", ({ name, aggregation }) => {
  // Guarantee: cutting a period into contract versions with the same price changes no amount, whatever was used when.
  test("the parts of a period add up to the whole", async () => {
    await fc.assert(
      fc.asyncProperty(starts, usage, fc.constantFrom(...PRICES), async (cuts, used, price) => {
        const prices = [priceOf({ key: "p", meter: `m-${name}`, price })];
        const events = used
          .map(({ second, value }, index) => eventOf({ aggregation, second, value, index }))
          .map((event) => ({ ...event, meter: `m-${name}` }));
        const whole = await rated({ prices, cuts: [], events });
        const parts = await rated({ prices, cuts, events });
        expect(parts).toHaveLength(cuts.length + 1);
        for (const field of ["amount", "quantity", "eventCount"] as const) {
          expect(decimalText(sumDecimals(parts.map((line) => decimal(line[field])))), field).toBe(whole[0]?.[field]);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe.each(CARRIED_MEASURES)("$name", ({ name, aggregation }) => {
  // Guarantee: the same for meters that begin their periods with what came before: every part rests on all events before its end, and charges what they change.
  test("the parts of a period add up to the whole", async () => {
    const months = fc.array(
      fc.record({
        second: fc.integer({ min: -40 * 86_400, max: 31 * 86_400 - 1 }),
        value: fc.integer({ min: -9, max: 30 }),
      }),
      { maxLength: 25 },
    );
    await fc.assert(
      fc.asyncProperty(starts, months, fc.constantFrom(...PRICES), async (cuts, used, price) => {
        const prices = [priceOf({ key: "p", meter: `m-${name}`, price })];
        const events = used
          .map(({ second, value }, index) => eventOf({ aggregation, second, value, index }))
          .map((event) => ({ ...event, meter: `m-${name}` }));
        const [whole] = await rated({ prices, cuts: [], events });
        const parts = await rated({ prices, cuts, events });
        for (const field of ["amount", "quantity"] as const)
          expect(decimalText(sumDecimals(parts.map((line) => decimal(line[field])))), field).toBe(whole?.[field]);
        for (const { periodTo, eventCount } of parts)
          expect(eventCount).toBe(String(events.filter(({ time }) => time < instantOf(periodTo, "to")).length));
      }),
      { numRuns: 60 },
    );
  });
});

const ADDED_UP: readonly Price[] = [
  {
    model: "matrix",
    dimensions: ["region"],
    cells: [{ match: { region: "eu" }, unitAmount: "0.37" }],
    otherwise: "0.11",
    usageDiscount: { freeUnits: "20" },
  },
  {
    model: "percentage",
    rate: "2.9",
    fixedAmount: "0.3",
    freeEvents: "4",
    freeAmount: "33",
    minPerEvent: "0.5",
    maxPerEvent: "0.9",
  },
  {
    model: "percentage",
    rate: "1",
    fixedAmount: "0",
    unitConversion: { divideBy: "7", rounding: "up" },
    minimumAmount: "5",
  },
];

describe.each(["count", "sum"] as const)("cells and single events of %s", (aggregation) => {
  // Guarantee: the same for prices that look at cells and at single events, whatever order the events come in.
  test("the parts of a period add up to the whole", async () => {
    await fc.assert(
      fc.asyncProperty(starts, usage, fc.constantFrom(...ADDED_UP), async (cuts, used, price) => {
        const prices = [priceOf({ key: "p", meter: `m-${aggregation}`, price })];
        const events = used.map(({ second, value }, index) => ({
          ...eventOf({ aggregation, second, value, index }),
          dimensions: { region: value % 2 === 0 ? "eu" : "us" },
        }));
        const whole = await rated({ prices, cuts: [], events });
        const parts = await rated({ prices, cuts, events: events.toReversed() });
        for (const field of ["amount", "quantity", "eventCount"] as const) {
          expect(decimalText(sumDecimals(parts.map((line) => decimal(line[field])))), field).toBe(whole[0]?.[field]);
        }
      }),
      { numRuns: 60 },
    );
  });
});

test("a flat price is charged once per billing period, by the version that holds at its start", async () => {
  const prices = [priceOf({ key: "fee", price: { model: "flat", amount: "49" } })];
  const lines = await rated({ prices, cuts: ["2026-10-10T00:00:00Z", "2026-10-20T00:00:00Z"], events: [] });
  expect(lines.map((line) => [line.contractVersion, line.amount])).toEqual([[1, "49"]]);
});

describe.each(["day", "second"] as const)("prorated by the %s", (proration) => {
  // Guarantee: a period that is cut by versions of one contract costs what it costs whole, to the cent.
  test("a flat price is charged in shares that add up", async () => {
    await fc.assert(
      fc.asyncProperty(starts, fc.integer({ min: 0, max: 100_000 }), async (cuts, thousandths) => {
        const amount = decimalText(decimal(String(thousandths)).div(1000));
        const prices = [priceOf({ key: "fee", price: { model: "flat", amount, discount: { percent: "7" } } })];
        const [whole] = await rated({ prices, cuts: [], events: [], proration });
        const parts = await rated({ prices, cuts, events: [], proration });
        expect(parts).toHaveLength(cuts.length + 1);
        expect(roundedSum(parts)).toBe(whole?.amountRounded);
      }),
      { numRuns: 60 },
    );
  });

  // Guarantee: so does one that two contracts share, the second beginning where the first ends: a minimum and a flat price without usage.
  test("contracts that follow each other have their shares", async () => {
    const minimum = priceOf({
      key: "p",
      meter: "m-sum",
      price: { model: "per_unit", unitAmount: "1", minimumAmount: "99.97" },
    });
    const prices = [priceOf({ key: "fee", price: { model: "flat", amount: "10" } }), minimum];
    await fc.assert(
      fc.asyncProperty(starts, async ([cut = ""]) => {
        const before = await rated({ prices, cuts: [], events: [], proration, to: cut });
        const after = await rated({ prices, cuts: [], events: [], proration, from: cut });
        expect(roundedSum([...before, ...after])).toBe("109.97");
      }),
      { numRuns: 60 },
    );
  });
});

// Guarantee: whatever was used when, and however the period is cut: what prices charge that share free units is what is above them.
test("free units that prices share are given once", async () => {
  const prices = ["eu", "us", "asia"].map((region) =>
    priceOf({ key: region, meter: "m-sum", where: { region }, price: { model: "per_unit", unitAmount: "1" } }),
  );
  const regional = fc.array(fc.tuple(usage, fc.constantFrom("eu", "us", "asia")), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(starts, regional, fc.integer({ min: 1, max: 400 }), async (cuts, used, quantity) => {
      const events = used
        .flatMap(([list, region]) => list.map((each) => ({ ...each, region })))
        .map(({ second, value, region }, index) => ({
          ...eventOf({ aggregation: "sum", second, value, index }),
          dimensions: { region },
        }));
      const allowances = [{ key: "a", quantity: String(quantity), prices: ["us", "eu", "asia"] }];
      const total = events.reduce((sum, { value }) => sum + Number(value), 0);
      const parts = await rated({ prices, cuts, events: events.toReversed(), allowances });
      expect(roundedSum(parts)).toBe(String(Math.max(0, total - quantity)));
      const whole = await rated({ prices, cuts: [], events, allowances });
      for (const { price, amountRounded } of whole)
        expect(roundedSum(parts.filter((line) => line.price === price))).toBe(amountRounded);
    }),
    { numRuns: 60 },
  );
});

// Guarantee: units that were rolled over are given once too, and what is left of them doesn't depend on how the period is cut or in which order usage came.
test("free units that roll over are given once, and left over once", async () => {
  const grants = fc
    .tuple(fc.integer({ min: 0, max: 90 }), fc.integer({ min: 1, max: 90 }))
    .map(([first, second]) => [
      ...(first === 0 ? [] : [{ granted: "2026-08-01", quantity: String(first), periods: 0 }]),
      { granted: "2026-09-01", quantity: String(second), periods: 1 },
    ]);
  const usageDiscount = { freeUnits: "40", rollover: { periods: 2, limit: "50" } };
  await fc.assert(
    fc.asyncProperty(starts, usage, grants, fc.constantFrom(...PRICES), async (cuts, used, leftOver, price) => {
      const prices = [priceOf({ key: "p", meter: "m-sum", price: { ...price, usageDiscount } })];
      const events = used.map((each, index) => eventOf({ ...each, aggregation: "sum", index }));
      const [whole] = await rated({ prices, cuts: [], events, leftOver });
      const parts = await rated({ prices, cuts, events: events.toReversed(), leftOver });
      expect(decimalText(sumDecimals(parts.map(({ amount }) => decimal(amount))))).toBe(whole?.amount);
      expect(parts.at(-1)?.input.rollover).toEqual(whole?.input.rollover);
      expect(whole?.input.rollover?.rolledIn).toEqual(leftOver);
    }),
    { numRuns: 60 },
  );
});

function roundedSum(lines: readonly RatedLine[]): string {
  return decimalText(sumDecimals(lines.map((line) => decimal(line.amountRounded))));
}

async function rated(input: {
  prices: readonly RateCardPrice[];
  cuts: readonly string[];
  proration?: ProrationUnit;
  allowances?: readonly Allowance[];
  from?: string;
  to?: string;
  events: readonly WrittenEvent[];
  /** Of price p by the invoice of September. */
  leftOver?: readonly FreeUnitsGrant[];
}): Promise<readonly RatedLine[]> {
  const { events, cuts, prices, leftOver = [], ...contract } = input;
  const versions = [input.from ?? "2026-01-01T00:00:00Z", ...cuts].map((from) => ({ from, prices }));
  const catalog = billingCatalog([{ ...contract, key: "k", customer: "acme", versions }]);
  const store = memoryBillingStore();
  store.events.push(...events);
  const planned = planRating({ catalog, period: parsePeriodArgument("2026-10"), customers: [], spansOf: testSpans });
  const periodTo = instantText(FROM);
  const september = { contract: "k", periodTo, lines: [{ price: "p", periodTo, leftOver }] };
  const plan = withLeftOver(planned, new Map([["inv_1", september as unknown as FinalizedInvoice]]));
  const lines: RatedLine[] = [];
  for await (const line of ratePlan({ store, plan, run: { runId: "run_1", cut: 1, catalogSeq: 1 } })) lines.push(line);
  return lines;
}

function eventOf(input: { aggregation: Aggregation; second: number; value: number; index: number }): WrittenEvent {
  const { aggregation, second, value, index } = input;
  const time = FROM + BigInt(second) * NS_PER_SECOND;
  expect(time).toBeLessThan(FROM + 31n * NS_PER_DAY);
  return {
    meter: `m-${aggregation}`,
    aggregation,
    customer: "acme",
    time,
    id: `e${String(index)}`,
    value: String(value),
    dimensions: {},
    cut: 1,
    shard: 0,
    seq: index + 1,
  };
}
