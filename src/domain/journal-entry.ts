/**
 * The journal: one JetStream stream (`JOURNAL`, one subject `journal`), one hash chain over all of it. An entry is canonical JSON
 * (sorted keys, no white space) whose `prev` is the SHA-256 of its predecessor's bytes. Appending names the last sequence it has seen,
 * so of two concurrent appenders one loses, reads on, and decides again.
 * An apply is many `catalog.version` entries and takes effect by its `catalog.commit`; the other kinds take effect by themselves.
 */
import type { EntityDefinition, EntityKind } from "./catalog.ts";
import type { FinalizedInvoice } from "./invoice.ts";

export const GENESIS_HASH = "0".repeat(64);

export type CatalogVersionEntry = {
  readonly kind: "catalog.version";
  /** Groups the entries of one apply. */
  readonly change: string;
  readonly entity: EntityKind;
  readonly key: string;
  readonly version: number;
  readonly hash: string;
  readonly removed: boolean;
  readonly definition: EntityDefinition[EntityKind];
};

export type CatalogCommitEntry = {
  readonly kind: "catalog.commit";
  readonly change: string;
  readonly versions: number;
};

/** A rating run that was carried out: what it read and the hash over its lines, so that anyone can repeat it. */
export type RatingRunEntry = {
  readonly kind: "rating.run";
  readonly runId: string;
  readonly period: string;
  /** Empty: all customers. */
  readonly customers: readonly string[];
  readonly cut: number;
  /** RFC 3339, when raising the cut began: a run from before a period's end must not be invoiced for the whole of it. */
  readonly cutAt: string;
  readonly catalogSeq: number;
  readonly ratingRev: number;
  readonly lines: number;
  readonly linesHash: string;
};

export type InvoiceFinalizedEntry = { readonly kind: "invoice.finalized"; readonly invoice: FinalizedInvoice };

export type JournalBody = CatalogVersionEntry | CatalogCommitEntry | RatingRunEntry | InvoiceFinalizedEntry;

/** What an entry's bytes say. */
export type JournalEntry = {
  /** SHA-256 of the predecessor's bytes, hex; `GENESIS_HASH` for the first. */
  readonly prev: string;
  /** RFC 3339, when it was recorded; never part of a decision about valid time. */
  readonly recordedAt: string;
  readonly body: JournalBody;
};

/** An entry with its place in the stream. */
export type RecordedEntry = {
  readonly seq: number;
  /** SHA-256 of `bytes`, hex. */
  readonly hash: string;
  readonly bytes: string;
  readonly entry: JournalEntry;
};
