/**
 * A finalized invoice as the journal has it, against itself: its lines give its root and its totals. Whether ClickHouse has the same rows is
 * the projections' check; whether the lines are what was rated is asked of the run.
 */
import type { Discrepancy } from "../../domain/discrepancy.ts";
import type { FinalizedInvoice } from "../../domain/invoice.ts";
import { invoiceLineHash } from "../../domain/invoice-hash.ts";
import { merkleRoot } from "../../invoicing/merkle.ts";
import { decimal, sumDecimals } from "../../kernel/decimal.ts";

export function compareInvoice(invoice: FinalizedInvoice): Discrepancy[] {
  const problems: string[] = [];
  const root = merkleRoot(invoice.lines.map(invoiceLineHash));
  if (root !== invoice.merkleRoot) problems.push(`its lines give the root ${root}, it says ${invoice.merkleRoot}`);
  const subtotal = sumDecimals(invoice.lines.map((line) => decimal(line.amount)));
  if (!subtotal.eq(decimal(invoice.subtotal)))
    problems.push(`its lines add up to ${subtotal.toFixed()}, it says ${invoice.subtotal}`);
  if (!subtotal.plus(decimal(invoice.tax)).eq(decimal(invoice.total)))
    problems.push(`subtotal and tax do not give the total ${invoice.total}`);
  return problems.map((problem) => ({
    check: "invoices",
    table: "JOURNAL (stream)",
    key: `invoice ${invoice.number}`,
    problem,
  }));
}
