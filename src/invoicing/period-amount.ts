/** What an amount per billing period comes to when contract versions change within it: the terms with which the period begins hold for all of it. */
import { ZERO, decimal, type Decimal } from "../kernel/decimal.ts";
import type { BillingTerms, TermsPart } from "./billing-terms.ts";

/** Undefined parts have no such amount. */
export function periodAmount({ parts }: BillingTerms, amountOf: (part: TermsPart) => string | undefined): Decimal {
  const first = parts[0] === undefined ? undefined : amountOf(parts[0]);
  return first === undefined ? ZERO : decimal(first);
}
