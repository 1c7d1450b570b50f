/** Everything rating and invoicing ask for, in memory, around one journal that several "processes" share. */
import type { OpenRun, OpenRuns } from "../../src/app/ports.ts";
import type { InvoicingDeps } from "../../src/app/invoicing/invoicing-deps.ts";
import type { Catalog } from "../../src/domain/catalog.ts";
import type { FinalizedInvoice } from "../../src/domain/invoice.ts";
import type { RatingRunEntry } from "../../src/domain/journal-entry.ts";
import { instantOf, type Instant } from "../../src/kernel/instant.ts";
import { testSpans } from "./billing-catalog.ts";
import { memoryBillingStore, memoryInvoiceStore } from "./memory-billing-store.ts";
import { memoryJournal, type MemoryJournal } from "./memory-journal.ts";

export function memoryInvoicing(catalog: Catalog) {
  const journal = memoryJournal();
  const store = memoryBillingStore();
  const invoiceStore = memoryInvoiceStore();
  const world = { now: instantOf("2026-11-05T00:00:00Z", "now"), cut: 1, projected: 0, verified: 0 };
  const deps: InvoicingDeps = {
    store,
    journal,
    invoiceStore,
    catalogAt: () => Promise.resolve(catalog),
    finalizedAt: (seq) => Promise.resolve(stateOf(journal, seq).finalized),
    spansOf: testSpans,
    completeCut: () => {
      world.cut += 1;
      return Promise.resolve(world.cut - 1);
    },
    openRuns: memoryOpenRuns(),
    findRun: (runId) => Promise.resolve(runsOf(journal).find((run) => run.runId === runId) ?? null),
    project: () => {
      world.projected += 1;
      return Promise.resolve();
    },
    now: (): Instant => world.now,
    turn: () => Promise.resolve(),
    readState: () => Promise.resolve(stateOf(journal)),
    verifyForFinalize: () => {
      world.verified += 1;
      return Promise.resolve([]);
    },
  };
  return { deps, journal, store, invoiceStore, world };
}

function memoryOpenRuns(): OpenRuns {
  const runs = new Map<string, OpenRun>();
  const key = ({ period, customers }: Pick<OpenRun, "period" | "customers">) => [period, ...customers].join();
  return {
    find: (scope) => Promise.resolve(runs.get(key(scope)) ?? null),
    record: (run) => {
      runs.set(key(run), run);
      return Promise.resolve();
    },
  };
}

export function runsOf(journal: Pick<MemoryJournal, "entries">): readonly RatingRunEntry[] {
  return journal.entries.flatMap(({ entry }) => (entry.body.kind === "rating.run" ? [entry.body] : []));
}

export function invoicesOf(journal: Pick<MemoryJournal, "entries">): readonly FinalizedInvoice[] {
  return journal.entries.flatMap(({ entry }) => (entry.body.kind === "invoice.finalized" ? [entry.body.invoice] : []));
}

function stateOf({ entries: all }: MemoryJournal, seq = Infinity) {
  const entries = all.filter((entry) => entry.seq <= seq);
  const invoices = invoicesOf({ entries });
  const last = entries.at(-1);
  return {
    head: { seq: last?.seq ?? 0, hash: last?.hash ?? "0".repeat(64) },
    catalogSeq: 0,
    runs: runsOf({ entries }),
    finalized: new Map(invoices.map((invoice) => [invoice.invoiceId, invoice])),
    positions: new Map(invoices.map((invoice) => [invoice.series, invoice.position])),
  };
}
