/** What finance.schema_drift makes of the fields that events carry, and that nothing in an event can stop the chain over it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectClickHouse, type ClickHouse } from "../../../src/clickhouse/connect.ts";
import { migrate } from "../../../src/clickhouse/migrate.ts";
import { startClickHouseServer, type ClickHouseServer } from "../../../src/embedded/clickhouse-server.ts";
import { freePort } from "../../support/free-port.ts";
import { tempDir, type TempDir } from "../../support/temp-dir.ts";

let dir: TempDir;
let server: ClickHouseServer;
let clickhouse: ClickHouse;
let seq = 0;

beforeAll(async () => {
  dir = await tempDir("drift");
  server = await startClickHouseServer({ home: dir.path, host: "127.0.0.1", port: await freePort(), password: "" });
  clickhouse = connectClickHouse({ url: server.url, user: "default", password: "" });
  await migrate(clickhouse);
});

afterAll(async () => {
  await clickhouse?.close();
  await server?.stop();
  await dir?.remove();
});

type Row = { readonly type: string; readonly day: number; readonly raw: string; readonly verdict?: string };

async function store(rows: readonly Row[], token = `test/${String(seq)}`): Promise<void> {
  const body = rows.map(({ type, day, raw, verdict = "accepted" }) => {
    seq += 1;
    const ingested_at = `2026-10-${String(day).padStart(2, "0")}T12:00:00Z`;
    const about = { shard: 0, incarnation: "1", seq, subject: "usage.gw", source: "gw", id: `e${String(seq)}` };
    return JSON.stringify({ ...about, type, ingested_at, event_time: ingested_at, verdict, raw });
  });
  await clickhouse.insert({
    sql: "INSERT INTO meterline.usage_ingest FORMAT JSONEachRow",
    body: body.join("\n"),
    settings: { async_insert: 0, date_time_input_format: "best_effort", insert_deduplication_token: token },
    doing: "writing test events",
  });
}

const raw = (data: unknown): string => JSON.stringify({ id: "e", data });

async function drift(type: string): Promise<readonly string[]> {
  const rows = await clickhouse.rows<Record<string, string>>({
    sql: `SELECT path, drift, json_types, json_types_before, events, sampled, events_before, sampled_before
      FROM finance.schema_drift WHERE type = {type: String} ORDER BY path`,
    params: { type },
    doing: "reading the drift",
  });
  return rows.map((row) => Object.values(row).join("|"));
}

// Guarantee: a field that comes, goes or changes its type is seen the day it does, and what stays is not shown.
test("new, missing and retyped fields against the last days", async () => {
  const before = { model: "small", tokens: 7, nested: { a: 1, b: [1] }, gone: null };
  await store([
    { type: "t", day: 1, raw: raw({ ...before, ancient: true }) },
    { type: "t", day: 5, raw: raw(before) },
    { type: "t", day: 9, raw: raw(before) },
  ]);
  expect(await drift("t")).toEqual([]);
  await store([
    { type: "t", day: 10, raw: raw({ model: "small", tokens: "7", nested: { a: 1, b: {} }, "new/one": -1 }) },
    { type: "t", day: 10, raw: raw({ model: "large", tokens: 8, nested: { a: 2, b: [] } }), verdict: "rejected" },
    { type: "t", day: 10, raw: raw({ duplicates: "are not looked at" }), verdict: "duplicate" },
  ]);
  expect(await drift("t")).toEqual([
    "/data/gone|missing||null|0|2|2|2",
    "/data/nested/b|retyped|array, object|array|2|2|2|2",
    "/data/new~1one|new|number||1|2|0|2",
    "/data/tokens|retyped|number, string|number|2|2|2|2",
  ]);
});

test("numbers that no binary format holds are numbers, and texts that look like them are texts", async () => {
  const long = "9".repeat(400);
  await store([{ type: "n", day: 1, raw: '{"data":{"a":1,"b":"x","c":"-1.5e9","d":"\\"7\\\\"}}' }]);
  await store([{ type: "n", day: 2, raw: `{"data":{"a":${long}.5e-12,"b":"${long}","c":"\\u0001 12","d":"x"}}` }]);
  expect(await drift("n")).toEqual([]);
});

test("a batch is counted once however often it is inserted, and of many events of a type a sample is", async () => {
  const rows = Array.from({ length: 200 }, (_, index) => ({ type: "many", day: 3, raw: raw({ index }) }));
  const again = seq;
  await store(rows, "test/many");
  seq = again;
  await store(rows, "test/many");
  const counts = await clickhouse.rows({
    sql: "SELECT path, toUInt64(sum(events)) AS events FROM meterline.event_fields WHERE type = 'many' GROUP BY path ORDER BY path",
    doing: "counting",
  });
  expect(counts).toEqual(["", "/data", "/data/index"].map((path) => ({ path, events: "16" })));
});

// Guarantee: the fields are counted beside what is billed, and no event can make that fail.
test("no bytes stop it", async () => {
  const wide = Object.fromEntries(
    Array.from({ length: 2_000 }, (_, index) => [`k${String(index)}`, { a: index, b: { c: 1 } }]),
  );
  const poison = [
    "",
    "no json",
    "[1,2]",
    "null",
    '{"data":',
    '{"data":{"a":1,"a":2}}',
    '{"data":"\\ud800"}',
    `{"data":${"[".repeat(5_000)}`,
    `{"data":${'{"a":'.repeat(60)}1${"}".repeat(60)}}`,
    '{"data":{"a.b":1,"a":{"b":2},"":{"":3},"/~":4}}',
    raw(wide),
    raw({ ["k".repeat(100_000)]: "v".repeat(100_000) }),
    "\u0001\u0000\u0001",
    '{"data":{"\u0001":1}}',
    '"'.repeat(99),
  ];
  await store(poison.map((text) => ({ type: "poison", day: 4, raw: text })));
  const [row] = await clickhouse.rows<{ rows: string; events: string; fields: string }>({
    sql: `SELECT (SELECT toString(count()) FROM meterline.usage_events_raw WHERE type = 'poison') AS rows,
      (SELECT toString(sum(events)) FROM meterline.event_fields WHERE type = 'poison' AND path = '') AS events,
      (SELECT toString(uniqExact(path)) FROM meterline.event_fields WHERE type = 'poison') AS fields`,
    doing: "counting",
  });
  expect(row).toMatchObject({ rows: String(poison.length), events: String(poison.length) });
  expect(Number(row?.fields)).toBeLessThan(1_400);
});
