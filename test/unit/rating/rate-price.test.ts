import { describe, expect, it } from "vitest";
import { parsePrice } from "../../../src/domain/price.ts";
import { decimal, decimalText } from "../../../src/kernel/decimal.ts";
import { ratePrice } from "../../../src/rating/rate-price.ts";

const perUnit = parsePrice({ model: "per_unit", unitAmount: "0.335" });
const quantity = (text: string) => ({ quantity: decimal(text) });

it("explains each step in the order of calculation, in words and in data", () => {
  const price = parsePrice({
    model: "graduated",
    tiers: [
      { upTo: "10", unitAmount: "2", flatAmount: "5" },
      { upTo: null, unitAmount: "1.005" },
    ],
    unitConversion: { divideBy: "1000", rounding: "up" },
    usageDiscount: { freeUnits: "3" },
    discount: { percent: "10" },
    maximumAmount: "30",
  });
  const rated = ratePrice({ price, currency: "EUR", usage: quantity("19001"), prior: quantity("0") });
  expect(rated.breakdown).toEqual([
    {
      kind: "unit_conversion",
      before: "19001",
      after: "20",
      divideBy: "1000",
      rounding: "up",
      text: "19001 divided by 1000, rounded up to whole units: 20 units",
    },
    { kind: "usage_discount", before: "20", after: "17", text: "3 units free: 17 units left of 20" },
    {
      kind: "tier",
      tier: "1",
      upTo: "10",
      quantity: "10",
      unitAmount: "2",
      flatAmount: "5",
      amount: "25",
      text: "Tier 1 up to 10: 10 units at 2 EUR each, and 5 EUR flat = 25 EUR",
    },
    {
      kind: "tier",
      tier: "2",
      above: "10",
      quantity: "7",
      unitAmount: "1.005",
      flatAmount: "0",
      amount: "7.035",
      text: "Tier 2 above 10: 7 units at 1.005 EUR each = 7.035 EUR",
    },
    { kind: "discount", amount: "-3.2035", after: "28.8315", text: "Discount of 10 %: -3.2035 EUR" },
    {
      kind: "prior",
      amount: "-4.5",
      total: "28.8315",
      text: "28.8315 EUR for the period so far at this price, less 4.5 EUR for what lies before this part",
    },
    {
      kind: "rounding",
      exact: "24.3315",
      rounded: "24.33",
      mode: "half_up",
      text: "24.3315 EUR rounded half up: 24.33 EUR",
    },
  ]);
});

describe("rounding", () => {
  it.each([
    ["half_up", "0.34"],
    ["half_even", "0.34"],
    ["half_down", "0.33"],
    ["down", "0.33"],
    ["ceiling", "0.34"],
  ] as const)("%s rounds 0.335 EUR to %s", (roundingMode, expected) => {
    const rated = ratePrice({ price: perUnit, currency: "EUR", usage: quantity("1"), roundingMode });
    expect(decimalText(rated.rounded)).toBe(expected);
    expect(decimalText(rated.amount)).toBe("0.335");
  });
});

describe("refusals", () => {
  const matrix = parsePrice({
    model: "matrix",
    dimensions: ["region"],
    cells: [{ match: { region: "eu" }, unitAmount: "1" }],
  });

  it("an unknown currency", () => {
    expect(() => ratePrice({ price: perUnit, currency: "XXX", usage: quantity("1") })).toThrow(/currency is "XXX"/);
  });

  it("usage without dimensions for a matrix, and cells for another model", () => {
    expect(() => ratePrice({ price: matrix, currency: "EUR", usage: quantity("1") })).toThrow(
      /usage is the quantity 1: this price model needs cells/,
    );
    expect(() => ratePrice({ price: perUnit, currency: "EUR", usage: { cells: [] } })).toThrow(
      /needs quantity or events/,
    );
  });

  // Guarantee: usage that no cell prices is never free by accident.
  it("usage that no cell matches", () => {
    const usage = { cells: [{ match: { region: "us" }, quantity: decimal("1") }] };
    expect(() => ratePrice({ price: matrix, currency: "EUR", usage })).toThrow(
      /no cell of the matrix matches region=us/,
    );
  });

  it("a prior of another shape", () => {
    const input = { price: perUnit, currency: "EUR", usage: quantity("1"), prior: { events: [decimal("1")] } };
    expect(() => ratePrice(input)).toThrow(/prior has the shape events and usage quantity/);
  });
});

it("a missing dimension of usage has the empty value", () => {
  const price = parsePrice({
    model: "matrix",
    dimensions: ["region"],
    cells: [{ match: { region: "" }, unitAmount: "3" }],
  });
  const rated = ratePrice({ price, currency: "EUR", usage: { cells: [{ match: {}, quantity: decimal("2") }] } });
  expect(decimalText(rated.amount)).toBe("6");
});
