/** The journal's projections in the real engine: what the journal says, however often and in what steps it is projected. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { projectJournal } from "../../../src/app/catalog/project-journal.ts";
import { connectClickHouse, type ClickHouse } from "../../../src/clickhouse/connect.ts";
import { compareProjections, createJournalProjection } from "../../../src/clickhouse/journal-projection.ts";
import { migrate } from "../../../src/clickhouse/migrate.ts";
import type { InvoiceLine } from "../../../src/domain/invoice.ts";
import type { JournalBody } from "../../../src/domain/journal-entry.ts";
import { entriesOf, finalizedInvoice } from "../../support/catalog-in-files.ts";
import { memoryJournal } from "../../support/memory-journal.ts";
import { startTestServers, type TestServers } from "../../support/servers.ts";

const TABLES = ["journal_entries", "catalog_versions", "rating_runs", "invoices", "invoice_lines"] as const;
const FAR = 2_500;
/** More than a call takes as arguments. */
const MANY = 130_000;

let servers: TestServers;
let clickhouse: ClickHouse;

beforeAll(async () => {
  servers = await startTestServers();
  clickhouse = connectClickHouse({ url: servers.clickhouseUrl, user: "default", password: "" });
  await migrate(clickhouse);
});

beforeEach(async () => {
  for (const table of TABLES) await clickhouse.command({ sql: `TRUNCATE TABLE meterline.${table}`, doing: "emptying" });
});

afterAll(async () => {
  await clickhouse.close();
  await servers.stop();
});

const customer = (key: string, change: string, version = 1): JournalBody => ({
  kind: "catalog.version",
  change,
  entity: "customer",
  key,
  version,
  hash: `hash of ${key} ${version}`,
  removed: false,
  definition: { key, name: `${key} ${version}`, aliases: [], currency: "EUR", timeZone: "UTC" },
});
const commit = (change: string, versions: number): JournalBody => ({ kind: "catalog.commit", change, versions });
const RUN: JournalBody = {
  kind: "rating.run",
  runId: "run_1",
  period: "2026-10",
  customers: ["acme"],
  cut: 3,
  cutAt: "2026-11-02T00:00:00Z",
  catalogSeq: 3,
  ratingRev: 1,
  lines: 1,
  linesHash: "ab",
};
const LINE: InvoiceLine = {
  lineId: "inv_1-1",
  lineNumber: 1,
  description: "Output",
  runId: "run_1",
  ratedLineId: "acme-2026/1/2026-10-01T00:00:00Z/output",
  contract: "acme-2026",
  contractVersion: 1,
  contractHash: "cd",
  price: "output",
  meter: "out",
  where: { model: "small" },
  periodFrom: "2026-10-01T00:00:00Z",
  periodTo: "2026-11-01T00:00:00Z",
  quantity: "123456789012345678901234567890.000000000000000001",
  amount: "12.34",
  amountExact: "12.340000000000000000000001",
  eventCount: "18446744073709551615",
  shardRanges: [{ shard: 0, incarnation: "1764000000000000000", firstSeq: "1", lastSeq: "9007199254740993" }],
  eventsDigest: (2n ** 256n - 1n).toString(),
  cut: 3,
  ratingRev: 1,
  ratedLineHash: "ef",
};
const PERIOD = { periodFrom: "2026-10-01T00:00:00Z", periodTo: "2026-11-01T00:00:00Z" };
const INVOICE: JournalBody = {
  kind: "invoice.finalized",
  invoice: { ...finalizedInvoice({ contract: "acme-2026", ...PERIOD, position: 1 }), lines: [LINE], total: "12.34" },
};
const BODIES = [
  customer("acme", "a"),
  customer("beta", "a"),
  commit("a", 2),
  customer("gone", "died half way"),
  customer("acme", "b", 2),
  commit("b", 1),
  RUN,
  INVOICE,
];

async function journalOf(bodies: readonly JournalBody[]) {
  const journal = memoryJournal();
  await journal.append({ head: await journal.head(), bodies });
  return journal;
}

const rowsOf = (sql: string): Promise<unknown[]> => clickhouse.rows({ sql, doing: "reading" });
const countOf = async (table: string): Promise<string> =>
  (
    await clickhouse.rows<{ n: string }>({
      sql: `SELECT toString(count()) AS n FROM meterline.${table} FINAL`,
      doing: "counting",
    })
  )[0]?.n ?? "";
const compare = async (journal: Awaited<ReturnType<typeof journalOf>>) =>
  compareProjections(clickhouse, journal.read({ after: 0, upTo: journal.entries.length }));

describe("projecting", () => {
  // Guarantee: what has no commit takes no effect, and every digit arrives.
  test("writes what took effect", async () => {
    const journal = await journalOf(BODIES);
    await projectJournal({ journal, projection: createJournalProjection(clickhouse) });
    expect(
      await rowsOf(
        "SELECT key, version, toString(journal_seq) AS seq, JSONExtractString(definition, 'name') AS name FROM meterline.catalog_versions FINAL ORDER BY key, version",
      ),
    ).toEqual([
      { key: "acme", version: 1, seq: "3", name: "acme 1" },
      { key: "acme", version: 2, seq: "6", name: "acme 2" },
      { key: "beta", version: 1, seq: "3", name: "beta 1" },
    ]);
    expect(
      await rowsOf(
        "SELECT number, status, toString(total) AS total, toString(revision) AS revision, toString(journal_seq) AS seq FROM meterline.invoices FINAL",
      ),
    ).toEqual([
      { number: "INV-000001", status: "finalized", total: "12.34", revision: "18446744073709551615", seq: "8" },
    ]);
    expect(
      await rowsOf(
        "SELECT toString(quantity) AS quantity, toString(amount_exact) AS exact, toString(event_count) AS events, toString(events_digest) AS digest, toString(shard_ranges) AS ranges FROM meterline.invoice_lines FINAL",
      ),
    ).toEqual([
      {
        quantity: LINE.quantity,
        exact: LINE.amountExact,
        events: LINE.eventCount,
        digest: LINE.eventsDigest,
        ranges: "[(0,1764000000000000000,1,9007199254740993)]",
      },
    ]);
    expect(await countOf("rating_runs")).toBe("1");
    expect(await createJournalProjection(clickhouse).watermark()).toBe(BODIES.length);
    expect(await compare(journal)).toEqual([]);
  });

  // Guarantee: a projector that dies after any entry, is repeated or has company leaves the same rows.
  test("in any steps, again and at once it gives the same", async () => {
    const journal = await journalOf(BODIES);
    const projection = createJournalProjection(clickhouse);
    for (const entry of entriesOf(BODIES)) await projection.project([entry]);
    await projection.project(entriesOf(BODIES).slice(0, 5));
    await Promise.all([1, 2, 3].map(() => projection.project(entriesOf(BODIES))));
    expect(await compare(journal)).toEqual([]);
    expect(await Promise.all(TABLES.map(countOf))).toEqual(["8", "3", "1", "1", "1"]);
  });

  test("a change that is larger than a step, and one that waits for its commit", async () => {
    const keys = Array.from({ length: FAR }, (_, index) => `c-${index}`);
    const versions = keys.map((key) => customer(key, "big"));
    const journal = await journalOf(versions);
    const deps = { journal, projection: createJournalProjection(clickhouse) };
    await projectJournal(deps);
    expect(await countOf("catalog_versions")).toBe("0");
    await journal.append({ head: await journal.head(), bodies: [commit("big", FAR)] });
    await projectJournal(deps);
    expect(await countOf("catalog_versions")).toBe(String(FAR));
    expect(await compare(journal)).toEqual([]);
  });

  // Guarantee: an apply of any size that is in the journal takes effect: its projection does not fail for ever.
  test("a change of more versions than a call takes arguments", async () => {
    const versions = Array.from({ length: MANY }, (_, index) => customer(`c-${index}`, "big"));
    await createJournalProjection(clickhouse).project(entriesOf([...versions, commit("big", MANY)]));
    expect(await countOf("catalog_versions")).toBe(String(MANY));
    expect(await createJournalProjection(clickhouse).watermark()).toBe(MANY + 1);
  });

  // Guarantee: a projection that lacks versions is never taken for complete.
  test("a commit whose versions are not there is refused, and the watermark stays", async () => {
    const projection = createJournalProjection(clickhouse);
    const [first, , third] = entriesOf(BODIES);
    await projection.project(first === undefined ? [] : [first]);
    await expect(projection.project(third === undefined ? [] : [third])).rejects.toThrow(
      /names 2 versions, 1 are projected/,
    );
    expect(await projection.watermark()).toBe(1);
  });
});

describe("comparing with a rebuild", () => {
  test.each([
    [
      "catalog_versions",
      "definition = '{}'",
      "key = 'beta'",
      "customer beta version 1",
      "the row is not what the journal gives",
    ],
    ["catalog_versions", "", "key = 'beta'", "customer beta version 1", "the row is missing; the journal has it"],
    ["rating_runs", "lines_hash = 'xx'", "run_id = 'run_1'", "run_1", "the row is not what the journal gives"],
    [
      "invoices",
      "total = 12.35",
      "status = 'finalized'",
      "inv_acme-2026_2026-10-01T00:00:00Z",
      "the row is not what the journal gives",
    ],
    ["invoice_lines", "amount = 0", "line_id = 'inv_1-1'", "inv_1-1", "the row is not what the journal gives"],
    ["journal_entries", "entry = '{}'", "seq = 4", "entry 4", "the row is not what the journal gives"],
    ["journal_entries", "", "seq = 4", "entry 4", "the row is missing; the journal has it"],
  ])("%s with %s where %s is found", async (table, change, where, key, problem) => {
    const journal = await journalOf(BODIES);
    await projectJournal({ journal, projection: createJournalProjection(clickhouse) });
    const sql = change === "" ? `DELETE WHERE ${where}` : `UPDATE ${change} WHERE ${where}`;
    await clickhouse.command({
      sql: `ALTER TABLE meterline.${table} ${sql} SETTINGS mutations_sync = 2`,
      doing: "tampering",
    });
    expect(await compare(journal)).toEqual([{ check: "projections", table, key, problem }]);
  });

  test("a row that the journal does not know is found", async () => {
    const journal = await journalOf(BODIES);
    await projectJournal({ journal, projection: createJournalProjection(clickhouse) });
    await clickhouse.command({
      sql: "INSERT INTO meterline.catalog_versions SELECT kind, 'invented', version, hash, journal_seq, removed, definition FROM meterline.catalog_versions WHERE key = 'beta'",
      doing: "tampering",
    });
    expect(await compare(journal)).toEqual([
      {
        check: "projections",
        table: "catalog_versions",
        key: "customer invented version 1",
        problem: "the journal does not know this row",
      },
    ]);
  });

  test("nothing of a rebuild stays", async () => {
    await compare(await journalOf(BODIES));
    expect(
      await rowsOf("SELECT name FROM system.tables WHERE database = 'meterline' AND name LIKE 'rebuilt%'"),
    ).toEqual([]);
  });
});
