/** What rating a period needs from the outside. */
import type { Catalog, ContractSpan, EntityVersion } from "../../domain/catalog.ts";
import type { RatingRunEntry } from "../../domain/journal-entry.ts";
import type { Instant } from "../../kernel/instant.ts";
import type { BillingStore, Journal, OpenRuns } from "../ports.ts";
import type { FinalizedInvoices } from "./task-rollover.ts";

export type RatingDeps = {
  readonly store: BillingStore;
  readonly journal: Journal;
  /** The catalog as of a journal sequence. */
  readonly catalogAt: (seq: number) => Promise<Catalog>;
  /** The invoices that were finalized by then, by id. */
  readonly finalizedAt: (seq: number) => Promise<FinalizedInvoices>;
  readonly spansOf: (versions: readonly EntityVersion<"contract">[]) => readonly ContractSpan[];
  /** Raises the cut and returns the one before it, which is complete for ever. */
  readonly completeCut: () => Promise<number>;
  readonly openRuns: OpenRuns;
  /** The recorded run, or null. */
  readonly findRun: (runId: string) => Promise<RatingRunEntry | null>;
  /** Brings the projections up to the journal's head. */
  readonly project: () => Promise<void>;
  readonly now: () => Instant;
  /** Lets the process do what else is due: questions to the database are sent, and answers come in. */
  readonly turn: () => Promise<void>;
  readonly onProgress?: (done: { readonly lines: number; readonly total: number }) => void;
};
