/**
 * A price over single events that come one after the other, in the order of (time, source, id): ten million of them need no more memory
 * than one. The same amounts as `ratePrice` gives for the list of them.
 */
import type { Decimal } from "../kernel/decimal.ts";
import { laterPart, pricedUsage, wholeCharge, type PricedUsage, type PricingTerms } from "./charge-whole.ts";

export type EventRating = {
  /** An event of an earlier part of the period: all of them come before the first of this part. */
  addPrior(amount: Decimal): void;
  add(amount: Decimal): void;
  finish(): PricedUsage;
};

/** A later part pays nothing of what is due at zero usage, even if no event came before it. */
export function rateEvents(terms: PricingTerms & { readonly isLaterPart: boolean }): EventRating {
  const soFar = wholeCharge(terms);
  const before = terms.isLaterPart ? wholeCharge(terms) : undefined;
  return {
    addPrior(amount) {
      soFar.add(amount);
      before?.add(amount);
    },
    add(amount) {
      soFar.add(amount);
    },
    finish() {
      const charge = soFar.charge();
      if (before === undefined) return pricedUsage(charge, terms);
      return pricedUsage(laterPart(terms, { soFar: charge, before: before.charge() }), terms);
    },
  };
}
