/**
 * Every table that a bill rests on, with one row changed behind Meterline's back: verification names the table and the row. Rows are changed
 * as somebody with access to ClickHouse would, and put back partition by partition, so that no view sees an insert.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { GENESIS_HASH } from "../../../src/domain/journal-entry.ts";
import { canonicalJson } from "../../../src/kernel/canonical-json.ts";
import { AppError } from "../../../src/kernel/errors.ts";
import { JOURNAL_SUBJECT } from "../../../src/stream/ensure-streams.ts";
import { startBilledWorld, type BilledWorld } from "../../support/billed-world.ts";

const TABLES = [
  "usage_events_raw",
  "event_keys",
  "usage_events",
  "usage_windows",
  "usage_window_extremes",
  "usage_window_latest",
  "usage_window_levels",
  "usage_unique_values",
  "sink_batches",
  "rated_lines",
  "rating_runs",
  "invoice_lines",
  "invoices",
  "journal_entries",
  "catalog_versions",
] as const;
type Table = (typeof TABLES)[number];

/** Keys of rows as verification names them. */
const POSITION = "concat(toString(shard), '/', toString(incarnation), '/', toString(seq), '/', toString(position))";
const MESSAGE = "concat(toString(shard), '/', toString(incarnation), '/', toString(seq))";
const IDENTITY = `concat(toString(event_key), ' (', ${POSITION}, ')')`;
const STATE = "' cut ', toString(cut), ' shard ', toString(shard), '/', toString(incarnation)";
const WINDOW = `concat(meter, ' ', customer, ' ', formatDateTime(window_start, '%FT%TZ', 'UTC'), ' ', toString(dimensions), ${STATE})`;
const DAY_VALUE = `concat(meter, ' ', customer, ' ', toString(day), ' ', toString(value_hash), ' ', toString(dimensions), ${STATE})`;
const BATCH = "concat(toString(shard), '/', toString(incarnation), '/', toString(first), '-', toString(last))";
const RATED_LINE = "concat(run_id, ' ', line_id)";
const VERSION = "concat(kind, ' ', key, ' version ', toString(version))";

type Tampering = {
  readonly what: string;
  readonly table: Table;
  readonly key: string;
  /** Which row; the first in the order of its key that fits. */
  readonly where?: string;
  /** What happens to it: an UPDATE's assignment, or the row is deleted. */
  readonly set?: string;
  /** Tables that follow from this one, so that they disagree too. */
  readonly follow?: readonly Table[];
};

const UNREPEATED = "event_key NOT IN (SELECT event_key FROM meterline.usage_events_raw WHERE verdict != 'accepted')";
const FINALIZED = "revision = (SELECT max(revision) FROM meterline.invoices)";

const TAMPERINGS: readonly Tampering[] = [
  {
    what: "other bytes of an event",
    table: "usage_events_raw",
    key: POSITION,
    where: "verdict = 'accepted' AND position(raw, '\"outputTokens\":') > 0",
    set: "raw = replaceOne(raw, '\"outputTokens\":', '\"outputTokens\":1')",
    follow: ["usage_events"],
  },
  {
    what: "another verdict",
    table: "usage_events_raw",
    key: POSITION,
    where: `verdict = 'accepted' AND ${UNREPEATED}`,
    set: "verdict = 'rejected'",
    follow: ["event_keys", "usage_events"],
  },
  {
    what: "an event of a message taken away",
    table: "usage_events_raw",
    key: MESSAGE,
    where: "position = 0 AND verdict = 'accepted'",
    follow: ["event_keys", "usage_events"],
  },
  {
    what: "another body hash",
    table: "event_keys",
    key: IDENTITY,
    where: UNREPEATED,
    set: "body_hash = body_hash + 1",
  },
  { what: "an identity taken away", table: "event_keys", key: IDENTITY, where: UNREPEATED },
  {
    what: "another quantity",
    table: "usage_events",
    key: `concat(${POSITION}, ' ', meter)`,
    where: "aggregation = 'sum'",
    set: "quantity = quantity + 1",
    follow: ["usage_windows"],
  },
  {
    what: "an event taken away",
    table: "usage_events",
    key: `concat(${POSITION}, ' ', meter)`,
    where: "aggregation = 'unique_count'",
    follow: ["usage_windows", "usage_unique_values"],
  },
  { what: "another sum", table: "usage_windows", key: WINDOW, set: "quantity_sum = quantity_sum + 1" },
  { what: "another count", table: "usage_windows", key: WINDOW, set: "event_count = event_count + 1" },
  { what: "another digest", table: "usage_windows", key: WINDOW, set: "events_digest = events_digest + 1" },
  { what: "a window taken away", table: "usage_windows", key: WINDOW },
  { what: "another minimum", table: "usage_window_extremes", key: WINDOW, set: "minimum = minimum - 1" },
  { what: "another maximum", table: "usage_window_extremes", key: WINDOW, set: "maximum = maximum + 1" },
  {
    what: "another latest value",
    table: "usage_window_latest",
    key: WINDOW,
    set: "latest = (latest.1, latest.2, latest.3, latest.4 + 1)",
  },
  { what: "another level", table: "usage_window_levels", key: WINDOW, set: "delta_sum = delta_sum + 1" },
  { what: "another moment", table: "usage_window_levels", key: WINDOW, set: "delta_moment = delta_moment + 1" },
  { what: "a value taken away", table: "usage_unique_values", key: DAY_VALUE },
  {
    what: "another first window",
    table: "usage_unique_values",
    key: DAY_VALUE,
    set: "first_window = first_window - 900",
  },
  {
    what: "another count",
    table: "sink_batches",
    key: BATCH,
    set: "accepted = accepted + 1",
    follow: ["usage_events_raw"],
  },
  {
    what: "another number of messages",
    table: "sink_batches",
    key: BATCH,
    set: "messages = messages + 1",
    follow: ["usage_events_raw"],
  },
  { what: "another cut", table: "sink_batches", key: BATCH, set: "cut = cut + 1" },
  { what: "another amount", table: "rated_lines", key: RATED_LINE, set: "amount = amount + 1" },
  { what: "another hash", table: "rated_lines", key: RATED_LINE, set: "line_hash = repeat('0', 64)" },
  { what: "a line taken away", table: "rated_lines", key: RATED_LINE },
  { what: "another hash of the lines", table: "rating_runs", key: "run_id", set: "lines_hash = repeat('0', 64)" },
  { what: "another amount", table: "invoice_lines", key: "line_id", where: FINALIZED, set: "amount = amount + 1" },
  { what: "another total", table: "invoices", key: "invoice_id", where: FINALIZED, set: "total = total + 1" },
  { what: "an invoice taken away", table: "invoices", key: "invoice_id", where: FINALIZED },
  {
    what: "a draft made final",
    table: "invoices",
    key: "invoice_id",
    where: "status = 'draft' AND customer = 'initech'",
    set: "status = 'finalized', number = 'INV-000099'",
  },
  {
    what: "another text",
    table: "journal_entries",
    key: "concat('entry ', toString(seq))",
    set: "entry = replaceOne(entry, 'recordedAt', 'recordedAT')",
  },
  {
    what: "another definition",
    table: "catalog_versions",
    key: VERSION,
    where: "kind = 'rate_card'",
    set: 'definition = replaceOne(definition, \'"unitAmount":"\', \'"unitAmount":"9\')',
  },
];

/** The windows' checks compare with usage_events; rating reads the windows, so a changed one may give other rated lines as well. */
const WINDOWS: ReadonlySet<Table> = new Set(TABLES.slice(3, 8));

let world: BilledWorld;
let touched = new Set<Table>();

beforeAll(async () => {
  world = await startBilledWorld(["acme", "globex"]);
  await world.command("CREATE DATABASE saved");
  for (const table of TABLES) {
    await world.command(`CREATE TABLE saved.${table} AS meterline.${table}`);
    for (const partition of await partitionsOf("meterline", table))
      await world.command(`ALTER TABLE saved.${table} ATTACH PARTITION ID '${partition}' FROM meterline.${table}`);
  }
});

afterEach(async () => {
  for (const table of touched) await restore(table);
  touched = new Set();
});

afterAll(async () => {
  await world?.stop();
});

async function partitionsOf(database: string, table: Table): Promise<string[]> {
  const rows = await world.services.clickhouse.rows<{ partition_id: string }>({
    sql: "SELECT DISTINCT partition_id FROM system.parts WHERE database = {database: String} AND table = {table: String} AND active",
    params: { database, table },
    doing: "listing partitions",
  });
  return rows.map((row) => row.partition_id);
}

async function restore(table: Table): Promise<void> {
  for (const partition of await partitionsOf("meterline", table))
    await world.command(`ALTER TABLE meterline.${table} DROP PARTITION ID '${partition}'`);
  for (const partition of await partitionsOf("saved", table))
    await world.command(`ALTER TABLE meterline.${table} ATTACH PARTITION ID '${partition}' FROM saved.${table}`);
}

/** Changes one row that no earlier tampering has touched, and gives its key. */
async function tamper(
  { table, key, where = "true", set }: Omit<Tampering, "what">,
  earlier: readonly string[],
): Promise<string> {
  touched.add(table);
  const quoted = (text: string): string => `'${text.replaceAll("'", "\\'")}'`;
  const fits = `(${where}) AND ${key} NOT IN (${["", ...earlier].map(quoted).join(", ")})`;
  const row = await world.value(`SELECT min(${key}) FROM meterline.${table} WHERE ${fits}`);
  const rowIs = `(${where}) AND ${key} = ${quoted(row)}`;
  expect(Number(await world.value(`SELECT count() FROM meterline.${table} WHERE ${rowIs}`))).toBe(1);
  await world.command(
    `ALTER TABLE meterline.${table} ${set === undefined ? "DELETE" : `UPDATE ${set}`} WHERE ${rowIs}`,
  );
  return row;
}

test("as it is, nothing is found", async () => {
  expect(await world.verify()).toEqual([]);
});

// Guarantee: a long stream is checked range by range, and a range may end in the middle of a batch.
test.each([5, 11])("in ranges of %i messages nothing is found either", async (messages) => {
  const { store } = world.services.verify(() => undefined);
  const ranged = store.checks().filter(({ scope }) => scope === "per_range");
  expect(ranged.length).toBeGreaterThan(0);
  for (const span of await store.shardSpans())
    for (let first = span.first; first <= span.last; first += messages) {
      const range = { ...span, first, last: Math.min(span.last, first + messages - 1), limit: 10 };
      for (const { name } of ranged) expect(await store.runCheck(name, range)).toEqual([]);
    }
});

// Guarantee: no row that a bill follows from can change without being named by its table and key, and besides only what follows from it is named.
test.each([...Map.groupBy(TAMPERINGS, ({ table }) => table)])("%s: every changed row is named", async (table, own) => {
  const keys: string[] = [];
  for (const tampering of own) keys.push(await tamper(tampering, keys));
  const found = await world.verify();
  const named = new Set(found.map((item) => `${item.table} ${item.key}`));
  const unnamed = own.filter((_, index) => !named.has(`${table} ${keys[index] ?? ""}`));
  expect(unnamed.map(({ what }) => what)).toEqual([]);
  const follow = own.flatMap((tampering) => tampering.follow ?? []);
  const allowed = new Set<string>([table, ...follow, ...(WINDOWS.has(table) ? ["rated_lines"] : [])]);
  expect(found.filter((item) => !allowed.has(item.table))).toEqual([]);
});

/** Rows of a stream or a place in it that no batch has: copied from a real one, so that everything else about them is right. */
const FOREIGN: readonly { readonly table: Table; readonly replace: string; readonly key: string }[] = [
  { table: "event_keys", replace: "toUInt16(9) AS shard", key: IDENTITY },
  { table: "event_keys", replace: "toUInt128(7) AS event_key", key: IDENTITY },
  { table: "event_keys", replace: "toUInt64(0) AS seq", key: IDENTITY },
  { table: "event_keys", replace: "toUInt64(5) AS incarnation", key: IDENTITY },
  { table: "usage_events_raw", replace: "toUInt16(9) AS shard", key: POSITION },
  {
    table: "usage_events_raw",
    replace: "toUInt64(seq + 1000000) AS seq",
    key: POSITION,
  },
  {
    table: "usage_events",
    replace: "toUInt64(5) AS incarnation",
    key: `concat(${POSITION}, ' ', meter)`,
  },
  {
    table: "usage_events",
    replace: "toUInt64(seq + 1000000) AS seq",
    key: `concat(${POSITION}, ' ', meter)`,
  },
];

// Guarantee: usage that no message stands behind is found wherever it says it came from; in usage_events it comes with all its windows.
test.each([...Map.groupBy(FOREIGN, ({ table }) => table)])("%s: rows of nowhere are named", async (table, own) => {
  touched = new Set(table === "usage_events" ? TABLES.slice(2, 8) : [table]);
  const rows: string[] = [];
  for (const [index, { replace, key }] of own.entries()) {
    const copy = `SELECT * REPLACE (${replace}) FROM saved.${table} ORDER BY seq, position LIMIT 1 OFFSET ${index}`;
    rows.push(`${table} ${await world.value(`SELECT ${key} FROM (${copy})`)}`);
    await world.command(`INSERT INTO meterline.${table} ${copy}`);
  }
  const found = await world.verify();
  expect(found.map((item) => `${item.table} ${item.key}`)).toEqual(expect.arrayContaining(rows));
});

// Guarantee: no usage vanishes by a retraction that no event asked for.
test("usage_retractions: a row of nowhere is named", async () => {
  const copy =
    "SELECT meter, customer, window_start, source, id, cut, shard, incarnation, seq FROM saved.usage_events LIMIT 1";
  await world.command(`INSERT INTO meterline.usage_retractions ${copy}`);
  const found = await world.verify();
  await world.command("TRUNCATE TABLE meterline.usage_retractions");
  expect(found.filter((item) => item.table === "usage_retractions")).toHaveLength(1);
});

test("and put back, nothing is found again", async () => {
  expect(await world.verify()).toEqual([]);
});

// Guarantee: what is wrong is never billed.
test("finalize refuses over changed usage and names it", async () => {
  const key = await tamper({ table: "usage_windows", key: WINDOW, set: "quantity_sum = quantity_sum + 1" }, []);
  const error = await rejection(world.finalize(["initech"]));
  expect(error).toMatchObject({ code: "FINALIZE_UNVERIFIED", kind: "mismatch" });
  expect(error.message).toContain(`usage_windows ${key}`);
});

// Guarantee: an entry that does not continue the chain is found, and nothing is decided after it. It cannot be taken back, so this is the last test.
test("JOURNAL: a stranger's entry", async () => {
  const { seq } = await world.services.journal.head();
  const entry = {
    prev: GENESIS_HASH,
    recordedAt: "2026-01-01T00:00:00Z",
    body: { kind: "catalog.commit", change: "x", versions: 0 },
  };
  await world.services.nats.js.publish(JOURNAL_SUBJECT, canonicalJson(entry));
  const found = await world.verify();
  expect(found).toMatchObject([{ check: "journal_chain", table: "JOURNAL (stream)", key: `entry ${seq + 1}` }]);
  expect(await rejection(world.finalize(["initech"]))).toMatchObject({ code: "JOURNAL_CHAIN_BROKEN", kind: "broken" });
  expect(await world.value("SELECT count() FROM finance.invoices WHERE status = 'finalized'")).toBe("2");
});

async function rejection(promise: Promise<unknown>): Promise<AppError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}
