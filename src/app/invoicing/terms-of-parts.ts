/** The terms of each invoice of a plan: what its contract versions and the rate cards they pin say besides prices. */
import { effectiveTerms } from "../../domain/contract-terms.ts";
import { invoiceIdOf } from "../../invoicing/draft-invoice.ts";
import type { BillingTerms } from "../../invoicing/billing-terms.ts";
import { instantOf, instantText } from "../../kernel/instant.ts";
import type { ContractPart } from "../rating/contract-parts.ts";

/** By invoice id. */
export function termsOfParts(parts: readonly ContractPart[]): ReadonlyMap<string, BillingTerms> {
  const byInvoice = Map.groupBy(parts, ({ contract, billing }) =>
    invoiceIdOf({
      contract: contract.key,
      periodFrom: instantText(billing.from),
      periodTo: instantText(billing.to),
    }),
  );
  return new Map([...byInvoice].flatMap(([id, own]) => (own[0] === undefined ? [] : [[id, termsOf(own[0], own)]])));
}

function termsOf(first: ContractPart, parts: readonly ContractPart[]): BillingTerms {
  const { key, currency, timeZone, billing, effective, rounding, proration = "none" } = first.contract.definition;
  return {
    currency,
    billing: first.billing,
    schedule: { timeZone, ...billing },
    rounding,
    proration,
    contractFrom: instantOf(effective.from, `effective.from of contract ${key}`),
    parts: parts.map(({ contract, rateCard, service }) => ({
      contractVersion: contract.version,
      contractHash: contract.hash,
      service,
      terms: effectiveTerms(rateCard.definition, contract.definition),
    })),
  };
}
