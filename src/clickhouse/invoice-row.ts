/** Invoices and their lines as rows. A draft's revision is the cut of its run, a finalized invoice's the greatest there is: nothing replaces it. */
import type { FinalizedInvoice, Invoice, InvoiceLine } from "../domain/invoice.ts";
import { invoiceLineHash } from "../domain/invoice-hash.ts";
import { limitsText } from "../domain/usage-limits.ts";
import type { FreeUnitsGrant } from "../domain/rated-line.ts";
import { decimal, decimalText, roundTo, sumDecimals } from "../kernel/decimal.ts";
import { epochSeconds, shardRangeRows } from "./rated-line-row.ts";

export const FINALIZED_REVISION = "18446744073709551615";

export const INVOICE_COLUMNS =
  "invoice_id, revision, number, series, status, customer, contract, run_id, cut, currency, subtotal, adjustment, net, tax, total, period_from, period_to, " +
  "finalized_at, merkle_root, journal_seq";
export const INVOICE_LINE_COLUMNS =
  "invoice_id, revision, line_id, line_number, description, run_id, rated_line_id, customer, contract, contract_version, contract_hash, price, " +
  "meter, filter, period_from, period_to, quantity, amount, amount_exact, currency, event_count, shard_ranges, events_digest, cut, rating_rev, " +
  "rated_line_hash, line_hash, adjustment, net, tax, adjustments, taxes, compares, explanation, limits, left_over";

const LEFT_OVER_PLACES = 24;

type Status = {
  readonly revision: string;
  readonly number: string;
  readonly series: string;
  readonly status: "draft" | "finalized";
  /** `YYYY-MM-DD hh:mm:ss.mmm`, UTC. */
  readonly finalized_at: string;
  readonly journal_seq: string;
};

export function draftRow(draft: Invoice): object {
  return invoiceRow(draft, {
    revision: String(draft.cut),
    number: "",
    series: "",
    status: "draft",
    finalized_at: "1970-01-01 00:00:00.000",
    journal_seq: "0",
  });
}

export function finalizedRow(invoice: FinalizedInvoice, journalSeq: number): object {
  return invoiceRow(invoice, {
    revision: FINALIZED_REVISION,
    number: invoice.number,
    series: invoice.series,
    status: "finalized",
    finalized_at: new Date(invoice.finalizedAt).toISOString().replace("T", " ").replace("Z", ""),
    journal_seq: String(journalSeq),
  });
}

function invoiceRow(invoice: Invoice, status: Status): object {
  return {
    invoice_id: invoice.invoiceId,
    ...status,
    customer: invoice.customer,
    contract: invoice.contract,
    run_id: invoice.runId,
    cut: invoice.cut,
    currency: invoice.currency,
    subtotal: invoice.subtotal,
    adjustment: sumOf(invoice.adjustments),
    net: invoice.net ?? invoice.subtotal,
    tax: invoice.tax,
    total: invoice.total,
    period_from: epochSeconds(invoice.periodFrom),
    period_to: epochSeconds(invoice.periodTo),
    merkle_root: invoice.merkleRoot,
  };
}

export type InvoiceLineRowInput = { readonly invoice: Invoice; readonly revision: string; readonly line: InvoiceLine };

export function invoiceLineRow({ invoice, revision, line }: InvoiceLineRowInput): object {
  return {
    invoice_id: invoice.invoiceId,
    revision,
    line_id: line.lineId,
    line_number: line.lineNumber,
    description: line.description,
    run_id: line.runId,
    rated_line_id: line.ratedLineId,
    customer: invoice.customer,
    contract: line.contract,
    contract_version: line.contractVersion,
    contract_hash: line.contractHash,
    price: line.price,
    meter: line.meter,
    filter: line.where,
    period_from: epochSeconds(line.periodFrom),
    period_to: epochSeconds(line.periodTo),
    quantity: line.quantity,
    amount: line.amount,
    amount_exact: line.amountExact,
    currency: invoice.currency,
    event_count: line.eventCount,
    shard_ranges: shardRangeRows(line.shardRanges),
    events_digest: line.eventsDigest,
    cut: line.cut,
    rating_rev: line.ratingRev,
    rated_line_hash: line.ratedLineHash,
    line_hash: invoiceLineHash(line),
    adjustment: sumOf(line.adjustments),
    net: line.net ?? line.amount,
    tax: sumOf(line.taxes),
    adjustments: line.adjustments ?? [],
    taxes: line.taxes ?? [],
    compares: line.compares ?? [],
    explanation: line.explanation ?? [],
    limits: limitsText(line.limits),
    left_over: (line.leftOver ?? []).map(leftOverRow),
  };
}

/** The column has no room for all places that a unit conversion can make. */
function leftOverRow({ granted, quantity, periods }: FreeUnitsGrant): object {
  return { granted, quantity: decimalText(roundTo(decimal(quantity), LEFT_OVER_PLACES, "down")), periods };
}

function sumOf(parts: readonly { readonly amount: string }[] | undefined): string {
  return decimalText(sumDecimals((parts ?? []).map((part) => decimal(part.amount))));
}
