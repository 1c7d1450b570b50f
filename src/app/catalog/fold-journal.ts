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
import { AppError } from "../../kernel/errors.ts";

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
    catalog: {
      seq: 0,
      eventTypes: new Map(),
      meters: new Map(),
      customers: new Map(),
      rateCards: new Map(),
      contracts: new Map(),
    },
    catalogSeq: 0,
    runs: new Map(),
    finalized: new Map(),
    positions: new Map(),
    pending: new Map(),
  };
}

/** The state after the entries, which follow the state's head without a gap. The given state stays as it is. */
export function foldJournal(state: JournalState, entries: Iterable<RecordedEntry>): JournalState {
  const fold = startFold(state);
  for (const entry of entries) fold.add(entry);
  return fold.state();
}

export type JournalFold = {
  /** The next entry. */
  readonly add: (entry: RecordedEntry) => void;
  /** The state after all of them, with which the fold ends. */
  readonly state: () => JournalState;
};

/** Entry by entry. Starting copies the whole state, so whoever reads a long journal starts once. */
export function startFold(state: JournalState): JournalFold {
  let draft: (Draft & JournalState) | null = null;
  return {
    add: (entry) => {
      draft ??= draftOf(state);
      foldEntry(draft, entry);
    },
    state: () => (draft === null ? state : { ...draft, catalog: { ...draft.catalog, seq: draft.head.seq } }),
  };
}

/** The catalog with further versions, which take effect at `seq`. The given catalog stays as it is. */
export function withVersions(catalog: Catalog, versions: readonly VersionToAdd[], seq: number): Catalog {
  const rooms = roomsOf(catalog);
  addVersions(rooms, versions, seq);
  return { ...rooms, seq } as unknown as Catalog;
}

type VersionToAdd = Omit<CatalogVersionEntry, "change">;
type Rooms = { [Room in CatalogRoom]: Map<string, readonly EntityVersion[]> };
type Draft = {
  head: JournalState["head"];
  catalog: { seq: number } & Rooms;
  catalogSeq: number;
  runs: Map<string, RatingRunEntry>;
  finalized: Map<string, FinalizedInvoice>;
  positions: Map<string, number>;
  pending: Map<string, CatalogVersionEntry[]>;
};
type CatalogRoom = "eventTypes" | "meters" | "customers" | "rateCards" | "contracts";

const ROOM_OF_KIND = {
  event_type: "eventTypes",
  meter: "meters",
  customer: "customers",
  rate_card: "rateCards",
  contract: "contracts",
} as const satisfies Record<EntityKind, CatalogRoom>;

/** Everything that grows is copied once per fold, so that folding entry by entry into it is cheap. */
function draftOf(state: JournalState): Draft & JournalState {
  const draft = {
    ...state,
    catalog: { seq: state.catalog.seq, ...roomsOf(state.catalog) },
    runs: new Map(state.runs),
    finalized: new Map(state.finalized),
    positions: new Map(state.positions),
    pending: new Map([...state.pending].map(([change, versions]) => [change, [...versions]])),
  };
  return draft as unknown as Draft & JournalState;
}

function roomsOf(catalog: Catalog): Rooms {
  return {
    eventTypes: new Map(catalog.eventTypes),
    meters: new Map(catalog.meters),
    customers: new Map(catalog.customers),
    rateCards: new Map(catalog.rateCards),
    contracts: new Map(catalog.contracts),
  };
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
      addPending(draft, body);
      return;
    case "catalog.commit":
      commitChange(draft, body, seq);
      return;
    case "rating.run":
      draft.runs.set(body.runId, body);
      return;
    case "invoice.finalized":
      finalizeInvoice(draft, body.invoice, seq);
      return;
    default:
      throw unknownKind(seq, body);
  }
}

function addPending(draft: Draft, version: CatalogVersionEntry): void {
  const pending = draft.pending.get(version.change);
  if (pending === undefined) draft.pending.set(version.change, [version]);
  else pending.push(version);
}

function commitChange(draft: Draft, commit: CatalogCommitEntry, seq: number): void {
  const versions = draft.pending.get(commit.change) ?? [];
  assert(
    versions.length === commit.versions,
    `journal entry ${String(seq)} commits ${String(commit.versions)} versions, ${String(versions.length)} are there`,
    { seq },
  );
  addVersions(draft.catalog, versions, seq);
  draft.pending.delete(commit.change);
  draft.catalogSeq = seq;
}

function addVersions(rooms: Rooms, versions: readonly VersionToAdd[], seq: number): void {
  for (const { entity, key, version, hash, removed, definition } of versions) {
    const room = rooms[ROOM_OF_KIND[entity]];
    const earlier = room.get(key) ?? [];
    assert(
      version === earlier.length + 1,
      `journal entry ${String(seq)} makes version ${String(version)} of ${entity} ${key} after ${String(earlier.length)}`,
      { seq },
    );
    room.set(key, [...earlier, { kind: entity, key, version, hash, journalSeq: seq, removed, definition }]);
  }
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

/** A decision that this release does not know must not be left out of what it computes. */
function unknownKind(seq: number, body: never): AppError {
  return new AppError({
    code: "JOURNAL_ENTRY_UNKNOWN",
    kind: "settings",
    message: `Journal entry ${String(seq)} is of the kind "${String((body as { readonly kind?: unknown }).kind)}", which this release does not know: use the release that wrote it, or a newer one`,
    details: { seq },
  });
}
