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
import {
  IDENTITY,
  POSITION,
  TABLES,
  TAMPERINGS,
  WINDOW,
  type Table,
  type Tampering,
} from "../../support/tamperings.ts";

const WINDOWS = TABLES.slice(3, 8);
const PROJECTIONS = TABLES.slice(10);
/** Tables that are verified at once: none of a group is what another one of it is compared with. */
const GROUPS: readonly { readonly group: string; readonly tables: readonly Table[] }[] = [
  ...TABLES.slice(0, 3).map((table) => ({ group: table, tables: [table] })),
  { group: "window tables", tables: WINDOWS },
  { group: "sink_batches", tables: ["sink_batches"] },
  { group: "rated_lines", tables: ["rated_lines"] },
  { group: "the journal's projections", tables: PROJECTIONS },
];

/** Rating reads the windows, so a changed one may give other lines. */
function followers(table: Table): readonly Table[] {
  return WINDOWS.includes(table) ? ["rated_lines"] : [];
}

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
test.each(GROUPS)("$group: every changed row is named", async ({ tables }) => {
  const own = TAMPERINGS.filter(({ table }) => tables.includes(table));
  const rows: { readonly what: string; readonly table: Table; readonly key: string }[] = [];
  for (const tampering of own) {
    const { what, table } = tampering;
    const earlier = rows.filter((row) => row.table === table).map((row) => row.key);
    rows.push({ what, table, key: await tamper(tampering, earlier) });
  }
  expect(new Set(rows.map(({ table }) => table))).toEqual(new Set(tables));
  const found = await world.verify();
  const named = new Set(found.map((item) => `${item.table} ${item.key}`));
  expect(rows.filter(({ table, key }) => !named.has(`${table} ${key}`))).toEqual([]);
  const allowed = new Set<string>([
    ...tables,
    ...own.flatMap(({ table, follow = [] }) => [...follow, ...followers(table)]),
  ]);
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
  const same = "meter, customer, window_start, source, id, cut, shard, incarnation, seq";
  await world.command(
    `INSERT INTO meterline.usage_retractions (${same}, target_incarnation, target_seq, target_position)
      SELECT ${same}, incarnation, seq, position FROM saved.usage_events LIMIT 1`,
  );
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
