/** `per_unit`: each unit at the same amount. */
import type { PerUnitPrice } from "../../domain/price.ts";
import { decimal, decimalText } from "../../kernel/decimal.ts";
import { totalRater, type PriceRater } from "../price-rater.ts";
import { amountText, unitsText } from "../text.ts";

export function perUnitRater(price: PerUnitPrice, currency: string): PriceRater {
  const unitAmount = decimal(price.unitAmount);
  return totalRater((quantity) => {
    const amount = quantity.times(unitAmount);
    const text = `${unitsText(quantity)} at ${amountText(unitAmount, currency)} each = ${amountText(amount, currency)}`;
    const values = {
      quantity: decimalText(quantity),
      unitAmount: decimalText(unitAmount),
      amount: decimalText(amount),
    };
    return { amount, steps: [{ kind: "units", ...values, text }] };
  });
}
