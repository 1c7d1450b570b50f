/**
 * The pricing engine: one price over one usage gives an exact amount, the amount rounded to the currency, and the breakdown.
 */
import { laterPart, pricedUsage, wholeCharge, type PricedUsage, type PricingTerms } from "./charge-whole.ts";
import type { Charge } from "./price-rater.ts";
import { joinUsage, type Usage } from "./usage.ts";

export type RatePriceInput = PricingTerms & {
  readonly usage: Usage;
  /**
   * Usage of the same billing period that was billed already, in the shape of `usage`. Absent: the first part, which pays what is due
   * at zero usage. Zero: a later part, whose period's dues are paid.
   */
  readonly prior?: Usage | undefined;
};

/** Throws `invalid` for an unknown currency, and for usage that the price's model cannot take. */
export function ratePrice(input: RatePriceInput): PricedUsage {
  const { usage, prior } = input;
  const charge =
    prior === undefined
      ? chargeOf(input, usage)
      : laterPart(input, { soFar: chargeOf(input, joinUsage(prior, usage)), billed: chargeOf(input, prior) });
  return pricedUsage(charge, input);
}

function chargeOf(terms: PricingTerms, usage: Usage): Charge {
  const whole = wholeCharge(terms);
  for (const portion of whole.portions(usage)) whole.add(portion);
  return whole.charge();
}
