/** Which invoices a period asks for, as of a state of the journal: finalized ones, ones that can be finalized, and ones whose time is to come. */
import { invoiceIdOf } from "../../invoicing/draft-invoice.ts";
import { finalizableFrom } from "../../invoicing/finalize-invoice.ts";
import { instantText, type Instant } from "../../kernel/instant.ts";
import { parsePeriodArgument, type Period } from "../../kernel/period.ts";
import type { ContractPart } from "../rating/contract-parts.ts";
import { planRating } from "../rating/rating-plan.ts";
import { followedPeriods } from "../rating/task-rollover.ts";
import type { FinalizedFacts, InvoicingDeps, InvoicingSettings, InvoicingState } from "./invoicing-deps.ts";

export type DueInvoice = {
  readonly invoiceId: string;
  readonly customer: string;
  readonly contract: string;
  readonly periodFrom: string;
  readonly periodTo: string;
  /** The period's end plus the grace. */
  readonly dueFrom: Instant;
};

export type DueInvoices = {
  readonly finalized: readonly FinalizedFacts[];
  readonly open: readonly DueInvoice[];
  readonly notDue: readonly DueInvoice[];
  /** The billing periods before the open invoices whose free units roll over into them, by contract. */
  readonly follows: ReadonlyMap<string, Period>;
};

export type DueInvoicesInput = {
  readonly period: string;
  readonly customers: readonly string[];
  readonly settings: InvoicingSettings;
  readonly state: InvoicingState;
};

export async function dueInvoices(
  deps: Pick<InvoicingDeps, "catalogAt" | "spansOf" | "now">,
  input: DueInvoicesInput,
): Promise<DueInvoices> {
  const { customers, settings, state } = input;
  const catalog = await deps.catalogAt(state.head.seq);
  const plan = planRating({ catalog, period: parsePeriodArgument(input.period), customers, spansOf: deps.spansOf });
  const asked = new Map(
    plan.tasks.map(({ part }) => invoiceOf(part, settings)).map((invoice) => [invoice.invoiceId, invoice]),
  );
  const finalized: FinalizedFacts[] = [];
  const open: DueInvoice[] = [];
  const notDue: DueInvoice[] = [];
  const now = deps.now();
  for (const invoice of asked.values()) {
    const known = state.finalized.get(invoice.invoiceId);
    if (known !== undefined) finalized.push(known);
    else if (invoice.dueFrom <= now) open.push(invoice);
    else notDue.push(invoice);
  }
  const waiting = new Set(open.map(({ contract }) => contract));
  const follows = followedPeriods(plan.tasks.filter(({ part }) => waiting.has(part.contract.key)));
  return { finalized, open, notDue, follows };
}

function invoiceOf(part: ContractPart, settings: InvoicingSettings): DueInvoice {
  const period = { periodFrom: instantText(part.billing.from), periodTo: instantText(part.billing.to) };
  return {
    invoiceId: invoiceIdOf({ contract: part.contract.key, ...period }),
    customer: part.customer,
    contract: part.contract.key,
    ...period,
    dueFrom: finalizableFrom(period, settings.graceMs),
  };
}
