/** Random prices and usage, always valid by the schema. */
import fc from "fast-check";
import { parsePrice, type Price } from "../../../src/domain/price.ts";
import { decimal, type Decimal } from "../../../src/kernel/decimal.ts";

/** A decimal of 0 or more with up to `places` places, as text. */
function decimalTexts(input: { max: number; places: number; min?: number }): fc.Arbitrary<string> {
  const whole = fc.integer({ min: input.min ?? 0, max: input.max });
  const places = fc.integer({ min: 0, max: input.places });
  return fc.tuple(whole, places, fc.integer({ min: 0, max: 10 ** input.places - 1 })).map(([units, kept, digits]) => {
    const fraction = String(digits).padStart(input.places, "0").slice(0, kept);
    return kept === 0 ? String(units) : `${units}.${fraction}`;
  });
}

const amount = decimalTexts({ max: 50, places: 12 });
const percent = decimalTexts({ max: 99, places: 4 });
const flatAmount = { flatAmount: amount };

function tiers(rate: Record<string, fc.Arbitrary<string>>): fc.Arbitrary<unknown[]> {
  const bounds = fc
    .uniqueArray(fc.integer({ min: 1, max: 300 }), { maxLength: 4 })
    .map((list) => list.toSorted((a, b) => a - b));
  return bounds.chain((sorted) =>
    fc.tuple(
      ...[...sorted.map(String), null].map((upTo) => fc.record({ upTo: fc.constant(upTo), ...rate, ...flatAmount })),
    ),
  );
}

const models = {
  flat: fc.record({ model: fc.constant("flat"), amount }),
  per_unit: fc.record({ model: fc.constant("per_unit"), unitAmount: amount }),
  package: fc.record(
    {
      model: fc.constant("package"),
      packageAmount: amount,
      packageSize: decimalTexts({ min: 1, max: 40, places: 3 }),
      freeUnits: amount,
    },
    { requiredKeys: ["model", "packageAmount", "packageSize"] },
  ),
  graduated: fc.record({ model: fc.constant("graduated"), tiers: tiers({ unitAmount: amount }) }),
  volume: fc.record({ model: fc.constant("volume"), tiers: tiers({ unitAmount: amount }) }),
  percentage: fc.record(
    {
      model: fc.constant("percentage"),
      rate: percent,
      fixedAmount: amount,
      minPerEvent: decimalTexts({ max: 2, places: 3 }),
      maxPerEvent: decimalTexts({ min: 3, max: 9, places: 3 }),
      freeEvents: fc.integer({ min: 0, max: 4 }).map(String),
      freeAmount: amount,
    },
    { requiredKeys: ["model", "rate"] },
  ),
  graduated_percentage: fc.record({ model: fc.constant("graduated_percentage"), tiers: tiers({ rate: percent }) }),
  dynamic: fc.record({ model: fc.constant("dynamic"), multiplier: amount }),
  matrix: fc.record({
    model: fc.constant("matrix"),
    dimensions: fc.constant(["region"]),
    cells: fc.tuple(amount, amount).map(([eu, us]) => [
      { match: { region: "eu" }, unitAmount: eu },
      { match: { region: "us" }, unitAmount: us },
    ]),
    otherwise: amount,
  }),
} as const satisfies Record<Price["model"], fc.Arbitrary<unknown>>;

const rounding = fc.constantFrom("none", "up", "down", "half_up", "half_even");
const modifiers = fc.record(
  {
    unitConversion: fc.record({ divideBy: fc.constantFrom("1", "3", "7", "10", "60", "0.5"), rounding }),
    usageDiscount: fc.oneof(fc.record({ freeUnits: amount }), fc.record({ percent })),
    discount: fc.oneof(fc.record({ percent }), fc.record({ amount })),
    maximumAmount: decimalTexts({ min: 100, max: 900, places: 2 }),
    minimumAmount: decimalTexts({ max: 99, places: 2 }),
  },
  { requiredKeys: [] },
);

/** A price of one of the models with any of the modifiers. */
export function prices(...chosen: readonly Price["model"][]): fc.Arbitrary<Price> {
  return fc
    .tuple(
      fc.constantFrom(...chosen).chain((model) => models[model] as fc.Arbitrary<object>),
      modifiers,
    )
    .map(([price, modifier]) => parsePrice({ ...price, ...modifier }));
}

export const quantities: fc.Arbitrary<Decimal> = decimalTexts({ max: 200, places: 6 }).map(decimal);

export function totalOf(parts: readonly Decimal[]): Decimal {
  return parts.reduce((total, part) => total.plus(part), decimal("0"));
}
