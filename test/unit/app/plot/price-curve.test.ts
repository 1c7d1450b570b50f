import { expect, it } from "vitest";
import { plotEnd } from "../../../../src/app/plot/plot-range.ts";
import { priceCurves } from "../../../../src/app/plot/price-curve.ts";
import { parsePrice } from "../../../../src/domain/price.ts";
import { decimal, decimalText } from "../../../../src/kernel/decimal.ts";

const GRADUATED = [
  { upTo: "10", unitAmount: "2" },
  { upTo: "20", unitAmount: "1", flatAmount: "5" },
  { upTo: null, unitAmount: "0" },
];

/** `quantity: limit from below | charged | limit from above`. */
function shape(definition: object, to: string, from = "0"): readonly string[] {
  const [curve] = priceCurves({ price: parsePrice(definition), currency: "EUR", from: decimal(from), to: decimal(to) });
  return (curve?.points ?? []).map(({ quantity, total }, index) => {
    const [before, after] = [curve?.pieces[index - 1]?.end, curve?.pieces[index]?.start];
    return [
      decimalText(quantity),
      [before, total, after].map((value) => (value === undefined ? "" : decimalText(value))).join(" | "),
    ].join(": ");
  });
}

it.each([
  ["flat", { model: "flat", amount: "5" }, "10", ["0:  | 5 | 5", "10: 5 | 5 | "]],
  [
    "graduated with a fee",
    { model: "graduated", tiers: GRADUATED },
    "30",
    ["0:  | 0 | 0", "10: 20 | 20 | 25", "20: 35 | 35 | 35", "30: 35 | 35 | "],
  ],
  [
    "volume",
    { model: "volume", tiers: GRADUATED },
    "30",
    ["0:  | 0 | 0", "10: 20 | 20 | 15", "20: 25 | 25 | 0", "30: 0 | 0 | "],
  ],
  [
    "packages after free units",
    { model: "package", packageAmount: "3", packageSize: "10", freeUnits: "5" },
    "20",
    ["0:  | 0 | 0", "5: 0 | 0 | 3", "15: 3 | 3 | 6", "20: 6 | 6 | "],
  ],
  // 1 % of a single event, from 2 to 5: the minimum ends at 200, the maximum begins at 500; an event of nothing is none.
  [
    "percentage with limits",
    { model: "percentage", rate: "1", minPerEvent: "2", maxPerEvent: "5" },
    "600",
    ["0:  | 0 | 2", "200: 2 | 2 | 2", "500: 5 | 5 | 5", "600: 5 | 5 | "],
  ],
  // The discount of 4 is used up at 4, the minimum of 1 ends at 5, the maximum of 3 begins at 7.
  [
    "limits on the amount",
    { model: "per_unit", unitAmount: "1", discount: { amount: "4" }, minimumAmount: "1", maximumAmount: "3" },
    "8",
    ["0:  | 1 | 1", "4: 1 | 1 | 1", "5: 1 | 1 | 1", "7: 3 | 3 | 3", "8: 3 | 3 | "],
  ],
  // Rounded half up to dozens, the step lies at 6 and belongs to the next dozen.
  [
    "whole dozens",
    { model: "per_unit", unitAmount: "2", unitConversion: { divideBy: "12", rounding: "half_up" } },
    "12",
    ["0:  | 0 | 0", "6: 0 | 2 | 2", "12: 2 | 2 | "],
  ],
  // A tenth of the usage is free: the tier's bound of 10 lies at 100 / 9 units.
  [
    "a bound that does not end",
    {
      model: "graduated",
      tiers: [
        { upTo: "10", unitAmount: "1" },
        { upTo: null, unitAmount: "0" },
      ],
      usageDiscount: { percent: "10" },
    },
    "20",
    [
      "0:  | 0 | 0",
      "11.111111111111111111111111111111: 9.9999999999999999999999999999999 | 9.9999999999999999999999999999999 | 10",
      "20: 10 | 10 | ",
    ],
  ],
])("bends and jumps where the price says it: %s", (_name, definition, to, expected) => {
  expect(shape(definition, to)).toEqual(expected);
});

it("begins where it is asked to, with the steps that lie there", () => {
  const price = { model: "package", packageAmount: "1", packageSize: "1" };
  expect(shape(price, "1000002", "1000000")).toEqual([
    "1000000:  | 1000000 | 1000001",
    "1000001: 1000001 | 1000001 | 1000002",
    "1000002: 1000002 | 1000002 | ",
  ]);
});

it("refuses more steps than can be seen, and names how far it goes", () => {
  const price = { model: "package", packageAmount: "1", packageSize: "10" };
  expect(() => shape(price, "5001")).toThrow(/to is 5001: .* more than 500 steps; plot up to 5000 at most/);
  expect(() => shape(price, "10", "10")).toThrow(/from is 10 and to is 10/);
});

it("draws one curve per cell of a matrix", () => {
  const price = parsePrice({
    model: "matrix",
    dimensions: ["region"],
    cells: [{ match: { region: "eu" }, unitAmount: "2" }],
    otherwise: "3",
  });
  const curves = priceCurves({ price, currency: "EUR", from: decimal("0"), to: decimal("10") });
  expect(curves.map(({ label, points }) => [label, points.map((point) => decimalText(point.total))])).toEqual([
    ["region eu", ["0", "20"]],
    ["otherwise", ["0", "30"]],
  ]);
});

it.each([
  [{ model: "graduated", tiers: GRADUATED }, "25"],
  [{ model: "package", packageAmount: "3", packageSize: "10", freeUnits: "5" }, "57"],
  [{ model: "per_unit", unitAmount: "1" }, "100"],
  [{ model: "per_unit", unitAmount: "0.000002" }, "10000000"],
  [{ model: "flat", amount: "5" }, "100"],
  // The maximum of 400 is reached at 400 units.
  [{ model: "per_unit", unitAmount: "1", maximumAmount: "400" }, "500"],
])("reaches beyond all bounds unless somebody says how far: %j", (definition, end) => {
  expect(decimalText(plotEnd({ price: parsePrice(definition), currency: "EUR" }))).toBe(end);
});
