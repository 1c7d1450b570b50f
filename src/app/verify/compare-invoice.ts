/**
 * A finalized invoice as the journal has it, against itself: its lines give its root and its totals. Whether ClickHouse has the same rows is
 * the projections' check.
 */
import type { Discrepancy } from "../../domain/discrepancy.ts";
import type { FinalizedInvoice } from "../../domain/invoice.ts";
import { invoiceLineHash } from "../../domain/invoice-hash.ts";
import { merkleRoot } from "../../invoicing/merkle.ts";
import { invoiceTotals, netOf } from "../../invoicing/invoice-totals.ts";
import { decimalText } from "../../kernel/decimal.ts";
import { canonicalJson } from "../../kernel/canonical-json.ts";
import { invoicesOfLines } from "../invoicing/invoices-of-run.ts";
import { termsOfParts } from "../invoicing/terms-of-parts.ts";
import type { RepeatedRun } from "../rating/repeat-run.ts";

const TOTALS = ["subtotal", "adjustments", "taxes", "net", "tax", "total"] as const;

export function compareInvoice(invoice: FinalizedInvoice): Discrepancy[] {
  const problems: string[] = [];
  const root = merkleRoot(invoice.lines.map(invoiceLineHash));
  if (root !== invoice.merkleRoot) problems.push(`its lines give the root ${root}, it says ${invoice.merkleRoot}`);
  const totals = invoiceTotals(invoice.lines);
  for (const name of TOTALS) {
    if (canonicalJson(totals[name] ?? null) !== canonicalJson(invoice[name] ?? null))
      problems.push(`its lines give the ${name} ${shown(totals[name])}, it says ${shown(invoice[name])}`);
  }
  for (const line of invoice.lines) {
    const net = decimalText(netOf(line));
    if (net !== (line.net ?? line.amount))
      problems.push(`line ${line.lineId} gives the net ${net}, it says ${line.net ?? line.amount}`);
  }
  return problems.map((problem) => discrepancy(invoice.number, problem));
}

/** Drafted again from its run's lines, a finalized invoice has the same lines. Where they differ from what was rated, that is said of the run. */
export function compareWithRun(
  { plan, rated, run, linesHash }: Pick<RepeatedRun, "plan" | "rated" | "run" | "linesHash">,
  finalized: readonly FinalizedInvoice[],
): Discrepancy[] {
  const own = finalized.filter((invoice) => invoice.runId === run.runId);
  if (own.length === 0 || linesHash !== run.linesHash) return [];
  const drafts = new Map(
    invoicesOfLines(rated, termsOfParts(plan.parts)).map((draft) => [draft.invoiceId, draft.merkleRoot]),
  );
  return own
    .filter((invoice) => drafts.get(invoice.invoiceId) !== invoice.merkleRoot)
    .map((invoice) => {
      const root = drafts.get(invoice.invoiceId) ?? "(no such invoice)";
      return discrepancy(
        invoice.number,
        `drafted again from its run it has the root ${root}, it says ${invoice.merkleRoot}`,
      );
    });
}

function discrepancy(number: string, problem: string): Discrepancy {
  return { check: "invoices", table: "JOURNAL (stream)", key: `invoice ${number}`, problem };
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : canonicalJson(value ?? null);
}
