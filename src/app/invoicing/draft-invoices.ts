/** Drafts the invoices of a period: rates it as of now and stores what the invoices would be. Drafting again replaces the drafts. */
import type { Invoice } from "../../domain/invoice.ts";
import type { RatingRunEntry } from "../../domain/journal-entry.ts";
import { ratePeriod, type RatePeriodInput } from "../rating/rate-period.ts";
import { invoicesOfRun, requireIntactRun } from "./invoices-of-run.ts";
import type { FinalizedFacts, InvoicingDeps } from "./invoicing-deps.ts";

/** Invoices per write. */
const WRITE_BATCH_INVOICES = 200;

export type DraftedInvoices = {
  readonly run: RatingRunEntry;
  readonly drafted: readonly Omit<Invoice, "lines">[];
  /** Invoices of the period that are finalized: they are left as they are. */
  readonly finalized: readonly FinalizedFacts[];
};

export async function draftInvoices(deps: InvoicingDeps, input: RatePeriodInput): Promise<DraftedInvoices> {
  const run = await ratePeriod(deps, input);
  await requireIntactRun(deps.store, run);
  const state = await deps.readState();
  const drafted: Omit<Invoice, "lines">[] = [];
  const finalized: FinalizedFacts[] = [];
  let batch: Invoice[] = [];
  for await (const invoice of invoicesOfRun(deps, { run, customers: run.customers })) {
    const known = state.finalized.get(invoice.invoiceId);
    if (known !== undefined) {
      finalized.push(known);
      continue;
    }
    const { lines: _, ...summary } = invoice;
    drafted.push(summary);
    batch.push(invoice);
    if (batch.length < WRITE_BATCH_INVOICES) continue;
    await deps.invoiceStore.writeDrafts(batch);
    batch = [];
  }
  await deps.invoiceStore.writeDrafts(batch);
  return { run, drafted, finalized };
}
