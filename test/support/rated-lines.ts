/** Rated lines and terms of one October in UTC, for tests of what an invoice makes of them. */
import type { ContractTerms, Taxes } from "../../src/domain/contract-terms.ts";
import type { RatedLine } from "../../src/domain/rated-line.ts";
import type { BillingTerms } from "../../src/invoicing/billing-terms.ts";
import type { RoundingMode } from "../../src/kernel/decimal.ts";
import type { Proration } from "../../src/kernel/proration.ts";
import { instantOf } from "../../src/kernel/instant.ts";

const OCTOBER = { from: "2026-10-01T00:00:00Z", to: "2026-11-01T00:00:00Z" } as const;

export type LineInput = {
  readonly price: string;
  readonly amount: string;
  readonly currency?: string;
  readonly version?: number;
  readonly from?: string;
  readonly to?: string;
};

export function ratedLine({ price, amount, currency = "EUR", version = 1, ...period }: LineInput): RatedLine {
  const { from, to } = { ...OCTOBER, ...period };
  return {
    runId: "run_1",
    lineId: `k/${String(version)}/${from}/${price}`,
    customer: "acme",
    contract: "k",
    contractVersion: version,
    contractHash: `hash-${String(version)}`,
    rateCard: "card",
    rateCardVersion: 1,
    price,
    meter: "m",
    aggregation: "sum",
    where: {},
    description: price,
    billingFrom: OCTOBER.from,
    billingTo: OCTOBER.to,
    periodFrom: from,
    periodTo: to,
    quantity: "1",
    amount,
    amountRounded: amount,
    currency,
    eventCount: "1",
    shardRanges: [],
    eventsDigest: "1",
    cut: 4,
    catalogSeq: 9,
    ratingRev: 1,
    input: { ratingRev: 1, currency, rounding: "half_up", price: { model: "flat", amount }, quantity: "1" },
    breakdown: [],
  };
}

export type TermsInput = {
  readonly currency?: string;
  readonly rounding?: RoundingMode;
  readonly contractFrom?: string;
  readonly proration?: Proration;
  /** One version after the other, each from its instant on. */
  readonly versions: readonly (ContractTerms & { readonly from?: string })[];
};

export function billingTerms({ currency = "EUR", rounding = "half_up", versions, ...more }: TermsInput): BillingTerms {
  const starts = versions.map((version) => instantOf(version.from ?? OCTOBER.from, "from"));
  return {
    currency,
    rounding,
    proration: more.proration ?? "none",
    billing: { from: instantOf(OCTOBER.from, "from"), to: instantOf(OCTOBER.to, "to") },
    schedule: { timeZone: "UTC", interval: "month", anchorDay: 1 },
    contractFrom: instantOf(more.contractFrom ?? "2026-01-01T00:00:00Z", "contractFrom"),
    parts: versions.map(({ from: _, ...terms }, index) => ({
      contractVersion: index + 1,
      contractHash: `hash-${String(index + 1)}`,
      service: {
        from: starts[index] ?? instantOf(OCTOBER.from, "from"),
        to: starts[index + 1] ?? instantOf(OCTOBER.to, "to"),
      },
      terms,
    })),
  };
}

export function vat(rate: string, more: Partial<Taxes> = {}): Taxes {
  return { amounts: "exclusive", rounding: "invoice", rates: [{ key: "vat", name: "VAT", rate }], ...more };
}
