/** What drafting and finalizing invoices need from the outside, and what the journal says about invoices so far. */
import type { Discrepancy } from "../../domain/discrepancy.ts";
import type { FinalizedInvoice } from "../../domain/invoice.ts";
import type { RatingRunEntry } from "../../domain/journal-entry.ts";
import type { InvoiceStore } from "../ports.ts";
import type { RatingDeps } from "../rating/rating-deps.ts";

export type FinalizedFacts = Pick<
  FinalizedInvoice,
  "invoiceId" | "number" | "customer" | "contract" | "currency" | "total" | "periodFrom" | "periodTo" | "finalizedAt"
>;

/** The journal folded up to `head`. */
export type InvoicingState = {
  readonly head: { readonly seq: number; readonly hash: string };
  /** Sequence of the last catalog commit. */
  readonly catalogSeq: number;
  /** Oldest first. */
  readonly runs: readonly RatingRunEntry[];
  /** By invoice id. */
  readonly finalized: ReadonlyMap<string, FinalizedFacts>;
  /** Last position by series. */
  readonly positions: ReadonlyMap<string, number>;
};

export type InvoicingDeps = RatingDeps & {
  readonly invoiceStore: InvoiceStore;
  readonly readState: () => Promise<InvoicingState>;
  /** Checks what a finalization as of this cut rests on; anything returned blocks it. */
  readonly verifyForFinalize: (cut: number) => Promise<readonly Discrepancy[]>;
};

export type InvoicingSettings = {
  /** How long after a period's end its usage may still arrive before it counts as late. */
  readonly graceMs: number;
  readonly series: string;
};
