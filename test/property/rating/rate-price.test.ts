import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePrice, type Price } from "../../../src/domain/price.ts";
import { Decimal, ZERO, decimal, decimalText, type Decimal as DecimalType } from "../../../src/kernel/decimal.ts";
import type { PricedUsage } from "../../../src/rating/charge-whole.ts";
import { ratePrice } from "../../../src/rating/rate-price.ts";
import type { Usage } from "../../../src/rating/usage.ts";
import { prices, quantities, totalOf } from "./price-arbitraries.ts";

const TOTAL_MODELS = ["flat", "per_unit", "package", "graduated", "volume", "graduated_percentage", "dynamic"] as const;
const MODELS = [...TOTAL_MODELS, "percentage", "matrix"] as const;

/** Rates the parts one after the other, each with what came before as its prior; gives the sum. */
function rateParts<Part>(input: {
  price: Price;
  parts: readonly Part[];
  usageOf: (parts: readonly Part[]) => Usage;
}): DecimalType {
  let total: DecimalType = ZERO;
  input.parts.forEach((part, index) => {
    const prior = index === 0 ? undefined : input.usageOf(input.parts.slice(0, index));
    const usage = input.usageOf([part]);
    total = total.plus(ratePrice({ price: input.price, currency: "EUR", usage, prior }).amount);
  });
  return total;
}

const asQuantity = (parts: readonly DecimalType[]): Usage => ({ quantity: totalOf(parts) });
const asEvents = (parts: readonly (readonly DecimalType[])[]): Usage => ({ events: parts.flat() });
type Cell = { readonly region: string; readonly quantity: DecimalType };
const asCells = (parts: readonly (readonly Cell[])[]): Usage => ({
  cells: parts.flat().map(({ region, quantity }) => ({ match: { region }, quantity })),
});

const partsOfQuantities = fc.array(quantities, { minLength: 1, maxLength: 5 });
const partsOfEvents = fc.array(fc.array(quantities, { maxLength: 4 }), { minLength: 1, maxLength: 5 });
const cells = fc.array(fc.record({ region: fc.constantFrom("eu", "us", "asia"), quantity: quantities }), {
  maxLength: 4,
});
const partsOfCells = fc.array(cells, { minLength: 1, maxLength: 5 });

// Guarantee: what is remembered of a price between two charges says what the price says, in each currency.
it.each(["graduated", "volume", "graduated_percentage"] as const)("%s charges again what it charges anew", (model) => {
  const currencies = fc.constantFrom("EUR", "JPY");
  fc.assert(
    fc.property(prices(model), fc.array(fc.tuple(quantities, currencies), { minLength: 1 }), (price, charges) => {
      for (const [quantity, currency] of charges) {
        const again = ratePrice({ price, currency, usage: { quantity } });
        const anew = ratePrice({ price: structuredClone(price), currency, usage: { quantity } });
        expect(textsOf(again)).toEqual(textsOf(anew));
      }
    }),
  );
});

function textsOf({ amount, rounded, breakdown }: PricedUsage): unknown {
  return { amount: decimalText(amount), rounded: decimalText(rounded), breakdown };
}

// Guarantee: however a period is cut into parts, with whatever modifiers, they add up to the whole to the last digit.
describe("parts add up to the whole", () => {
  it.each(TOTAL_MODELS)("%s over quantities", (model) => {
    fc.assert(
      fc.property(prices(model), partsOfQuantities, (price, parts) => {
        const whole = ratePrice({ price, currency: "EUR", usage: asQuantity(parts) }).amount;
        expect(decimalText(rateParts({ price, parts, usageOf: asQuantity }))).toBe(decimalText(whole));
      }),
      { numRuns: 500 },
    );
  });

  it.each([...TOTAL_MODELS, "percentage"] as const)("%s over single events", (model) => {
    fc.assert(
      fc.property(prices(model), partsOfEvents, (price, parts) => {
        const whole = ratePrice({ price, currency: "EUR", usage: asEvents(parts) }).amount;
        expect(decimalText(rateParts({ price, parts, usageOf: asEvents }))).toBe(decimalText(whole));
      }),
      { numRuns: 500 },
    );
  });

  it("matrix over cells", () => {
    fc.assert(
      fc.property(prices("matrix"), partsOfCells, (price, parts) => {
        const whole = ratePrice({ price, currency: "EUR", usage: asCells(parts) }).amount;
        expect(decimalText(rateParts({ price, parts, usageOf: asCells }))).toBe(decimalText(whole));
      }),
      { numRuns: 500 },
    );
  });
});

function rateAny(price: Price, events: readonly DecimalType[]): PricedUsage {
  const usage =
    price.model === "matrix" ? asCells([events.map((quantity) => ({ region: "eu", quantity }))]) : { events };
  return ratePrice({ price, currency: "EUR", usage });
}

describe("the breakdown", () => {
  it.each(MODELS)("of %s adds up to the amount, and says the rounding last", (model) => {
    fc.assert(
      fc.property(prices(model), fc.array(quantities, { maxLength: 5 }), (price, events) => {
        const rated = rateAny(price, events);
        const shares = rated.breakdown.map((step) => ("amount" in step ? decimal(step.amount) : ZERO));
        expect(decimalText(totalOf(shares))).toBe(decimalText(rated.amount));
        expect(rated.breakdown.at(-1)).toMatchObject({ kind: "rounding", exact: decimalText(rated.amount) });
      }),
    );
  });
});

/** Every value inside that is neither a text nor a Decimal nor plain structure. */
function strangers(value: unknown): readonly unknown[] {
  if (typeof value === "string" || value instanceof Decimal) return [];
  if (Array.isArray(value)) return value.flatMap(strangers);
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(strangers) : [value];
}

// Guarantee: nothing passes through a binary number.
it.each(MODELS)("the result of %s holds texts and Decimals only", (model) => {
  fc.assert(
    fc.property(prices(model), fc.array(quantities, { maxLength: 5 }), (price, events) => {
      expect(strangers(rateAny(price, events))).toEqual([]);
    }),
  );
});

it.each(MODELS)("rating %s twice gives the same bytes", (model) => {
  fc.assert(
    fc.property(prices(model), fc.array(quantities, { maxLength: 5 }), (price, events) => {
      expect(JSON.stringify(rateAny(price, events))).toBe(JSON.stringify(rateAny(price, events)));
    }),
  );
});

// Volume is left out: its amount may fall across a bound, as interfaces promise.
it.each(["flat", "per_unit", "package", "graduated", "graduated_percentage", "dynamic"] as const)(
  "more usage of %s never costs less",
  (model) => {
    fc.assert(
      fc.property(prices(model), quantities, quantities, (price, quantity, more) => {
        const less = ratePrice({ price, currency: "EUR", usage: { quantity } }).amount;
        expect(ratePrice({ price, currency: "EUR", usage: { quantity: quantity.plus(more) } }).amount.gte(less)).toBe(
          true,
        );
      }),
    );
  },
);

it.each(TOTAL_MODELS)("the order of the events changes nothing in %s", (model) => {
  fc.assert(
    fc.property(prices(model), fc.array(quantities, { maxLength: 6 }), (price, events) => {
      expect(decimalText(rateAny(price, events.toReversed()).amount)).toBe(decimalText(rateAny(price, events).amount));
    }),
  );
});

// An independent way to the same amount: walking unit by unit with whole numbers of bigint.
it("graduated equals the sum over single units", () => {
  const bound = fc.integer({ min: 1, max: 20 });
  const cents = fc.bigInt({ min: 0n, max: 500n });
  const tier = fc.record({ unit: cents, flat: cents });
  fc.assert(
    fc.property(
      bound,
      bound,
      fc.tuple(tier, tier, tier),
      fc.integer({ min: 0, max: 60 }),
      (first, width, list, quantity) => {
        const bounds = [first, first + width, Infinity];
        let expected = list[0].flat;
        let reached = 0;
        for (let unit = 1; unit <= quantity; unit += 1) {
          const index = bounds.findIndex((upTo) => unit <= upTo);
          if (index > reached)
            expected += list.slice(reached + 1, index + 1).reduce((sum, entered) => sum + entered.flat, 0n);
          reached = Math.max(reached, index);
          expected += list[index]?.unit ?? 0n;
        }
        const tiers = list.map(({ unit, flat }, index) => ({
          upTo: index === 2 ? null : String(bounds[index]),
          unitAmount: String(unit),
          flatAmount: String(flat),
        }));
        const rated = ratePrice({
          price: parsePrice({ model: "graduated", tiers }),
          currency: "EUR",
          usage: { quantity: decimal(String(quantity)) },
        });
        expect(decimalText(rated.amount)).toBe(String(expected));
      },
    ),
  );
});

it("10^9 units at 0.000000000001 are exactly 0.001, at once and in a thousand parts", () => {
  const price = parsePrice({ model: "per_unit", unitAmount: "0.000000000001" });
  const parts = Array.from({ length: 1_000 }, () => decimal("1000000"));
  expect(decimalText(ratePrice({ price, currency: "EUR", usage: { quantity: decimal("1000000000") } }).amount)).toBe(
    "0.001",
  );
  expect(decimalText(ratePrice({ price, currency: "EUR", usage: { events: parts } }).amount)).toBe("0.001");
  let total: DecimalType = ZERO;
  parts.forEach((quantity, index) => {
    const prior = index === 0 ? undefined : { quantity: quantity.times(index) };
    total = total.plus(ratePrice({ price, currency: "EUR", usage: { quantity }, prior }).amount);
  });
  expect(decimalText(total)).toBe("0.001");
});
