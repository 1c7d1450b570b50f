/**
 * The journal's projections in ClickHouse: catalog versions, rating runs, finalized invoices with their lines, and the entries themselves,
 * which come last and are the watermark. The same code projects into empty tables beside them when verification rebuilds and compares.
 */
import { randomUUID } from "node:crypto";
import type { JournalProjection } from "../app/catalog/project-journal.ts";
import type { Discrepancy } from "../domain/discrepancy.ts";
import type {
  CatalogCommitEntry,
  CatalogVersionEntry,
  RatingRunEntry,
  RecordedEntry,
} from "../domain/journal-entry.ts";
import { assert } from "../kernel/assert.ts";
import { canonicalJson } from "../kernel/canonical-json.ts";
import type { ClickHouse } from "./connect.ts";
import { insertRows } from "./insert-rows.ts";
import {
  FINALIZED_REVISION,
  finalizedRow,
  INVOICE_COLUMNS,
  INVOICE_LINE_COLUMNS,
  invoiceLineRow,
} from "./invoice-row.ts";

/** The projected tables in the order of writing, with the key of a row in a discrepancy and what belongs to the journal. */
const TABLES = [
  {
    name: "catalog_versions",
    columns: "kind, key, version, hash, journal_seq, removed, definition",
    key: "concat(kind, ' ', key, ' version ', toString(version))",
    where: "true",
  },
  {
    name: "rating_runs",
    columns: "run_id, period, customers, cut, catalog_seq, rating_rev, lines, lines_hash, journal_seq, rated_at",
    key: "run_id",
    where: "true",
  },
  {
    name: "invoice_lines",
    columns: INVOICE_LINE_COLUMNS,
    key: "line_id",
    where: `revision = ${FINALIZED_REVISION}`,
  },
  {
    name: "invoices",
    columns: INVOICE_COLUMNS,
    key: "invoice_id",
    // A draft that calls itself final is known to no journal.
    where: `(revision = ${FINALIZED_REVISION} OR status != 'draft' OR number != '')`,
  },
  {
    name: "journal_entries",
    columns: "seq, kind, entry, hash, recorded_at",
    key: "concat('entry ', toString(seq))",
    where: "true",
  },
] as const;
type TableName = (typeof TABLES)[number]["name"];
type Rows = Record<TableName, object[]>;

const DISCREPANCIES_MAX = 100;
const REBUILD_ENTRIES = 1_000;
/** A commit brings all versions of its change at once: as one text a million of them would be longer than a text can be. */
const INSERT_ROWS = 20_000;

export function createJournalProjection(clickhouse: ClickHouse, prefix = "meterline."): JournalProjection {
  return {
    watermark: async () => {
      const rows = await clickhouse.rows<{ seq: string }>({
        sql: `SELECT max(seq) AS seq FROM ${prefix}journal_entries`,
        doing: "reading how far the journal is projected",
      });
      return Number(rows[0]?.seq ?? 0);
    },
    project: (entries) => projectEntries({ clickhouse, prefix, entries }),
  };
}

/** Rebuilds the projections in tables of their own and names every row in which the live ones differ; the tables are dropped afterwards. */
export async function compareProjections(
  clickhouse: ClickHouse,
  entries: AsyncIterable<RecordedEntry>,
): Promise<readonly Discrepancy[]> {
  const prefix = `meterline.rebuilt_${randomUUID().slice(0, 8)}_`;
  try {
    for (const { name } of TABLES) {
      await clickhouse.command({
        sql: `CREATE TABLE ${prefix}${name} AS meterline.${name}`,
        doing: `making a table to rebuild ${name}`,
      });
    }
    let part: RecordedEntry[] = [];
    for await (const entry of entries) {
      part.push(entry);
      if (part.length < REBUILD_ENTRIES) continue;
      await projectEntries({ clickhouse, prefix, entries: part });
      part = [];
    }
    await projectEntries({ clickhouse, prefix, entries: part });
    const found: Discrepancy[] = [];
    for (const table of TABLES) found.push(...(await compareTable(clickhouse, prefix, table)));
    return found;
  } finally {
    for (const { name } of TABLES) {
      await clickhouse.command({ sql: `DROP TABLE IF EXISTS ${prefix}${name}`, doing: `dropping the rebuilt ${name}` });
    }
  }
}

type ProjectInput = {
  readonly clickhouse: ClickHouse;
  /** What stands before a table's name: `meterline.` or that of a rebuild. */
  readonly prefix: string;
  readonly entries: readonly RecordedEntry[];
};

async function projectEntries(input: ProjectInput): Promise<void> {
  const rows: Rows = { catalog_versions: [], rating_runs: [], invoice_lines: [], invoices: [], journal_entries: [] };
  const open = new Map<string, CatalogVersionEntry[]>();
  for (const recorded of input.entries) {
    rows.journal_entries.push(entryRow(recorded));
    const { body } = recorded.entry;
    if (body.kind === "catalog.version") addOpen(open, body);
    else if (body.kind === "catalog.commit") {
      const versions = await committedVersions(input, { commit: body, known: open.get(body.change) ?? [] });
      for (const version of versions) rows.catalog_versions.push(versionRow(version, recorded.seq));
    } else if (body.kind === "rating.run") rows.rating_runs.push(runRow(body, recorded));
    else {
      const { invoice } = body;
      rows.invoices.push(finalizedRow(invoice, recorded.seq));
      rows.invoice_lines.push(
        ...invoice.lines.map((line) => invoiceLineRow({ invoice, revision: FINALIZED_REVISION, line })),
      );
    }
  }
  for (const { name, columns } of TABLES) {
    const sql = `INSERT INTO ${input.prefix}${name} (${columns}) FORMAT JSONEachRow`;
    const doing = `projecting the journal into ${name}`;
    for (let from = 0; from < rows[name].length; from += INSERT_ROWS)
      await insertRows(input.clickhouse, { sql, rows: rows[name].slice(from, from + INSERT_ROWS), doing });
  }
}

function addOpen(open: Map<string, CatalogVersionEntry[]>, version: CatalogVersionEntry): void {
  const ofChange = open.get(version.change);
  if (ofChange === undefined) open.set(version.change, [version]);
  else ofChange.push(version);
}

type CommittedInput = { readonly commit: CatalogCommitEntry; readonly known: readonly CatalogVersionEntry[] };

/** All versions of a change: those at hand, and those of earlier steps. Another projector may have written some of both. */
async function committedVersions(
  input: ProjectInput,
  { commit, known }: CommittedInput,
): Promise<readonly CatalogVersionEntry[]> {
  if (known.length === commit.versions) return known;
  const all = [...(await earlierVersions(input, commit.change)), ...known];
  const versions = new Map(
    all.map((version) => [canonicalJson([version.entity, version.key, version.version]), version]),
  );
  assert(
    versions.size === commit.versions,
    `the commit of change ${commit.change} names ${commit.versions} versions, ${versions.size} are projected: empty the projection of the journal and let it be written again`,
  );
  return [...versions.values()];
}

/** Versions of a change that were projected before their commit was there. */
async function earlierVersions({ clickhouse, prefix }: ProjectInput, change: string): Promise<CatalogVersionEntry[]> {
  const rows = await clickhouse.rows<{ entry: string }>({
    sql: `SELECT entry FROM ${prefix}journal_entries FINAL WHERE kind = 'catalog.version' AND JSONExtractString(entry, 'body', 'change') = {change: String} ORDER BY seq`,
    params: { change },
    doing: "reading the versions of a change",
  });
  return rows.map((row) => (JSON.parse(row.entry) as { readonly body: CatalogVersionEntry }).body);
}

function entryRow({ seq, hash, bytes, entry }: RecordedEntry): object {
  return {
    seq: String(seq),
    kind: entry.body.kind,
    entry: bytes,
    hash,
    recorded_at: millisecondText(entry.recordedAt),
  };
}

function versionRow(version: CatalogVersionEntry, commitSeq: number): object {
  return {
    kind: version.entity,
    key: version.key,
    version: version.version,
    hash: version.hash,
    journal_seq: String(commitSeq),
    removed: version.removed,
    definition: canonicalJson(version.definition),
  };
}

function runRow(run: RatingRunEntry, recorded: RecordedEntry): object {
  return {
    run_id: run.runId,
    period: run.period,
    customers: run.customers,
    cut: run.cut,
    catalog_seq: String(run.catalogSeq),
    rating_rev: run.ratingRev,
    lines: String(run.lines),
    lines_hash: run.linesHash,
    journal_seq: String(recorded.seq),
    rated_at: millisecondText(recorded.entry.recordedAt),
  };
}

function millisecondText(instant: string): string {
  return new Date(instant).toISOString().replace("T", " ").replace("Z", "");
}

/** Names and conditions are constants of this file; rows are compared as a whole, by a hash over all their columns. */
async function compareTable(
  clickhouse: ClickHouse,
  prefix: string,
  table: (typeof TABLES)[number],
): Promise<Discrepancy[]> {
  const side = (origin: string, name: string): string =>
    `SELECT '${origin}' AS origin, ${table.key} AS row_key, sipHash128(tuple(${table.columns})) AS content FROM ${name} FINAL WHERE ${table.where}`;
  const rows = await clickhouse.rows<{ row_key: string; problem: string }>({
    sql: `SELECT row_key, multiIf(countIf(origin = 'stored') = 0, 'the row is missing; the journal has it',
        countIf(origin = 'rebuilt') = 0, 'the journal does not know this row', 'the row is not what the journal gives') AS problem
      FROM (${side("stored", `meterline.${table.name}`)} UNION ALL ${side("rebuilt", `${prefix}${table.name}`)})
      GROUP BY row_key HAVING count() != 2 OR uniqExact(content) != 1
      ORDER BY row_key LIMIT ${DISCREPANCIES_MAX}`,
    doing: `comparing ${table.name} with the journal`,
  });
  return rows.map((row) => ({ check: "projections", table: table.name, key: row.row_key, problem: row.problem }));
}
