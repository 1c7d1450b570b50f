/**
 * Free units that several prices share: each takes as much as it has usage for, in the order in which they are named, and leaves the rest to those
 * behind it. What is left depends on whole usages up to an instant alone, never on the order of events, so that parts of a period add up.
 */
import type { Price } from "../domain/price.ts";
import { ZERO, decimal, decimalText, maxDecimal, minDecimal, type Decimal } from "../kernel/decimal.ts";
import type { BreakdownStep } from "./breakdown.ts";
import { unitsText } from "./text.ts";

/** What a price before this one has used, in the same time. */
export type EarlierUse = { readonly price: string; readonly quantity: string };

export function allowanceLeft(quantity: string, used: readonly EarlierUse[]): Decimal {
  return used.reduce((left, earlier) => left.minus(takenBy(earlier, left)), decimal(quantity));
}

/** What was taken back (a quantity below zero) uses nothing up. */
function takenBy({ quantity }: EarlierUse, left: Decimal): Decimal {
  return minDecimal(left, maxDecimal(decimal(quantity), ZERO));
}

export function withFreeUnits(price: Price, freeUnits: Decimal): Price {
  return { ...price, usageDiscount: { freeUnits: decimalText(freeUnits) } };
}

export function allowanceStep(allowance: {
  readonly name: string;
  readonly quantity: string;
  readonly used: readonly EarlierUse[];
}): BreakdownStep {
  const { name, quantity, used } = allowance;
  const left = allowanceLeft(quantity, used);
  const earlier = used.map((each) => `${each.price} used ${decimalText(decimal(each.quantity))}`);
  const told = [`${name}: ${unitsText(decimal(quantity))} free`, ...earlier].join(", ");
  const text = used.length === 0 ? told : `${told}: ${decimalText(left)} left`;
  return { kind: "shared_allowance", quantity, left: decimalText(left), text };
}
