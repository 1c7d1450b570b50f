/**
 * The invoice of one contract and billing period from its rated lines and the contract's terms: discounts, commitments, taxes, in this order. Rating rounded line by
 * line, and what is taken or added here is split over the lines by exact shares, so that the invoice adds up as it is printed.
 */
import type { Invoice, InvoiceLine } from "../domain/invoice.ts";
import { invoiceLineHash } from "../domain/invoice-hash.ts";
import type { RatedLine } from "../domain/rated-line.ts";
import { ratedLineHash } from "../domain/rated-line-hash.ts";
import { assert, present } from "../kernel/assert.ts";
import { canonicalJson } from "../kernel/canonical-json.ts";
import { decimalText } from "../kernel/decimal.ts";
import { sha256Hex } from "../kernel/hash.ts";
import { applyCommitments } from "./apply-commitments.ts";
import { applyDiscounts } from "./apply-discounts.ts";
import { taxesOf } from "./apply-taxes.ts";
import type { BillingTerms } from "./billing-terms.ts";
import { draftLine } from "./draft-line.ts";
import { invoiceTotals, netOf } from "./invoice-totals.ts";
import { merkleRoot } from "./merkle.ts";

const ID_DIGITS = 20;

/** All lines are of one run, contract and billing period; at least one. The terms are those of the contract versions of these lines. */
export function draftInvoice(ratedLines: readonly RatedLine[], terms?: BillingTerms): Invoice {
  const first = present(ratedLines[0], "the first rated line of an invoice");
  for (const line of ratedLines) requireSameInvoice(first, line);
  const invoiceId = invoiceIdOf({ contract: first.contract, periodFrom: first.billingFrom, periodTo: first.billingTo });
  const rated = [...ratedLines]
    .sort(byPeriodAndPrice)
    .map((line, index) => invoiceLine({ invoiceId, lineNumber: index + 1, line }));
  const lines = terms === undefined ? rated : withTerms(rated, terms);
  return {
    invoiceId,
    customer: first.customer,
    contract: first.contract,
    currency: first.currency,
    periodFrom: first.billingFrom,
    periodTo: first.billingTo,
    runId: first.runId,
    cut: first.cut,
    lines,
    ...invoiceTotals(lines),
    merkleRoot: merkleRoot(lines.map((line) => invoiceLineHash(line))),
  };
}

function withTerms(rated: readonly InvoiceLine[], terms: BillingTerms): readonly InvoiceLine[] {
  const drafts = applyCommitments(applyDiscounts(rated.map(draftLine), terms), terms);
  const taxes = taxesOf(drafts, terms);
  return drafts.map(({ line, adjustments }, index) => {
    const own = taxes[index];
    const full = { ...line, ...(adjustments.length > 0 && { adjustments }), ...(own !== undefined && { taxes: own }) };
    const net = decimalText(netOf(full));
    return net === line.amount ? full : { ...full, net };
  });
}

/** Follows from contract and billing period alone: drafting twice gives the same invoice. */
export function invoiceIdOf(input: {
  readonly contract: string;
  readonly periodFrom: string;
  readonly periodTo: string;
}): string {
  return `inv_${sha256Hex(canonicalJson([input.contract, input.periodFrom, input.periodTo])).slice(0, ID_DIGITS)}`;
}

function invoiceLine(input: {
  readonly invoiceId: string;
  readonly lineNumber: number;
  readonly line: RatedLine;
}): InvoiceLine {
  const { invoiceId, lineNumber, line } = input;
  const leftOver = line.input.rollover?.left ?? [];
  return {
    lineId: `${invoiceId}-${String(lineNumber)}`,
    lineNumber,
    description: line.description,
    runId: line.runId,
    ratedLineId: line.lineId,
    contract: line.contract,
    contractVersion: line.contractVersion,
    contractHash: line.contractHash,
    price: line.price,
    meter: line.meter,
    where: line.where,
    ...(line.limits !== undefined && { limits: line.limits }),
    periodFrom: line.periodFrom,
    periodTo: line.periodTo,
    quantity: line.quantity,
    amount: line.amountRounded,
    amountExact: line.amount,
    eventCount: line.eventCount,
    shardRanges: line.shardRanges,
    eventsDigest: line.eventsDigest,
    cut: line.cut,
    ratingRev: line.ratingRev,
    ratedLineHash: ratedLineHash(line),
    ...(leftOver.length > 0 && { leftOver }),
  };
}

function requireSameInvoice(first: RatedLine, line: RatedLine): void {
  const same = (["runId", "customer", "contract", "currency", "billingFrom", "billingTo", "cut"] as const).every(
    (field) => first[field] === line[field],
  );
  assert(same, `the rated lines ${first.lineId} and ${line.lineId} belong to two invoices`);
}

/** Texts of one zone and form, so that their order is the order of time. */
function byPeriodAndPrice(a: RatedLine, b: RatedLine): number {
  if (a.periodFrom !== b.periodFrom) return a.periodFrom < b.periodFrom ? -1 : 1;
  return a.price < b.price ? -1 : 1;
}
