/** Wording shared by the breakdown's sentences. */
import { ONE, decimalText, type Decimal } from "../kernel/decimal.ts";

/** `12.5 EUR`, exact: nothing is rounded before the step that says so. */
export function amountText(amount: Decimal, currency: string): string {
  return `${decimalText(amount)} ${currency}`;
}

/** `1 unit`, `2.5 units`. */
export function unitsText(quantity: Decimal, noun = "unit"): string {
  return `${decimalText(quantity)} ${quantity.eq(ONE) ? noun : `${noun}s`}`;
}
