/** Amounts in a currency: rounding to its minor unit, and the text with exactly its minor digits. */
import { assert } from "./assert.ts";
import { currencyExponent } from "./currency.ts";
import { decimalPlaces, roundTo, type Decimal, type RoundingMode } from "./decimal.ts";

export function roundMoney(amount: Decimal, currency: string, mode: RoundingMode = "half_up"): Decimal {
  return roundTo(amount, currencyExponent(currency), mode);
}

/** `12.50` for EUR, `12` for JPY. The amount must be rounded already: this function never loses a digit. */
export function moneyText(amount: Decimal, currency: string): string {
  const places = currencyExponent(currency);
  assert(
    decimalPlaces(amount) <= places,
    `the amount ${amount.toFixed()} ${currency} has to be rounded before it is written`,
  );
  return (amount.isZero() ? amount.abs() : amount).toFixed(places);
}
