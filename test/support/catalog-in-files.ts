/** Catalog files as tests write them: YAML text by file name, in a directory of their own. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { emptyJournalState, foldJournal, type JournalState } from "../../src/app/catalog/fold-journal.ts";
import type { ApplyPlan } from "../../src/app/catalog/plan-apply.ts";
import type { FinalizedInvoice } from "../../src/domain/invoice.ts";
import type { JournalBody, JournalEntry, RecordedEntry } from "../../src/domain/journal-entry.ts";
import { readCatalogFiles, type ReadCatalog } from "../../src/files/read-catalog-files.ts";
import { canonicalJson } from "../../src/kernel/canonical-json.ts";
import { sha256Hex } from "../../src/kernel/hash.ts";

/** Reads the files as `apply` would; places are relative to their directory. */
export function catalogInFiles(files: Readonly<Record<string, string>>): ReadCatalog {
  const directory = mkdtempSync(join(tmpdir(), "meterline-catalog-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      const path = join(directory, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    const read = readCatalogFiles(directory);
    const problems = read.problems.map(({ at, problem }) => ({ at: placeIn(directory, at), problem }));
    return { ...read, problems, unread: { ...read.unread, problems } };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** `a.yaml:2:5` of a place in the directory, whatever the working directory is. */
function placeIn(directory: string, at: string): string {
  const name = directory.slice(directory.lastIndexOf("/") + 1);
  return at.slice(at.indexOf(`${name}/`) + name.length + 1);
}

/** The state after the bodies, as a journal would hold them. */
export function stateAfter(bodies: readonly JournalBody[], before: JournalState = emptyJournalState()): JournalState {
  return foldJournal(before, entriesOf(bodies, before.head));
}

/** Consecutive entries after a head. */
export function entriesOf(
  bodies: readonly JournalBody[],
  after: JournalState["head"] = emptyJournalState().head,
): RecordedEntry[] {
  let head = after;
  return bodies.map((body) => {
    const entry: JournalEntry = { prev: head.hash, recordedAt: "2026-11-02T00:00:00Z", body };
    const bytes = canonicalJson(entry);
    head = { seq: head.seq + 1, hash: sha256Hex(bytes) };
    return { ...head, bytes, entry };
  });
}

export function bodiesOfPlan(plan: ApplyPlan, change: string): JournalBody[] {
  const versions = plan.versions.map((version) => ({ ...version, change }));
  return [...versions, { kind: "catalog.commit", change, versions: versions.length }];
}

export function finalizedInvoice(
  about: Pick<FinalizedInvoice, "contract" | "periodFrom" | "periodTo" | "position">,
): FinalizedInvoice {
  return {
    ...about,
    invoiceId: `inv_${about.contract}_${about.periodFrom}`,
    customer: "acme",
    currency: "EUR",
    runId: "run_1",
    cut: 1,
    lines: [],
    subtotal: "0.00",
    tax: "0.00",
    total: "0.00",
    merkleRoot: "",
    series: "INV",
    number: `INV-${String(about.position).padStart(6, "0")}`,
    finalizedAt: about.periodTo,
  };
}
