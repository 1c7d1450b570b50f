/**
 * What the journal says up to a sequence: the catalog, the rating runs and the finalized invoices. A pure fold, so that every reader that has
 * read as far sees the same. Versions of an apply wait until its commit; an apply that died half way never takes effect.
 */
import type { Catalog, EntityKind, EntityVersion } from "../../domain/catalog.ts";
import type { FinalizedInvoice } from "../../domain/invoice.ts";
import {
  GENESIS_HASH,
  type CatalogCommitEntry,
  type CatalogVersionEntry,
  type RatingRunEntry,
  type RecordedEntry,
} from "../../domain/journal-entry.ts";
import { assert } from "../../kernel/assert.ts";

export type JournalState = {
  readonly head: { readonly seq: number; readonly hash: string };
  readonly catalog: Catalog;
  /** Sequence of the last catalog commit. */
  readonly catalogSeq: number;
  /** By run id, oldest first. */
  readonly runs: ReadonlyMap<string, RatingRunEntry>;
  /** By invoice id. */
  readonly finalized: ReadonlyMap<string, FinalizedInvoice>;
  /** Last position by series. */
  readonly positions: ReadonlyMap<string, number>;
  /** Versions that wait for their commit, by change. */
  readonly pending: ReadonlyMap<string, readonly CatalogVersionEntry[]>;
};

export function emptyJournalState(): JournalState {
  return {
    head: { seq: 0, hash: GENESIS_HASH },
    catalog: { seq: 0, meters: new Map(), customers: new Map(), rateCards: new Map(), contracts: new Map() },
    catalogSeq: 0,
    runs: new Map(),
    finalized: new Map(),
    positions: new Map(),
    pending: new Map(),
  };
}

/** The state after the entries, which follow the state's head without a gap. The given state stays as it is. */
export function foldJournal(state: JournalState, entries: readonly RecordedEntry[]): JournalState {
  if (entries.length === 0) return state;
  const draft = draftOf(state);
  for (const entry of entries) foldEntry(draft, entry);
  return { ...draft, catalog: { ...draft.catalog, seq: draft.head.seq } };
}

type Draft = {
  head: JournalState["head"];
  catalog: { seq: number } & { [Room in CatalogRoom]: Map<string, readonly EntityVersion[]> };
  catalogSeq: number;
  runs: Map<string, RatingRunEntry>;
  finalized: Map<string, FinalizedInvoice>;
  positions: Map<string, number>;
  pending: Map<string, readonly CatalogVersionEntry[]>;
};
type CatalogRoom = "meters" | "customers" | "rateCards" | "contracts";

const ROOM_OF_KIND = {
  meter: "meters",
  customer: "customers",
  rate_card: "rateCards",
  contract: "contracts",
} as const satisfies Record<EntityKind, CatalogRoom>;

function draftOf(state: JournalState): Draft & JournalState {
  const { catalog } = state;
  const draft = {
    ...state,
    catalog: {
      seq: catalog.seq,
      meters: new Map(catalog.meters),
      customers: new Map(catalog.customers),
      rateCards: new Map(catalog.rateCards),
      contracts: new Map(catalog.contracts),
    },
    runs: new Map(state.runs),
    finalized: new Map(state.finalized),
    positions: new Map(state.positions),
    pending: new Map(state.pending),
  };
  return draft;
}

function foldEntry(draft: Draft, { seq, hash, entry }: RecordedEntry): void {
  assert(
    seq === draft.head.seq + 1 && entry.prev === draft.head.hash,
    `journal entry ${String(seq)} does not follow entry ${String(draft.head.seq)}`,
    { seq },
  );
  draft.head = { seq, hash };
  const { body } = entry;
  switch (body.kind) {
    case "catalog.version":
      draft.pending.set(body.change, [...(draft.pending.get(body.change) ?? []), body]);
      return;
    case "catalog.commit":
      commitChange(draft, body, seq);
      return;
    case "rating.run":
      draft.runs.set(body.runId, body);
      return;
    case "invoice.finalized":
      finalizeInvoice(draft, body.invoice, seq);
  }
}

function commitChange(draft: Draft, commit: CatalogCommitEntry, seq: number): void {
  const versions = draft.pending.get(commit.change) ?? [];
  assert(
    versions.length === commit.versions,
    `journal entry ${String(seq)} commits ${String(commit.versions)} versions, ${String(versions.length)} are there`,
    { seq },
  );
  for (const { entity, key, version, hash, removed, definition } of versions) {
    const room = draft.catalog[ROOM_OF_KIND[entity]];
    const earlier = room.get(key) ?? [];
    assert(
      version === earlier.length + 1,
      `journal entry ${String(seq)} makes version ${String(version)} of ${entity} ${key} after ${String(earlier.length)}`,
      { seq },
    );
    room.set(key, [...earlier, { kind: entity, key, version, hash, journalSeq: seq, removed, definition }]);
  }
  draft.pending.delete(commit.change);
  draft.catalogSeq = seq;
}

function finalizeInvoice(draft: Draft, invoice: FinalizedInvoice, seq: number): void {
  const { series, position, invoiceId } = invoice;
  assert(
    position === (draft.positions.get(series) ?? 0) + 1,
    `journal entry ${String(seq)} leaves a gap in series ${series} before ${String(position)}`,
    { seq },
  );
  assert(!draft.finalized.has(invoiceId), `journal entry ${String(seq)} finalizes ${invoiceId} again`, { seq });
  draft.positions.set(series, position);
  draft.finalized.set(invoiceId, invoice);
}
