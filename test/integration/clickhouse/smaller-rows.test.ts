/** Migration 0023, under a schema that holds usage: what the tables and views say stays the same, though the rows are smaller. */
import type { ClickHouseSettings } from "@clickhouse/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectClickHouse, type ClickHouse } from "../../../src/clickhouse/connect.ts";
import { migrate, requireCurrentSchema } from "../../../src/clickhouse/migrate.ts";
import { createVerifyStore } from "../../../src/clickhouse/verify-store.ts";
import { applyEarlierSchema } from "../../support/earlier-schema.ts";
import { startTestServers, type TestServers } from "../../support/servers.ts";

const BEFORE = 22;
const RANGE = { shard: 0, incarnation: "1", first: 1, last: 1_000, limit: 10 };

let servers: TestServers;
let clickhouse: ClickHouse;

beforeAll(async () => {
  servers = await startTestServers({ schema: false });
  clickhouse = connectClickHouse({ url: servers.clickhouseUrl, user: "default", password: "" });
  await applyEarlierSchema(clickhouse, BEFORE);
});

afterAll(async () => {
  await clickhouse.close();
  await servers.stop();
});

async function rows(sql: string): Promise<readonly object[]> {
  return await clickhouse.rows<object>({ sql, doing: "reading back" });
}

/** Of each column what it is set to. */
type IngestedRow = Readonly<Record<string, string>>;

const TIME = "toDateTime64('2026-10-01 00:00:00', 9, 'UTC')";
const keyOf = (id: string): string =>
  `reinterpretAsUInt128(substring(SHA256(concat(toString(length('gw')), ':', 'gw', '${id}')), 1, 16))`;

/** Of an accepted event one meter's use has a dimension and another one's has none. */
function rowOf(seq: number, id: string, verdict: "accepted" | "duplicate" | "rejected"): IngestedRow {
  const uses = `[('tokens', 'sum', ${seq}.25, '', map('model', 'm${seq % 2}')), ('calls', 'count', 1, '', map())]`;
  return {
    ...{ shard: "0", incarnation: "1", seq: `${seq}`, batch_first: `${seq}`, cut: "1", subject: "'usage.gw'" },
    ...{ ingested_at: TIME, source: "'gw'", id: `'${id}'`, type: "'t'", customer: "'acme'" },
    ...{ event_time: `${TIME} + ${seq}`, verdict: `'${verdict}'`, raw: `'{"id":"${id}"}'` },
    event_key: verdict === "rejected" ? "0" : keyOf(id),
    body_hash: verdict === "rejected" ? "0" : `reinterpretAsUInt128(MD5('${id}'))`,
    uses: verdict === "accepted" ? uses : "[]",
  };
}

/** A void or amend of the event at a place. */
function retractionOf(
  seq: number,
  input: { readonly type: string; readonly target: number; readonly uses: string },
): IngestedRow {
  const { type, target, uses } = input;
  const taken = (meter: string): string =>
    `('${meter}', 'acme', toDateTime('2026-10-01 00:00:00', 'UTC'), 1, ${target}, 0)`;
  const targetOf = `${keyOf(`e${target}`)}, 'e${target}', 'acme', ${TIME} + ${target}`;
  return {
    ...rowOf(seq, `r${seq}`, "accepted"),
    ...{
      type: `'${type}'`,
      uses: "[]",
      retraction: `[(${targetOf}, ${uses}, [${taken("tokens")}, ${taken("calls")}])]`,
    },
  };
}

function run(sql: string): Promise<void> {
  return clickhouse.command({ sql, doing: "preparing the test" });
}

function insert(table: string, row: IngestedRow, settings: ClickHouseSettings = {}): Promise<void> {
  const sql = `INSERT INTO meterline.${table} (${Object.keys(row).join(", ")}) SELECT ${Object.values(row).join(", ")}`;
  return clickhouse.command({ sql, settings, doing: "inserting a row" });
}

const STORED = `SELECT shard, toString(incarnation) AS incarnation, toString(seq) AS seq, position, source, id, verdict, toString(event_key) AS event_key,
  toString(body_hash) AS body_hash, raw, toString(row_hash) AS row_hash FROM meterline.usage_events_raw ORDER BY seq`;
const EVENTS = `SELECT meter, toString(seq) AS seq, id, toString(quantity) AS quantity, dimensions, cut FROM meterline.usage_events ORDER BY seq, meter`;
const WINDOWS = `SELECT meter, customer, dimensions, cut, toString(event_count) AS events, toString(quantity_sum) AS quantity, toString(first_seq) AS first,
  toString(last_seq) AS last, toString(events_digest) AS digest FROM meterline.usage_windows_as_of(cut = 4294967295) ORDER BY meter, dimensions`;

// Guarantee: digests, identities and hashes of usage that an earlier release stored are what they were, also where events were taken back.
test("says the same of what it held before", async () => {
  for (const seq of [1, 2, 3, 4, 5]) await insert("usage_ingest", rowOf(seq, `e${seq}`, "accepted"));
  await insert("usage_ingest", rowOf(6, "e1", "duplicate"));
  await insert("usage_ingest", rowOf(7, "", "rejected"));
  const amended = "[('tokens', 'sum', 100, '', map('model', 'm9')), ('calls', 'count', 1, '', map())]";
  await insert("usage_ingest_special", retractionOf(8, { type: "meterline.void", target: 2, uses: "[]" }));
  await insert("usage_ingest_special", retractionOf(9, { type: "meterline.amend", target: 3, uses: amended }));
  const before = [await rows(STORED), await rows(EVENTS), await rows(WINDOWS)];
  expect(before[0]).toHaveLength(9);
  // Five events and a replacement, less the two that were taken back.
  expect(
    await rows(
      "SELECT toString(sum(event_count)) AS calls FROM meterline.usage_windows_as_of(cut = 4294967295) WHERE meter = 'calls'",
    ),
  ).toEqual([{ calls: "4" }]);
  // It dies at its last table. An earlier release, which does not know the version, starts no sink; run again, it ends.
  await run("RENAME TABLE meterline.event_keys TO meterline.away");
  await expect(migrate(clickhouse)).rejects.toThrow(/0023_smaller_rows/);
  expect(
    await rows(`SELECT version, checksum FROM meterline.schema_migrations FINAL WHERE version > ${BEFORE}`),
  ).toEqual([{ version: BEFORE + 1, checksum: "" }]);
  await expect(requireCurrentSchema(clickhouse)).rejects.toMatchObject({ code: "SCHEMA_BEHIND" });
  await run("RENAME TABLE meterline.away TO meterline.event_keys");
  expect((await migrate(clickhouse)).map(({ version }) => version)).toEqual([BEFORE + 1]);
  expect([await rows(STORED), await rows(EVENTS), await rows(WINDOWS)]).toEqual(before);
  const store = createVerifyStore(clickhouse, () => Promise.resolve([]));
  for (const name of ["04_raw_rows_unchanged", "06_event_keys", "07_verdicts"])
    expect(await store.runCheck(name, RANGE)).toEqual([]);
});

// Guarantee: what comes after the change counts once in each table, though it comes twice.
test("goes on counting", async () => {
  const settings = {
    insert_deduplication_token: "0/1/10-10",
    deduplicate_blocks_in_dependent_materialized_views: 1,
  } as const;
  for (let time = 0; time < 2; time += 1) await insert("usage_ingest", rowOf(10, "e10", "accepted"), settings);
  const [row] =
    await rows(`SELECT (SELECT count() FROM meterline.usage_events_raw WHERE seq = 10) AS raw, (SELECT count() FROM meterline.event_keys WHERE seq = 10) AS keys,
    (SELECT count() FROM meterline.usage_events WHERE seq = 10) AS events, (SELECT sum(event_count) FROM meterline.usage_windows) AS windows,
    (SELECT count() FROM meterline.usage_events_raw AS r INNER JOIN meterline.event_keys AS k ON k.event_key = r.event_key WHERE r.seq = 10) AS same_key`);
  expect(row).toEqual({ raw: "1", keys: "1", events: "2", windows: "12", same_key: "1" });
});

// Guarantee: beside a migration of a later release that is under way, or died, this one does nothing.
test("refuses a schema that a later release has begun to change", async () => {
  await run("INSERT INTO meterline.schema_migrations (version, name, checksum) VALUES (9999, '9999_later', '')");
  await expect(requireCurrentSchema(clickhouse)).rejects.toMatchObject({ code: "SCHEMA_NEWER" });
  await expect(migrate(clickhouse)).rejects.toMatchObject({ code: "SCHEMA_NEWER" });
});
