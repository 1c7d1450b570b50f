/**
 * Finalizes the invoices of a period. Everything is decided from the journal up to one head and appended on the condition that this is
 * still the head: of any number of processes at once one wins, the others read on and decide again. So a number is given once, a series
 * has no gap, and a repetition after a crash finds what was done and does the rest.
 *
 * A recorded run is used again only if its cut was raised after the grace had passed, no catalog change came after it, and it knew what the
 * periods before left over; otherwise the period is rated again. A run of the middle of the period would leave the rest of it unbilled.
 */
import type { FinalizedInvoice, Invoice } from "../../domain/invoice.ts";
import type { RatingRunEntry } from "../../domain/journal-entry.ts";
import { finalizableFrom, finalizeInvoice, overlaps } from "../../invoicing/finalize-invoice.ts";
import { assert } from "../../kernel/assert.ts";
import { AppError } from "../../kernel/errors.ts";
import { instantOf, instantText } from "../../kernel/instant.ts";
import { RATING_REV } from "../../rating/rating-rev.ts";
import { ratePeriod } from "../rating/rate-period.ts";
import { knowsLeftOver, requireFollowed } from "./awaited-periods.ts";
import { dueInvoices, type DueInvoice } from "./due-invoices.ts";
import { invoicesOfRun, requireIntactRun } from "./invoices-of-run.ts";
import type { FinalizedFacts, InvoicingDeps, InvoicingSettings, InvoicingState } from "./invoicing-deps.ts";

/** Attempts in a row after which not one invoice less is open: others append all the time, but none of them finalizes. */
const ATTEMPTS_MAX = 1_000;

export type FinalizeInvoicesInput = {
  readonly period: string;
  readonly customers: readonly string[];
  readonly settings: InvoicingSettings;
};

export type FinalizedInvoices = {
  /** By this call. */
  readonly finalized: readonly FinalizedFacts[];
  /** By an earlier one, or by another process at the same time. */
  readonly already: readonly FinalizedFacts[];
  /** The period's end plus the grace is still to come. */
  readonly notDue: readonly DueInvoice[];
};

/** Throws `conflict` when nothing is due yet or a period before has to be finalized first, `mismatch` when verification fails. */
export async function finalizeInvoices(deps: InvoicingDeps, input: FinalizeInvoicesInput): Promise<FinalizedInvoices> {
  const mine = new Map<string, FinalizedFacts>();
  const checked = new Set<string>();
  let fewestOpen = Infinity;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const state = await deps.readState();
    const due = await dueInvoices(deps, { ...input, state });
    if (due.open.length < fewestOpen) attempt = 0;
    fewestOpen = Math.min(fewestOpen, due.open.length);
    if (due.open.length === 0) return await finish(deps, { due, mine });
    requireFollowed({ due, finalized: state.finalized });
    const run = reusableRun({ state, input, open: due.open });
    if (run === null || !(await knowsLeftOver(deps, { run, due, finalized: state.finalized }))) {
      await ratePeriod(deps, { period: input.period, customers: input.customers });
      continue;
    }
    if (!checked.has(run.runId)) await requireVerified(deps, run);
    checked.add(run.runId);
    for (const invoice of await appendInvoices(deps, { state, run, input, open: due.open }))
      mine.set(invoice.invoiceId, invoice);
  }
  throw new AppError({
    code: "JOURNAL_BUSY",
    kind: "unavailable",
    message: `The journal was appended to by others ${String(ATTEMPTS_MAX)} times in a row: finalize again`,
  });
}

type Due = Awaited<ReturnType<typeof dueInvoices>>;

async function finish(
  deps: InvoicingDeps,
  input: { due: Due; mine: ReadonlyMap<string, FinalizedFacts> },
): Promise<FinalizedInvoices> {
  const { due, mine } = input;
  // Also when everything was finalized before: the process that did it may have died before projecting it.
  await deps.project();
  const already = due.finalized.filter((invoice) => !mine.has(invoice.invoiceId));
  if (mine.size === 0 && already.length === 0 && due.notDue[0] !== undefined) throw notDueError(due.notDue[0]);
  return { finalized: [...mine.values()], already, notDue: due.notDue };
}

/** Of the runs of the same question that still answer it, the one that knows most: one that was gone on with may be recorded after a newer one. */
function reusableRun(input: {
  state: InvoicingState;
  input: FinalizeInvoicesInput;
  open: readonly DueInvoice[];
}): RatingRunEntry | null {
  const { state, open } = input;
  const { period, settings } = input.input;
  const dueSince = open.map((invoice) => finalizableFrom(invoice, settings.graceMs)).reduce((a, b) => (a > b ? a : b));
  const usable = state.runs.filter(
    (run) =>
      run.period === period &&
      run.ratingRev === RATING_REV &&
      run.catalogSeq >= state.catalogSeq &&
      instantOf(run.cutAt, "cutAt") >= dueSince &&
      (run.customers.length === 0 || open.every((invoice) => run.customers.includes(invoice.customer))),
  );
  return usable.reduce<RatingRunEntry | null>((best, run) => (best === null || run.cut >= best.cut ? run : best), null);
}

async function requireVerified(deps: InvoicingDeps, run: RatingRunEntry): Promise<void> {
  await requireIntactRun(deps.store, run);
  const discrepancies = await deps.verifyForFinalize(run.cut);
  if (discrepancies.length === 0) return;
  const shown = discrepancies.slice(0, 10).map((found) => `${found.table} ${found.key}: ${found.problem}`);
  throw new AppError({
    code: "FINALIZE_UNVERIFIED",
    kind: "mismatch",
    message: `Verification found ${String(discrepancies.length)} discrepancies, so nothing was finalized: ${shown.join("; ")}. \`meterline verify\` lists all`,
    details: { discrepancies },
  });
}

type AppendInput = {
  state: InvoicingState;
  run: RatingRunEntry;
  input: FinalizeInvoicesInput;
  open: readonly DueInvoice[];
};

/** Appends the open invoices one by one, each after the one before, and stops when somebody else appended in between. */
async function appendInvoices(
  deps: InvoicingDeps,
  { state, run, input, open }: AppendInput,
): Promise<readonly FinalizedInvoice[]> {
  const { series } = input.settings;
  const wanted = new Set(open.map((invoice) => invoice.invoiceId));
  const customers = [...new Set(open.map((invoice) => invoice.customer))];
  const before = finalizedOf(state, open);
  const appended: FinalizedInvoice[] = [];
  let head = state.head;
  let position = state.positions.get(series) ?? 0;
  for await (const draft of invoicesOfRun(deps, { run, customers })) {
    if (!wanted.has(draft.invoiceId)) continue;
    requireNoOverlap(draft, before.get(draft.contract) ?? []);
    position += 1;
    const invoice = finalizeInvoice(draft, { series, position, finalizedAt: deps.now() });
    const next = await deps.journal.append({ head, bodies: [{ kind: "invoice.finalized", invoice }] });
    if (next === null) return appended;
    head = next;
    appended.push(invoice);
  }
  assert(
    appended.length === wanted.size,
    `run ${run.runId} has lines for ${String(appended.length)} of the ${String(wanted.size)} open invoices`,
  );
  return appended;
}

/** Earlier invoices of the contracts at hand. */
function finalizedOf(
  state: InvoicingState,
  open: readonly DueInvoice[],
): ReadonlyMap<string, readonly FinalizedFacts[]> {
  const byContract = new Map<string, FinalizedFacts[]>(open.map((invoice) => [invoice.contract, []]));
  for (const invoice of state.finalized.values()) byContract.get(invoice.contract)?.push(invoice);
  return byContract;
}

function requireNoOverlap(invoice: Invoice, earlier: readonly FinalizedFacts[]): void {
  for (const other of earlier) {
    if (!overlaps(invoice, other)) continue;
    throw new AppError({
      code: "INVOICE_OVERLAPS",
      kind: "conflict",
      message: `Contract ${invoice.contract} was invoiced for ${other.periodFrom}/${other.periodTo} by ${other.number}, which overlaps ${invoice.periodFrom}/${invoice.periodTo}: choose a period that begins where that one ends`,
    });
  }
}

function notDueError(invoice: DueInvoice): AppError {
  return new AppError({
    code: "INVOICE_NOT_DUE",
    kind: "conflict",
    message: `The invoice of contract ${invoice.contract} for ${invoice.periodFrom}/${invoice.periodTo} can be finalized from ${instantText(invoice.dueFrom)} on (period end plus grace): finalize then, or draft it now`,
  });
}
