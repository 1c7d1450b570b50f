/**
 * f, the charge of a whole quantity: the quantity modifiers, the model, the amount modifiers. What a later part of a period costs is
 * f(prior + usage) − f(prior), so that parts add up to the whole.
 */
import type { Price } from "../domain/price.ts";
import { decimal, decimalText, type Decimal, type RoundingMode } from "../kernel/decimal.ts";
import { moneyText, roundMoney } from "../kernel/money.ts";
import { modifyAmount } from "./amount-modifiers.ts";
import type { BreakdownStep } from "./breakdown.ts";
import { raterOf } from "./models/rater-of.ts";
import type { Charge, PriceRater } from "./price-rater.ts";
import { quantityModifiersOf } from "./quantity-modifiers.ts";
import { amountText } from "./text.ts";

/** A custom unit of price, such as credits, and what one of it is in money. */
export type PricingUnit = { readonly key: string; readonly rate: string };

export type PricingTerms = {
  readonly price: Price;
  readonly currency: string;
  /** What the price's amounts are in; absent: the currency. */
  readonly unit?: PricingUnit | undefined;
  readonly roundingMode?: RoundingMode | undefined;
};

export type PricedUsage = {
  /** Exact. */
  readonly amount: Decimal;
  /** In whole minor units of the currency. */
  readonly rounded: Decimal;
  readonly breakdown: readonly BreakdownStep[];
};

/** Takes the portions of a usage one after the other, in bounded memory, then states the charge. */
export type WholeCharge = Pick<PriceRater, "portions" | "add" | "charge">;

export function wholeCharge(terms: PricingTerms): WholeCharge {
  const { price } = terms;
  const currency = denominationOf(terms);
  const modifiers = quantityModifiersOf(price);
  const rater = raterOf(price, currency);
  return {
    portions: rater.portions,
    add: (portion) => {
      rater.add(modifiers.reduce((quantity, modifier) => modifier.take(quantity), portion));
    },
    charge: () => {
      const charge = rater.charge();
      const modified = modifyAmount({ price, currency, amount: charge.amount });
      return {
        amount: modified.amount,
        steps: [...modifiers.map((modifier) => modifier.step()), ...charge.steps, ...modified.steps],
      };
    },
  };
}

/** What a later part adds to the charge of what lies before it. Both are at this part's price: an earlier part may have been billed at another. */
export function laterPart(
  terms: PricingTerms,
  { soFar, before }: { readonly soFar: Charge; readonly before: Charge },
): Charge {
  const currency = denominationOf(terms);
  const step: BreakdownStep = {
    kind: "prior",
    amount: decimalText(before.amount.negated()),
    total: decimalText(soFar.amount),
    text: `${amountText(soFar.amount, currency)} for the period so far at this price, less ${amountText(before.amount, currency)} for what lies before this part`,
  };
  return { amount: soFar.amount.minus(before.amount), steps: [...soFar.steps, step] };
}

/** The charge in whole minor units of the currency; throws `invalid` for an unknown currency. */
export function pricedUsage(inUnits: Charge, terms: PricingTerms): PricedUsage {
  const { currency, unit, roundingMode = "half_up" } = terms;
  const charge = unit === undefined ? inUnits : inMoney(inUnits, { unit, currency });
  const rounded = roundMoney(charge.amount, currency, roundingMode);
  const rounding: BreakdownStep = {
    kind: "rounding",
    exact: decimalText(charge.amount),
    rounded: moneyText(rounded, currency),
    mode: roundingMode,
    text: rounded.eq(charge.amount)
      ? `Amount: ${moneyText(rounded, currency)} ${currency}`
      : `${amountText(charge.amount, currency)} rounded ${roundingMode.replace("_", " ")}: ${moneyText(rounded, currency)} ${currency}`,
  };
  return { amount: charge.amount, rounded, breakdown: [...charge.steps, rounding] };
}

/** A product, so that parts that add up in units add up in money. */
function inMoney(
  charge: Charge,
  { unit, currency }: { readonly unit: PricingUnit; readonly currency: string },
): Charge {
  const rate = decimal(unit.rate);
  const amount = charge.amount.times(rate);
  const step: BreakdownStep = {
    kind: "pricing_unit",
    unit: unit.key,
    units: decimalText(charge.amount),
    rate: decimalText(rate),
    amount: decimalText(amount),
    text: `${amountText(charge.amount, unit.key)} at ${amountText(rate, currency)} each = ${amountText(amount, currency)}`,
  };
  return { amount, steps: [...charge.steps, step] };
}

function denominationOf({ unit, currency }: PricingTerms): string {
  return unit?.key ?? currency;
}
