/**
 * The pricing engine: one price over one usage gives an exact amount, the amount rounded to the currency, and the breakdown.
 */
import type { Price } from "../domain/price.ts";
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
  /** The price as the earlier parts had it, where it depends on what other prices used until then. */
  readonly priorPrice?: Price | undefined;
};

/** Throws `invalid` for an unknown currency, and for usage that the price's model cannot take. */
export function ratePrice(input: RatePriceInput): PricedUsage {
  const { usage, prior, priorPrice = input.price } = input;
  const charge =
    prior === undefined
      ? chargeOf(input, usage)
      : laterPart(input, {
          soFar: chargeOf(input, joinUsage(prior, usage)),
          before: chargeOf({ ...input, price: priorPrice }, prior),
        });
  return pricedUsage(charge, input);
}

function chargeOf(terms: PricingTerms, usage: Usage): Charge {
  const whole = wholeCharge(terms);
  for (const portion of whole.portions(usage)) whole.add(portion);
  return whole.charge();
}
