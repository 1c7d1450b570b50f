/** Verification of what takes usage back: each changed row of its tables is named, and so is a void or amend that was decided wrongly. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { verifyUsage } from "../../../src/app/verify/verify.ts";
import { createVerifyStore } from "../../../src/clickhouse/verify-store.ts";
import { CHUNKS, startRetractionWorld, storiesOf, type RetractionWorld } from "../../support/retraction-world.ts";

const TABLES = ["event_retractions", "usage_retractions", "usage_replacements", "usage_events_raw"] as const;
type Table = (typeof TABLES)[number];

const PLACE = "concat(toString(shard), '/', toString(incarnation), '/', toString(seq), '/', toString(position))";
const TARGET = "concat(toString(target_incarnation), '/', toString(target_seq), '/', toString(target_position))";
const KEYS: Readonly<Record<Table, string>> = {
  event_retractions: PLACE,
  usage_retractions: `concat(${PLACE}, ' ', meter, ' of ', ${TARGET})`,
  usage_replacements: `concat(${PLACE}, ' ', meter)`,
  usage_events_raw: PLACE,
};

let world: RetractionWorld;
const touched = new Set<Table>();

beforeAll(async () => {
  world = await startRetractionWorld(storiesOf(2));
  await command("CREATE DATABASE saved");
  for (const table of TABLES) {
    await command(`CREATE TABLE saved.${table} AS meterline.${table}`);
    await copyPartitions("meterline", "saved", table);
  }
}, 120_000);

afterEach(async () => {
  for (const table of touched) {
    await command(`TRUNCATE TABLE meterline.${table}`);
    await copyPartitions("saved", "meterline", table);
  }
  touched.clear();
});

afterAll(async () => {
  await world?.stop();
});

const command = (sql: string): Promise<void> =>
  world.clickhouse.command({ sql, doing: "testing", settings: { mutations_sync: "2" } });

async function value(sql: string): Promise<string> {
  const rows = await world.clickhouse.rows<{ value: string }>({ sql, doing: "testing" });
  return rows[0]?.value ?? "";
}

async function copyPartitions(from: string, to: string, table: Table): Promise<void> {
  const parts = await world.clickhouse.rows<{ id: string }>({
    sql: "SELECT DISTINCT partition_id AS id FROM system.parts WHERE database = {from: String} AND table = {table: String} AND active",
    params: { from, table },
    doing: "listing partitions",
  });
  for (const { id } of parts)
    await command(`ALTER TABLE ${to}.${table} ATTACH PARTITION ID '${id}' FROM ${from}.${table}`);
}

async function found(): Promise<string[]> {
  const store = createVerifyStore(world.clickhouse, () => Promise.resolve([]));
  return (await verifyUsage({ store }, CHUNKS)).map(({ table, key }) => `${table} ${key}`);
}

test("as it is, nothing is found", async () => {
  expect(Number(await value("SELECT toString(count()) AS value FROM meterline.usage_retractions"))).toBeGreaterThan(50);
  expect(await found()).toEqual([]);
});

// Guarantee: a range may end between a void and its event, or between two amends of one.
test("in ranges of 7 messages nothing is found either", async () => {
  const store = createVerifyStore(world.clickhouse, () => Promise.resolve([]));
  const ranged = store.checks().filter(({ scope }) => scope === "per_range");
  for (const span of await store.shardSpans())
    for (let first = span.first; first <= span.last; first += 7) {
      const range = { ...span, first, last: Math.min(span.last, first + 6), limit: 10 };
      for (const { name } of ranged) expect(await store.runCheck(name, range)).toEqual([]);
    }
});

type Change = { readonly what: string; readonly table: Table; readonly where?: string; readonly set?: string };
const CHANGES: readonly Change[] = [
  { what: "a void taken away", table: "event_retractions", where: "type = 'meterline.void'" },
  { what: "an amend taken away", table: "event_retractions", where: "type = 'meterline.amend'" },
  { what: "another target", table: "event_retractions", set: "target_id = concat(target_id, '0')" },
  { what: "another customer", table: "event_retractions", where: "customer != ''", set: "customer = 'b1'" },
  {
    what: "another time",
    table: "event_retractions",
    where: "customer != ''",
    set: "event_time = event_time + INTERVAL 1 DAY",
  },
  { what: "a void for an amend", table: "event_retractions", where: "customer != ''", set: "type = 'meterline.void'" },
  { what: "a later cut", table: "event_retractions", set: "cut = cut + 1" },
  { what: "a retraction taken away", table: "usage_retractions" },
  { what: "a later cut", table: "usage_retractions", set: "cut = cut + 1" },
  { what: "another void", table: "usage_retractions", set: "retracted_by = concat(retracted_by, '0')" },
  {
    what: "another quantity",
    table: "usage_replacements",
    where: "aggregation = 'sum'",
    set: "quantity = quantity + 1",
  },
  { what: "another value", table: "usage_replacements", where: "aggregation = 'unique_count'", set: "text = 'u9'" },
  {
    what: "another dimension",
    table: "usage_replacements",
    set: "dimensions = map('user', 'u9', 'customer', customer)",
  },
  { what: "a replacement taken away", table: "usage_replacements" },
  { what: "another amend", table: "usage_replacements", set: "amended_by = concat(amended_by, '0')" },
];

// Guarantee: no void or amend changes what is billed, or fails to, without being named by its table and key.
test.each(CHANGES)("$table: $what is named", async ({ table, where = "true", set }) => {
  const key = await value(`SELECT min(${KEYS[table]}) AS value FROM meterline.${table} WHERE ${where}`);
  const is = `WHERE (${where}) AND ${KEYS[table]} = '${key}'`;
  touched.add(table);
  await command(`ALTER TABLE meterline.${table} ${set === undefined ? "DELETE" : `UPDATE ${set}`} ${is}`);
  expect(await found()).toContain(`${table} ${key}`);
});

const NOWHERE: readonly { readonly table: Table; readonly replace: string }[] = [
  { table: "event_retractions", replace: "toUInt64(seq + 1000000) AS seq" },
  { table: "event_retractions", replace: "toUInt64(5) AS incarnation" },
  { table: "event_retractions", replace: "toUInt32(position + 100) AS position" },
  { table: "usage_retractions", replace: "toUInt64(seq + 1000000) AS seq" },
  { table: "usage_retractions", replace: "toUInt64(target_seq + 1) AS target_seq" },
  { table: "usage_retractions", replace: "'m-other' AS meter" },
  { table: "usage_replacements", replace: "toUInt64(seq + 1000000) AS seq" },
  { table: "usage_replacements", replace: "toUInt16(9) AS shard" },
  { table: "usage_replacements", replace: "toUInt32(position + 100) AS position" },
];

test.each(TABLES.slice(0, 3))("%s: rows that no event gives are named", async (table) => {
  const keys: string[] = [];
  touched.add(table);
  for (const { replace } of NOWHERE.filter((row) => row.table === table)) {
    const copy = `SELECT * REPLACE (${replace}) FROM saved.${table} ORDER BY seq, position LIMIT 1`;
    keys.push(await value(`SELECT ${KEYS[table]} AS value FROM (${copy})`));
    await command(`INSERT INTO meterline.${table} ${copy}`);
  }
  expect(new Set(keys).size).toBe(3);
  expect(await found()).toEqual(expect.arrayContaining(keys.map((key) => `${table} ${key}`)));
});

// Guarantee: a void that was accepted or rejected against the rule is found, although its row agrees with itself.
test.each([
  ["an accepted void said to be refused", "accepted", "verdict = 'rejected', reason = 'target_unknown'"],
  ["a refused void said to be accepted", "rejected", "verdict = 'accepted', reason = ''"],
])("usage_events_raw: %s is named", async (_, verdict, set) => {
  const where = `type = 'meterline.void' AND verdict = '${verdict}' AND reason IN ('', 'target_unknown')`;
  const key = await value(`SELECT min(${PLACE}) AS value FROM meterline.usage_events_raw WHERE ${where}`);
  touched.add("usage_events_raw");
  await command(`ALTER TABLE meterline.usage_events_raw UPDATE ${set} WHERE ${PLACE} = '${key}'`);
  expect(await found()).toContain(`event_retractions ${key}`);
});
