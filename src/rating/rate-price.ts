/**
 * The pricing engine: one price over one usage gives an exact amount, the amount rounded to the currency, and the breakdown. With f the
 * charge of a whole quantity, a later part of a period costs f(prior + usage) − f(prior), so that parts add up to the whole.
 */
import type { Price } from "../domain/price.ts";
import { decimalText, type Decimal, type RoundingMode } from "../kernel/decimal.ts";
import { moneyText, roundMoney } from "../kernel/money.ts";
import type { BreakdownStep } from "./breakdown.ts";
import { modifyAmount } from "./amount-modifiers.ts";
import { raterOf } from "./models/rater-of.ts";
import type { Charge } from "./price-rater.ts";
import { quantityModifiersOf } from "./quantity-modifiers.ts";
import { amountText } from "./text.ts";
import { joinUsage, type Usage } from "./usage.ts";

export type RatePriceInput = {
  readonly price: Price;
  readonly currency: string;
  readonly usage: Usage;
  /**
   * Usage of the same billing period that was billed already, in the shape of `usage`. Absent: the first part, which pays what is due
   * at zero usage. Zero: a later part, whose period's dues are paid.
   */
  readonly prior?: Usage | undefined;
  readonly roundingMode?: RoundingMode | undefined;
};

export type PricedUsage = {
  /** Exact. */
  readonly amount: Decimal;
  /** In whole minor units of the currency. */
  readonly rounded: Decimal;
  readonly breakdown: readonly BreakdownStep[];
};

/** Throws `invalid` for an unknown currency, and for usage that the price's model cannot take. */
export function ratePrice(input: RatePriceInput): PricedUsage {
  const { price, currency, usage, prior, roundingMode = "half_up" } = input;
  const charge =
    prior === undefined ? chargeWhole({ price, currency, usage }) : chargePart({ price, currency, usage, prior });
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

type ChargeInput = { readonly price: Price; readonly currency: string; readonly usage: Usage };

function chargePart(input: ChargeInput & { readonly prior: Usage }): Charge {
  const { price, currency, usage, prior } = input;
  const total = chargeWhole({ price, currency, usage: joinUsage(prior, usage) });
  const billed = chargeWhole({ price, currency, usage: prior });
  const step: BreakdownStep = {
    kind: "prior",
    amount: decimalText(billed.amount.negated()),
    total: decimalText(total.amount),
    text: `Of ${amountText(total.amount, currency)} for the period so far, ${amountText(billed.amount, currency)} were billed before`,
  };
  return { amount: total.amount.minus(billed.amount), steps: [...total.steps, step] };
}

/** f: quantity modifiers, model, amount modifiers. */
function chargeWhole(input: ChargeInput): Charge {
  const { price, currency, usage } = input;
  const modifiers = quantityModifiersOf(price);
  const rater = raterOf(price, currency);
  for (const portion of rater.portions(usage)) {
    rater.add(modifiers.reduce((quantity, modifier) => modifier.take(quantity), portion));
  }
  const charge = rater.charge();
  const modified = modifyAmount({ price, currency, amount: charge.amount });
  return {
    amount: modified.amount,
    steps: [...modifiers.map((modifier) => modifier.step()), ...charge.steps, ...modified.steps],
  };
}
