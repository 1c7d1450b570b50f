/**
 * Modifiers of the quantity, before the model: `unitConversion`, then `usageDiscount`. Each takes the portions one after the other (a
 * total, single events, cells), so that free units are used up in their order, and explains what it did at the end.
 */
import type { UNIT_ROUNDINGS } from "../domain/price.ts";
import { type Price, type UnitConversion } from "../domain/price.ts";
import type { UsageDiscount } from "../domain/usage-discount.ts";
import {
  ZERO,
  decimal,
  decimalPlaces,
  decimalText,
  divide,
  maxDecimal,
  minDecimal,
  type Decimal,
} from "../kernel/decimal.ts";
import type { BreakdownStep } from "./breakdown.ts";
import { unitsText } from "./text.ts";

export type QuantityModifier = {
  readonly take: (quantity: Decimal) => Decimal;
  readonly step: () => BreakdownStep;
};

/** A quotient of more places counts as endless. Binary units need many: a byte in TiB ends after 40. */
const EXACT_PLACES_MAX = 60;
/** Decimal places of an endless quotient, as everywhere for quantities. */
const QUOTIENT_PLACES = 18;
const HUNDRED = decimal("100");
const HUNDREDTH = decimal("0.01");

/** The order of this list is the order of application. */
const QUANTITY_MODIFIERS: readonly ((price: Price) => QuantityModifier | undefined)[] = [
  (price) => (price.unitConversion === undefined ? undefined : unitConversion(price.unitConversion)),
  (price) => (price.usageDiscount === undefined ? undefined : usageDiscount(price.usageDiscount)),
];

/** Those that the price has, made fresh for one calculation. */
export function quantityModifiersOf(price: Price): readonly QuantityModifier[] {
  return QUANTITY_MODIFIERS.flatMap((modifier) => modifier(price) ?? []);
}

function unitConversion(terms: UnitConversion): QuantityModifier {
  const divideBy = decimal(terms.divideBy);
  const rounding = terms.rounding ?? "none";
  return tracked(
    (quantity) => convertUnits({ quantity, divideBy, rounding }),
    ({ before, after }) => {
      const how = rounding === "none" ? "" : `, rounded ${rounding.replace("_", " ")} to whole units`;
      const text = `${decimalText(before)} divided by ${decimalText(divideBy)}${how}: ${unitsText(after)}`;
      const values = {
        before: decimalText(before),
        after: decimalText(after),
        divideBy: decimalText(divideBy),
        rounding,
      };
      return { kind: "unit_conversion", ...values, text };
    },
  );
}

type ConvertUnitsInput = { quantity: Decimal; divideBy: Decimal; rounding: (typeof UNIT_ROUNDINGS)[number] };

/** Without rounding the quotient is kept exactly if it ends, and at 18 places (half up) if it does not. */
function convertUnits({ quantity, divideBy, rounding }: ConvertUnitsInput): Decimal {
  if (rounding !== "none") return divide({ dividend: quantity, divisor: divideBy, places: 0, mode: rounding });
  const quotient = quantity.div(divideBy);
  if (decimalPlaces(quotient) <= EXACT_PLACES_MAX) return quotient;
  return divide({ dividend: quantity, divisor: divideBy, places: QUOTIENT_PLACES, mode: "half_up" });
}

function usageDiscount(terms: UsageDiscount): QuantityModifier {
  const percent = decimal(terms.percent ?? "0");
  const keptShare = HUNDRED.minus(percent).times(HUNDREDTH);
  let freeUnits = decimal(terms.freeUnits ?? "0");
  return tracked(
    (quantity) => {
      // What was taken back (a negative portion) uses no free units up.
      const free = minDecimal(freeUnits, maxDecimal(quantity, ZERO));
      freeUnits = freeUnits.minus(free);
      return quantity.minus(free).times(keptShare);
    },
    ({ before, after }) => {
      const what =
        terms.percent === undefined
          ? `${unitsText(before.minus(after))} free`
          : `${decimalText(percent)} % of the usage free`;
      const text = `${what}: ${unitsText(after)} left of ${decimalText(before)}`;
      return { kind: "usage_discount", before: decimalText(before), after: decimalText(after), text };
    },
  );
}

type Totals = { readonly before: Decimal; readonly after: Decimal };

/** Adds up what went in and what came out, for the explanation. */
function tracked(change: (quantity: Decimal) => Decimal, explain: (totals: Totals) => BreakdownStep): QuantityModifier {
  let before: Decimal = ZERO;
  let after: Decimal = ZERO;
  return {
    take: (quantity) => {
      const changed = change(quantity);
      before = before.plus(quantity);
      after = after.plus(changed);
      return changed;
    },
    step: () => explain({ before, after }),
  };
}
