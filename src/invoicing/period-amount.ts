/**
 * What an amount per billing period comes to when contract versions change within it, or the contract begins or ends: without proration the terms
 * with which the period begins hold for all of it; otherwise each part has its share, and shares of the same amount add up to it.
 */
import { currencyExponent } from "../kernel/currency.ts";
import { decimal, sumDecimals, type Decimal } from "../kernel/decimal.ts";
import type { Period } from "../kernel/period.ts";
import { isWhole, prorate, prorationShare, prorationText } from "../kernel/proration.ts";
import type { BillingTerms, TermsPart } from "./billing-terms.ts";

export type PeriodAmount = {
  readonly amount: Decimal;
  /** `17 of 31 days of 30 EUR`; empty for a whole amount. */
  readonly shares: readonly string[];
};

/** `amountOf` gives the amount that a part's contract version states, if it states one; undefined when none that counts does. */
export function periodAmount(
  terms: BillingTerms,
  amountOf: (part: TermsPart) => string | undefined,
): PeriodAmount | undefined {
  const { billing, currency, parts, proration, rounding: mode, schedule } = terms;
  if (proration === "none") {
    const first = parts[0] === undefined ? undefined : amountOf(parts[0]);
    return first === undefined ? undefined : { amount: decimal(first), shares: [] };
  }
  const shares = stretches(parts, amountOf).map(({ amount: text, service }) => {
    const { timeZone } = schedule;
    const amount = decimal(text);
    const share = prorationShare({ billing, part: service, unit: proration, timeZone });
    const prorated = prorate({ amount, share, places: currencyExponent(currency), mode });
    return { ...prorated, text: isWhole(share) ? [] : [prorationText({ amount, share, currency, prorated })] };
  });
  if (shares.length === 0) return undefined;
  return { amount: sumDecimals(shares.map(({ amount }) => amount)), shares: shares.flatMap(({ text }) => text) };
}

type Stretch = { readonly amount: string; readonly service: Period };

/** Parts one after the other with the same amount are one, as if no version had begun in between. */
function stretches(parts: readonly TermsPart[], amountOf: (part: TermsPart) => string | undefined): readonly Stretch[] {
  return parts.reduce<readonly Stretch[]>((done, part) => {
    const amount = amountOf(part);
    if (amount === undefined) return done;
    const last = done.at(-1);
    if (last === undefined || last.amount !== amount || last.service.to !== part.service.from)
      return [...done, { amount, service: part.service }];
    return [...done.slice(0, -1), { amount, service: { from: last.service.from, to: part.service.to } }];
  }, []);
}
