/**
 * The invoices of a rating run, one after the other from its stored lines. Lines come in the order of customers, so one customer's lines
 * are in memory at a time. Before anything rests on them, all lines are checked against the hash that the journal has of the run.
 */
import type { Invoice } from "../../domain/invoice.ts";
import type { RatingRunEntry } from "../../domain/journal-entry.ts";
import type { RatedLine } from "../../domain/rated-line.ts";
import { ratedLineHash, ratedLinesHash } from "../../domain/rated-line-hash.ts";
import { draftInvoice, invoiceIdOf } from "../../invoicing/draft-invoice.ts";
import { AppError } from "../../kernel/errors.ts";
import type { BillingStore } from "../ports.ts";

type LineStore = Pick<BillingStore, "ratedLines">;

/** Throws `mismatch` when lines are missing or changed. */
export async function requireIntactRun(store: LineStore, run: RatingRunEntry): Promise<void> {
  const hashes: { lineId: string; hash: string }[] = [];
  for await (const { line } of store.ratedLines({ runId: run.runId, customers: [] })) {
    hashes.push({ lineId: line.lineId, hash: ratedLineHash(line) });
  }
  if (hashes.length === run.lines && ratedLinesHash(hashes) === run.linesHash) return;
  throw new AppError({
    code: "RATED_LINES_CHANGED",
    kind: "mismatch",
    message: `The stored lines of run ${run.runId} (${String(hashes.length)} of ${String(run.lines)}) are not those that the journal recorded: \`meterline rate --repeat ${run.runId}\` shows which, and restores missing ones`,
  });
}

export type InvoicesOfRunInput = { readonly run: RatingRunEntry; readonly customers: readonly string[] };

export async function* invoicesOfRun(
  store: LineStore,
  { run, customers }: InvoicesOfRunInput,
): AsyncGenerator<Invoice> {
  let own: RatedLine[] = [];
  for await (const { line } of store.ratedLines({ runId: run.runId, customers })) {
    if (own[0] !== undefined && own[0].customer !== line.customer) {
      yield* invoicesOfLines(own);
      own = [];
    }
    own.push(line);
  }
  yield* invoicesOfLines(own);
}

/** The invoices of lines of one run, in the order of their first lines. */
export function invoicesOfLines(lines: readonly RatedLine[]): readonly Invoice[] {
  const byInvoice = new Map<string, RatedLine[]>();
  for (const line of lines) {
    const id = invoiceIdOf({ contract: line.contract, periodFrom: line.billingFrom, periodTo: line.billingTo });
    const found = byInvoice.get(id);
    if (found === undefined) byInvoice.set(id, [line]);
    else found.push(line);
  }
  return [...byInvoice.values()].map((group) => draftInvoice(group));
}
