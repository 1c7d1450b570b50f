import fc from "fast-check";
import { expect, it } from "vitest";
import { allocate } from "../../../src/invoicing/allocate.ts";
import { Decimal, decimal, decimalPlaces, decimalText, sumDecimals } from "../../../src/kernel/decimal.ts";
import { currencyExponent } from "../../../src/kernel/currency.ts";

const weights = fc
  .array(
    fc.integer({ min: 0, max: 1_000_000 }).map((weight) => new Decimal(weight).div(1_000)),
    { minLength: 1, maxLength: 12 },
  )
  .filter((list) => list.some((weight) => weight.gt(0)));
const currency = fc.constantFrom("JPY", "EUR", "KWD", "CLF");

// Guarantee: no minor unit appears or vanishes, and nobody is off by a whole one.
it("parts are whole minor units, add up to the total, and lie within one unit of the exact share", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), weights, currency, (units, list, code) => {
      const unit = new Decimal(10).pow(-currencyExponent(code));
      const total = decimal(String(units)).times(unit);
      const parts = allocate({ total, currency: code, weights: list });
      expect(decimalText(sumDecimals(parts))).toBe(decimalText(total));
      parts.forEach((part, index) => {
        expect(decimalPlaces(part)).toBeLessThanOrEqual(currencyExponent(code));
        const exact = total.times(list[index] ?? 0).div(sumDecimals(list));
        expect(part.minus(exact).abs().lt(unit)).toBe(true);
      });
    }),
  );
});

it("refuses totals finer than the currency, negative weights and weights of nothing", () => {
  const one = [decimal("1")];
  expect(() => allocate({ total: decimal("0.005"), currency: "EUR", weights: one })).toThrow(
    /total is 0\.005: round it/,
  );
  expect(() => allocate({ total: decimal("1"), currency: "EUR", weights: [decimal("-1")] })).toThrow(/a weight is -1/);
  expect(() => allocate({ total: decimal("1"), currency: "EUR", weights: [decimal("0")] })).toThrow(/add up to 0/);
  expect(() => allocate({ total: decimal("1"), currency: "EUR", weights: [] })).toThrow(/add up to 0/);
});
