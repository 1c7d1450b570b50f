import fc from "fast-check";
import { expect, test } from "vitest";
import { priceCurves } from "../../../src/app/plot/price-curve.ts";
import { parsePrice } from "../../../src/domain/price.ts";
import { decimal, type Decimal } from "../../../src/kernel/decimal.ts";
import { ratePrice } from "../../../src/rating/rate-price.ts";

const RANGE_END = 1_000;
/** Endless quotients are kept at 18 places by the engine, and at 30 by the curve. */
const NOTHING = decimal("0.000000001");

const amount = fc.integer({ min: 0, max: 500 }).map((cents) => decimal(String(cents)).div(100).toFixed());
const bounds = fc
  .uniqueArray(fc.integer({ min: 1, max: 900 }), { maxLength: 3 })
  .map((list) => list.sort((a, b) => a - b));
const tiers = fc
  .tuple(bounds, fc.array(fc.tuple(amount, amount), { minLength: 4, maxLength: 4 }))
  .map(([upTo, amounts]) =>
    [...upTo.map(String), null].map((bound, index) => ({
      upTo: bound,
      unitAmount: amounts[index]?.[0],
      flatAmount: amounts[index]?.[1],
    })),
  );
const model = fc.oneof(
  fc.record({ model: fc.constant("flat"), amount }),
  fc.record({ model: fc.constant("per_unit"), unitAmount: amount }),
  fc.record({ model: fc.constantFrom("graduated", "volume"), tiers }),
  fc.record({
    model: fc.constant("package"),
    packageAmount: amount,
    packageSize: fc.integer({ min: 5, max: 300 }).map(String),
    freeUnits: amount,
  }),
  fc.record({
    model: fc.constant("percentage"),
    rate: amount.map((text) => decimal(text).div(10).toFixed()),
    fixedAmount: amount,
    freeAmount: amount,
    maxPerEvent: amount.map((text) => decimal(text).plus(1).toFixed()),
  }),
);
const modifiers = fc.record(
  {
    unitConversion: fc.record({
      divideBy: fc.integer({ min: 3, max: 90 }).map(String),
      rounding: fc.constantFrom("none", "up", "down", "half_up", "half_even"),
    }),
    usageDiscount: fc.oneof(
      fc.record({ freeUnits: amount }),
      fc.record({ percent: fc.integer({ min: 0, max: 100 }).map(String) }),
    ),
    discount: fc.oneof(fc.record({ amount }), fc.record({ percent: fc.integer({ min: 0, max: 100 }).map(String) })),
    minimumAmount: amount,
    maximumAmount: amount.map((text) => decimal(text).plus(5).toFixed()),
  },
  { requiredKeys: [] },
);

/** What the curve says is charged at a quantity. */
function drawn(curve: ReturnType<typeof priceCurves>[number] | undefined, quantity: Decimal): Decimal | undefined {
  const point = curve?.points.find((candidate) => candidate.quantity.eq(quantity));
  if (point !== undefined) return point.total;
  const piece = curve?.pieces.find(({ from, to }) => quantity.gt(from) && quantity.lt(to));
  if (piece === undefined) return undefined;
  return piece.start.plus(
    piece.end.minus(piece.start).times(quantity.minus(piece.from)).div(piece.to.minus(piece.from)),
  );
}

// Guarantee: no bend and no jump of a price is left out: the curve is what the engine charges, at every quantity of the range.
test("a curve is what the engine charges", () => {
  const quantity = fc
    .integer({ min: 0, max: RANGE_END * 100 })
    .map((hundredths) => decimal(String(hundredths)).div(100));
  fc.assert(
    fc.property(model, modifiers, fc.array(quantity, { minLength: 5, maxLength: 20 }), (base, extra, quantities) => {
      const price = parsePrice({ ...base, ...extra });
      const [curve] = priceCurves({ price, currency: "EUR", from: decimal("0"), to: decimal(String(RANGE_END)) });
      for (const asked of quantities) {
        const charged = ratePrice({ price, currency: "EUR", usage: { quantity: asked } }).amount;
        const difference = drawn(curve, asked)?.minus(charged).abs();
        expect(difference?.lt(NOTHING), `${asked.toFixed()} of ${JSON.stringify(price)}`).toBe(true);
      }
    }),
    { numRuns: 60 },
  );
});
