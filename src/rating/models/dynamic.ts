/** `dynamic`: the sum of an amount that the events carry, times a multiplier (a supplier's cost with a margin, for example). */
import type { DynamicPrice } from "../../domain/price.ts";
import { decimal, decimalText } from "../../kernel/decimal.ts";
import { totalRater, type PriceRater } from "../price-rater.ts";
import { amountText } from "../text.ts";

export function dynamicRater(price: DynamicPrice, currency: string): PriceRater {
  const multiplier = decimal(price.multiplier);
  return totalRater((quantity) => {
    const amount = quantity.times(multiplier);
    const text = `Amounts of ${decimalText(quantity)} in total, times ${decimalText(multiplier)} = ${amountText(amount, currency)}`;
    const values = {
      quantity: decimalText(quantity),
      unitAmount: decimalText(multiplier),
      amount: decimalText(amount),
    };
    return { amount, steps: [{ kind: "units", ...values, text }] };
  });
}
