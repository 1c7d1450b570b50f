import { describe, expect, it } from "vitest";
import { PRICE_MODELS, parsePrice } from "../../../src/domain/price.ts";
import { AppError } from "../../../src/kernel/errors.ts";

const open = { upTo: null, unitAmount: "1" };

// Guarantee: an impossible price is refused when it is written, with its field, its value and the fix.
describe("parsePrice refuses", () => {
  it.each<[string, unknown, RegExp]>([
    [
      "a number",
      { model: "per_unit", unitAmount: 0.05 },
      /price\.unitAmount: unitAmount is the number 0\.05: put it in quotes, "0\.05"/,
    ],
    [
      "a tiny number without exponent in the fix",
      { model: "per_unit", unitAmount: 1e-7 },
      /put it in quotes, "0\.0000001"/,
    ],
    [
      "a number in a tier",
      { model: "volume", tiers: [{ upTo: 5, unitAmount: "1" }, open] },
      /tiers\[0\]\.upTo: upTo is the number 5/,
    ],
    ["a missing amount", { model: "flat" }, /price\.amount: amount is missing/],
    [
      "an unknown field",
      { model: "flat", amount: "1", amonut: "2" },
      /unknown field "amonut": the fields are model, amount/,
    ],
    [
      "an unknown field of a tier",
      { model: "graduated", tiers: [{ ...open, flat: "1" }] },
      /tiers\[0\]: unknown field "flat"/,
    ],
    ["an unknown model", { model: "tiered" }, /model is "tiered": choose one of flat, per_unit/],
    ["no model", { amount: "1" }, /model is missing/],
    ["no object", "5", /price is "5": write an object/],
    ["an exponent", { model: "flat", amount: "1e3" }, /amount is "1e3": write a plain decimal/],
    ["a comma", { model: "flat", amount: "1,5" }, /amount is "1,5"/],
    ["a negative amount", { model: "flat", amount: "-1" }, /amount is "-1": it must not be negative/],
    ["19 decimal places", { model: "per_unit", unitAmount: "0.0000000000000000001" }, /at most 18 decimal places/],
    ["21 digits", { model: "flat", amount: "100000000000000000000" }, /at most 20 digits before the point/],
    ["no tiers", { model: "graduated", tiers: [] }, /tiers is empty/],
    [
      "tiers out of order",
      { model: "graduated", tiers: [{ upTo: "5", unitAmount: "1" }, { upTo: "4", unitAmount: "1" }, open] },
      /tiers\[1\]\.upTo: upTo is "4": it must be above "5"/,
    ],
    [
      "tiers out of order as numbers",
      {
        model: "graduated",
        tiers: [
          { upTo: "9", unitAmount: "1" },
          { upTo: "10", unitAmount: "1" },
          { upTo: "10.0", unitAmount: "1" },
          open,
        ],
      },
      /tiers\[2\]\.upTo: upTo is "10\.0": it must be above "10"/,
    ],
    ["tiers with an end", { model: "volume", tiers: [{ upTo: "5", unitAmount: "1" }] }, /in the last tier: write null/],
    ["an open tier in the middle", { model: "volume", tiers: [open, open] }, /upTo is null before the last tier/],
    [
      "a bound of zero",
      { model: "volume", tiers: [{ upTo: "0", unitAmount: "1" }, open] },
      /upTo is "0": it must be greater than 0/,
    ],
    ["a tier without a price", { model: "volume", tiers: [{ upTo: null }] }, /the tier has no price/],
    [
      "a package of nothing",
      { model: "package", packageAmount: "1", packageSize: "0" },
      /packageSize is "0": it must be greater than 0/,
    ],
    ["a rate above 100", { model: "percentage", rate: "100.1" }, /rate is "100\.1": it must lie between "0" and "100"/],
    [
      "half a free event",
      { model: "percentage", rate: "1", freeEvents: "0.5" },
      /freeEvents is "0\.5": it must be a whole number/,
    ],
    [
      "a minimum above the maximum per event",
      { model: "percentage", rate: "1", minPerEvent: "2", maxPerEvent: "1" },
      /minPerEvent is "2": it must not be above maxPerEvent "1"/,
    ],
    [
      "a minimum above the maximum",
      { model: "flat", amount: "1", minimumAmount: "2", maximumAmount: "1" },
      /minimumAmount is "2": it must not be above maximumAmount "1"/,
    ],
    [
      "a discount of two kinds",
      { model: "flat", amount: "1", discount: { percent: "1", amount: "1" } },
      /price\.discount: has percent and amount: write exactly one/,
    ],
    [
      "an empty discount",
      { model: "flat", amount: "1", usageDiscount: {} },
      /price\.usageDiscount: has no field: write exactly one/,
    ],
    [
      "a share of the usage that rolls over",
      { model: "per_unit", unitAmount: "1", usageDiscount: { percent: "5", rollover: { periods: 1 } } },
      /usageDiscount\.rollover: rollover needs freeUnits: a share of the usage leaves nothing over/,
    ],
    [
      "units that roll over for ever",
      { model: "per_unit", unitAmount: "1", usageDiscount: { freeUnits: "5", rollover: {} } },
      /rollover\.periods: periods is missing: write a number of billing periods from 1 to 1200, without quotes/,
    ],
    [
      "a limit of nothing",
      { model: "per_unit", unitAmount: "1", usageDiscount: { freeUnits: "5", rollover: { periods: 1, limit: "0" } } },
      /limit is "0": it must be greater than 0/,
    ],
    [
      "a division by zero",
      { model: "flat", amount: "1", unitConversion: { divideBy: "0" } },
      /divideBy is "0": it must be greater than 0/,
    ],
    [
      "an unknown rounding",
      { model: "flat", amount: "1", unitConversion: { divideBy: "2", rounding: "upward" } },
      /rounding is "upward": choose one of none, up/,
    ],
    [
      "a cell on a dimension that is none",
      { model: "matrix", dimensions: ["a"], cells: [{ match: { b: "1" }, unitAmount: "1" }] },
      /match names "b"/,
    ],
    [
      "a cell that is never reached",
      {
        model: "matrix",
        dimensions: ["a", "b"],
        cells: [
          { match: { a: "1" }, unitAmount: "1" },
          { match: { a: "1", b: "2" }, unitAmount: "1" },
        ],
      },
      /cells\[1\]\.match: match is never reached: cells\[0\]/,
    ],
    [
      "a cell for everything",
      { model: "matrix", dimensions: ["a"], cells: [{ match: {}, unitAmount: "1" }] },
      /match is empty/,
    ],
    [
      "a dimension named twice",
      { model: "matrix", dimensions: ["a", "a"], cells: [{ match: { a: "1" }, unitAmount: "1" }] },
      /dimensions names one twice/,
    ],
    [
      "no otherwise that can be read",
      { model: "matrix", dimensions: ["a"], cells: [{ match: { a: "1" }, unitAmount: "1" }], otherwise: 1 },
      /otherwise is 1: write/,
    ],
  ])("%s", (_what, price, message) => {
    expect(() => parsePrice(price)).toThrow(message);
  });

  it("with every problem at once", () => {
    const price = {
      model: "graduated",
      tiers: [
        { upTo: "5", unitAmount: "-1" },
        { upTo: null, unitAmount: 2 },
      ],
    };
    expect(() => parsePrice(price)).toThrow(AppError);
    expect(() => parsePrice(price)).toThrow(/tiers\[0\]\.unitAmount.*tiers\[1\]\.unitAmount/);
  });
});

it("parsePrice changes nothing: the hash of a price is the hash of what was written", () => {
  const price = {
    model: "graduated",
    tiers: [
      { upTo: "10.0", unitAmount: "0.50" },
      { upTo: null, flatAmount: "0" },
    ],
    minimumAmount: "0",
  };
  expect(parsePrice(price)).toEqual(price);
});

it("knows every model", () => {
  expect(PRICE_MODELS).toEqual([
    "flat",
    "per_unit",
    "package",
    "graduated",
    "volume",
    "percentage",
    "graduated_percentage",
    "dynamic",
    "matrix",
  ]);
});
