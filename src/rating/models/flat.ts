/** `flat`: one amount per billing period, whatever was used. In a period billed in parts the first part pays it. */
import type { FlatPrice } from "../../domain/price.ts";
import { decimal, decimalText } from "../../kernel/decimal.ts";
import type { PriceRater } from "../price-rater.ts";
import { amountText } from "../text.ts";

export function flatRater(price: FlatPrice, currency: string): PriceRater {
  const amount = decimal(price.amount);
  return {
    portions: () => [],
    add: () => undefined,
    charge: () => ({
      amount,
      steps: [
        {
          kind: "flat",
          amount: decimalText(amount),
          text: `Flat amount for the period: ${amountText(amount, currency)}`,
        },
      ],
    }),
  };
}
