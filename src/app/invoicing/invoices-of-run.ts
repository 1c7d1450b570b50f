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
import type { BillingTerms } from "../../invoicing/billing-terms.ts";
import { parsePeriodArgument } from "../../kernel/period.ts";
import type { BillingStore } from "../ports.ts";
import type { RatingDeps } from "../rating/rating-deps.ts";
import { planRating } from "../rating/rating-plan.ts";
import { termsOfParts } from "./terms-of-parts.ts";

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
export type InvoicesOfRunDeps = Pick<RatingDeps, "catalogAt" | "spansOf"> & { readonly store: LineStore };

/** The terms are those of the catalog with which the run was rated. */
export async function* invoicesOfRun(
  deps: InvoicesOfRunDeps,
  { run, customers }: InvoicesOfRunInput,
): AsyncGenerator<Invoice> {
  const catalog = await deps.catalogAt(run.catalogSeq);
  const period = parsePeriodArgument(run.period);
  const plan = planRating({ catalog, period, customers: run.customers, spansOf: deps.spansOf });
  const terms = termsOfParts(plan.parts);
  let own: RatedLine[] = [];
  for await (const { line } of deps.store.ratedLines({ runId: run.runId, customers })) {
    if (own[0] !== undefined && own[0].customer !== line.customer) {
      yield* invoicesOfLines(own, terms);
      own = [];
    }
    own.push(line);
  }
  yield* invoicesOfLines(own, terms);
}

/** The invoices of lines of one run, in the order of their first lines. */
export function invoicesOfLines(
  lines: readonly RatedLine[],
  terms: ReadonlyMap<string, BillingTerms>,
): readonly Invoice[] {
  const byInvoice = Map.groupBy(lines, (line) =>
    invoiceIdOf({ contract: line.contract, periodFrom: line.billingFrom, periodTo: line.billingTo }),
  );
  return [...byInvoice].map(([invoiceId, own]) => draftInvoice(own, terms.get(invoiceId)));
}
