/** Brings the projections in ClickHouse up to the journal's head. Safe to repeat and to run twice at once: rows are replaced by the same rows. */
import type { RecordedEntry } from "../../domain/journal-entry.ts";
import type { Journal } from "../ports.ts";

export type JournalProjection = {
  /** Sequence of the last entry that was projected completely. */
  watermark(): Promise<number>;
  /** Projects consecutive entries; the watermark moves last. */
  project(entries: readonly RecordedEntry[]): Promise<void>;
};

export type ProjectJournalDeps = { readonly journal: Journal; readonly projection: JournalProjection };

/** Entries per step: bounds the memory and what a crash makes to be done again. */
const PROJECT_ENTRIES = 1_000;

export async function projectJournal({ journal, projection }: ProjectJournalDeps): Promise<void> {
  const { seq } = await journal.head();
  let entries: RecordedEntry[] = [];
  for await (const entry of journal.read({ after: await projection.watermark(), upTo: seq })) {
    entries.push(entry);
    if (entries.length < PROJECT_ENTRIES) continue;
    await projection.project(entries);
    entries = [];
  }
  if (entries.length > 0) await projection.project(entries);
}
