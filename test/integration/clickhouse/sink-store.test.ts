import { afterAll, beforeAll, expect, test } from "vitest";
import { decideVerdicts, eventKeysOf } from "../../../src/metering/decide-batch.ts";
import { createDecodeContext, DEFAULT_EVENT_TIME_RANGE } from "../../../src/metering/decode-context.ts";
import { decodeMessage } from "../../../src/metering/decode-message.ts";
import type { EncodedRows, SinkStore, StreamPlace } from "../../../src/app/ports.ts";
import { connectClickHouse, type ClickHouse } from "../../../src/clickhouse/connect.ts";
import { encodeUsageRows } from "../../../src/clickhouse/encode-usage-rows.ts";
import { migrate } from "../../../src/clickhouse/migrate.ts";
import { sinkStore } from "../../../src/clickhouse/sink-store.ts";
import { isSpecial } from "../../../src/clickhouse/special-row.ts";
import type { BatchPlan, CommittedBatch } from "../../../src/domain/sink-plan.ts";
import type { UsageMessage } from "../../../src/domain/usage-event.ts";
import { sha256Hex } from "../../../src/kernel/hash.ts";
import { startTestServers, type TestServers } from "../../support/servers.ts";
import { SINK_CATALOG, SUMMED_TYPE } from "../../support/sink-catalog.ts";
import { eventOf, messageOf } from "../../support/usage-message-of.ts";

const INCARNATION = "1700000000000000000";
const TABLES = [
  "event_keys",
  "usage_events",
  "usage_events_raw",
  "usage_unique_values",
  "usage_window_extremes",
  "usage_window_latest",
  "usage_window_levels",
  "usage_windows",
] as const;

let servers: TestServers;
let clickhouse: ClickHouse;
let store: SinkStore;

beforeAll(async () => {
  servers = await startTestServers();
  clickhouse = connectClickHouse({ url: servers.clickhouseUrl, user: "default", password: "" });
  await migrate(clickhouse);
  store = sinkStore(clickhouse);
  await clickhouse.command({ sql: "SYSTEM STOP MERGES", doing: "stopping merges" });
});

afterAll(async () => {
  await clickhouse.close();
  await servers.stop();
});

type Batch = { readonly plan: BatchPlan; readonly rows: EncodedRows; readonly keys: readonly bigint[] };

/** A batch of one event per message, each padded to a size. */
function batchOf(
  shard: number,
  first: number,
  count: number,
  { padding = 0, type = "llm.completion", ids = `s${shard}` } = {},
): Batch {
  const messages: UsageMessage[] = Array.from({ length: count }, (_, index) => {
    const seq = first + index;
    return messageOf(
      eventOf({ id: `${ids}-${seq}`, type, data: { model: "m", tokens: 7, user: "u", padding: "x".repeat(padding) } }),
      { seq },
    );
  });
  const context = createDecodeContext({ catalog: SINK_CATALOG, timeRange: DEFAULT_EVENT_TIME_RANGE });
  const events = messages.flatMap((message) => decodeMessage(message, context));
  const place = { shard, incarnation: BigInt(INCARNATION), batchFirst: first, cut: 1 };
  const amend = { catalog: SINK_CATALOG, catalogAt: () => SINK_CATALOG, timeRange: DEFAULT_EVENT_TIME_RANGE };
  const { rows } = decideVerdicts({ events, known: new Map(), targets: new Map(), amend, batch: place });
  const bytes = encodeUsageRows(rows);
  const plan = {
    incarnation: INCARNATION,
    first,
    last: first + count - 1,
    catalogSeq: 1,
    decoderRev: 1,
    cut: 1,
    plannedAt: 5,
  };
  return {
    plan: { ...plan, rows: rows.length, sha256: sha256Hex(bytes) },
    rows: { bytes, special: rows.some(isSpecial), uses: rows.reduce((sum, { uses }) => sum + uses.length, 0) },
    keys: eventKeysOf(events),
  };
}

async function partsAndRows(shard: number): Promise<Readonly<Record<string, string>>> {
  const counts = await Promise.all(
    TABLES.map(async (table) => {
      const column =
        table.startsWith("usage_window") || table === "usage_unique_values"
          ? "uniqExact(_part)"
          : "concat(toString(uniqExact(_part)), ' part, ', toString(count()), ' rows')";
      const [row] = await clickhouse.rows<{ found: string }>({
        sql: `SELECT toString(${column}) AS found FROM meterline.${table} WHERE shard = {shard: UInt16}`,
        params: { shard },
        doing: "counting parts",
      });
      return [table, row?.found ?? ""] as const;
    }),
  );
  return Object.fromEntries(counts);
}

const ONE_PART = {
  usage_unique_values: "1",
  usage_window_extremes: "1",
  usage_window_latest: "1",
  usage_window_levels: "1",
  usage_windows: "1",
};

// Guarantee: however large its rows are, a batch is one block in every table, and the same batch again changes none of them.
test.each([
  { shard: 1, count: 1_000, padding: 0 },
  { shard: 2, count: 48, padding: 1_000_000 },
  { shard: 3, count: 120_000, padding: 0 },
])("a repeated insert of $count rows of $padding bytes is dropped everywhere", async ({ shard, count, padding }) => {
  const { plan, rows } = batchOf(shard, 1, count, { padding });
  const expected = {
    ...ONE_PART,
    event_keys: `1 part, ${count} rows`,
    usage_events_raw: `1 part, ${count} rows`,
    usage_events: `1 part, ${count * 6} rows`,
  };
  await store.insert({ shard, plan, epoch: 1, rows, again: false });
  expect(await partsAndRows(shard)).toEqual(expected);
  await store.insert({ shard, plan, epoch: 2, rows, again: true });
  expect(await partsAndRows(shard)).toEqual(expected);
});

// Guarantee: a batch that passes fewer views is stored as one that passes all of them, and is recognised again as that is.
test("a batch with nothing special is stored the same through either entrance", async () => {
  const input = { type: SUMMED_TYPE, ids: "either" };
  const [few, all] = [batchOf(21, 1, 50, input), batchOf(22, 1, 50, input)];
  expect(few.rows.special).toBe(false);
  for (const again of [false, true]) {
    await store.insert({ shard: 21, plan: few.plan, epoch: 1, rows: few.rows, again });
    await store.insert({ shard: 22, plan: all.plan, epoch: 1, rows: { ...all.rows, special: true }, again });
  }
  for (const table of TABLES) {
    const [one, other] = await Promise.all([21, 22].map((shard) => storedIn(table, shard)));
    expect(one).toEqual(other);
    const isOfSpecial = /extremes|latest|levels|unique/.test(table);
    expect(one?.length).toBe(isOfSpecial ? 0 : table === "usage_windows" ? 1 : 50);
  }
  expect(batchOf(23, 1, 1).rows.special).toBe(true);
});

function storedIn(table: string, shard: number): Promise<readonly object[]> {
  const except = table === "usage_events_raw" ? "shard, row_hash" : "shard";
  return clickhouse.rows<object>({
    sql: `SELECT * EXCEPT (${except}) FROM meterline.${table} WHERE shard = {shard: UInt16} ORDER BY ALL`,
    params: { shard },
    doing: "reading what is stored",
  });
}

test("an insert of an older epoch than the fence's is refused, of the same epoch not", async () => {
  const { plan, rows } = batchOf(4, 1, 3);
  await store.fence({ shard: 4, epoch: 6, holder: "b", takenAt: 1 });
  await store.fence({ shard: 4, epoch: 5, holder: "a", takenAt: 2 });
  await store.fence({ shard: 5, epoch: 9, holder: "c", takenAt: 2 });
  await expect(store.insert({ shard: 4, plan, epoch: 5, rows, again: false })).rejects.toMatchObject({
    code: "SINK_FENCED",
    kind: "conflict",
  });
  expect((await partsAndRows(4))["event_keys"]).toBe("0 part, 0 rows");
  await store.insert({ shard: 4, plan, epoch: 6, rows, again: false });
  expect((await partsAndRows(4))["event_keys"]).toBe("1 part, 3 rows");
});

function committed(shard: number, plan: BatchPlan): CommittedBatch {
  return {
    ...{ shard, plan, messages: 3, counts: { accepted: 1, duplicate: 2, conflict: 3, rejected: 4 } },
    ...{ lastMessageAt: 1_790_000_000_123_456_789n, lastMessageSha256: "ab" },
    ...{ epoch: 2, holder: "host#1", storedAt: 1_790_000_000_500 },
  };
}

test("a committed batch is read as it was written, and a repeated commit is one row", async () => {
  const { plan } = batchOf(6, 11, 3);
  const batch = committed(6, plan);
  expect(await store.lastBatch({ shard: 6 })).toBeNull();
  await store.commit({ batch: { ...batch, plan: { ...plan, first: 1, last: 10 } }, again: false });
  await store.commit({ batch, again: false });
  await store.commit({ batch: { ...batch, storedAt: batch.storedAt + 1, epoch: 3 }, again: false });
  await store.commit({ batch: { ...batch, storedAt: batch.storedAt + 2, epoch: 3 }, again: true });
  expect(await store.lastBatch({ shard: 6 })).toEqual(batch);
  expect(await store.batchOf({ shard: 6, plan })).toEqual(batch);
  expect(await store.batchOf({ shard: 6, plan: { ...plan, first: 99 } })).toBeNull();
  expect(await store.lastBatch({ shard: 6, incarnation: "1" })).toBeNull();
});

// Guarantee: the windows of tokens turn over; a writer that wakes after that must not commit what its successor has committed.
test("a commit is one row also when its token is forgotten, and a fenced one is none", async () => {
  const { plan } = batchOf(8, 1, 3);
  const batch = committed(8, plan);
  await store.commit({ batch, again: false });
  const set = (blocks: number): Promise<void> =>
    clickhouse.command({
      sql: `ALTER TABLE meterline.sink_batches MODIFY SETTING non_replicated_deduplication_window = ${blocks}`,
      doing: "changing the window",
    });
  await set(0);
  await store.commit({ batch: { ...batch, epoch: 3 }, again: true });
  await set(100_000);
  expect(await rowsOfBatches(8)).toBe(1);
  await store.fence({ shard: 8, epoch: 5, holder: "b", takenAt: 1 });
  const next = { ...batch, plan: { ...plan, first: 4, last: 6 } };
  await expect(store.commit({ batch: { ...next, epoch: 4 }, again: false })).rejects.toMatchObject({
    code: "SINK_FENCED",
  });
  await store.commit({ batch: { ...next, epoch: 5 }, again: false });
  expect(await rowsOfBatches(8)).toBe(2);
});

async function rowsOfBatches(shard: number): Promise<number> {
  const [row] = await clickhouse.rows<{ batches: string }>({
    sql: "SELECT count() AS batches FROM meterline.sink_batches WHERE shard = {shard: UInt16}",
    params: { shard },
    doing: "counting batches",
  });
  return Number(row?.batches);
}

// Guarantee: the windows are shared by all shards; the plan of one may not be inserted again when the others have turned them over.
test("a plan that half a window of other batches has outlived is inserted for the first time, but not again", async () => {
  const { plan, rows } = batchOf(9, 1, 3);
  const plannedAt = Date.UTC(2030, 0, 1);
  const insert = (again: boolean): Promise<void> =>
    store.insert({ shard: 9, plan: { ...plan, plannedAt }, epoch: 1, rows, again });
  await insert(false);
  await fillBatches(49_999);
  await insert(true);
  await fillBatches(1);
  await expect(insert(true)).rejects.toMatchObject({ code: "PLAN_OUTLIVED", kind: "conflict" });
  expect((await partsAndRows(9))["event_keys"]).toBe("1 part, 3 rows");
  // A restored database that has nothing of the plan has nothing to double.
  const lost = batchOf(13, 1, 3);
  await store.insert({ shard: 13, plan: { ...lost.plan, plannedAt }, epoch: 1, rows: lost.rows, again: true });
  expect((await partsAndRows(13))["event_keys"]).toBe("1 part, 3 rows");
});

/** Batches of another shard, stored in 2031. */
async function fillBatches(count: number): Promise<void> {
  await clickhouse.command({
    sql: `INSERT INTO meterline.sink_batches (shard, first, stored_at)
      SELECT 10, number, toDateTime64('2031-01-01 00:00:00', 3, 'UTC') FROM numbers({count: UInt64})`,
    params: { count },
    doing: "filling in batches",
  });
}

test.each([
  ["usage_events_raw", "seq", "71"],
  ["event_keys", "seq", "72"],
  ["usage_events", "seq", "73"],
  ["usage_windows", "last_seq", "74"],
  ["usage_window_extremes", "last_seq", "75"],
  ["usage_window_latest", "last_seq", "76"],
  ["usage_window_levels", "last_seq", "77"],
  ["usage_unique_values", "last_seq", "78"],
  ["event_retractions", "seq", "79"],
  ["usage_retractions", "seq", "80"],
  ["usage_replacements", "seq", "81"],
  ["usage_replays", "seq", "82"],
])("rows behind a sequence are found in %s alone", async (table, column, incarnation) => {
  await clickhouse.command({
    sql: `INSERT INTO meterline.${table} (shard, incarnation, ${column}) VALUES (11, ${incarnation}, 5)`,
    doing: "adding a row",
  });
  const behind = (after: number, shard = 11) => store.storedBehind({ shard, incarnation, after });
  expect(await behind(4)).toEqual({ last: table === "usage_events_raw" ? 5 : null });
  expect(await behind(5)).toBeNull();
  expect(await behind(4, 12)).toBeNull();
});

test("identities are known when they are older, in any number of questions", async () => {
  const { plan, rows, keys } = batchOf(7, 101, 1_000);
  await store.insert({ shard: 7, plan, epoch: 1, rows, again: false });
  const known = (incarnation: string, seq: number) =>
    store.knownIdentities({ eventKeys: [1n, ...keys], shard: 7, before: { incarnation, seq } });
  const found = await known(INCARNATION, 1_101);
  expect(new Set(found.map(({ eventKey }) => eventKey))).toEqual(new Set(keys));
  expect(await known(INCARNATION, 101)).toEqual([]);
  expect((await known(INCARNATION, 111)).length).toBe(10);
  expect((await known("1800000000000000000", 1)).length).toBe(1_000);
  expect(await store.countIdentities({ shard: 7 })).toBe(1_000);
  const inOrder = (some: readonly bigint[]): bigint[] => some.toSorted((a, b) => (a < b ? -1 : 1));
  const streamed = async (behind?: StreamPlace): Promise<bigint[]> => {
    const upper: bigint[] = [];
    for await (const halves of store.identities({ shard: 7, ...(behind && { behind }) }))
      upper.push(...new BigUint64Array(halves.buffer, halves.byteOffset, halves.length / 2));
    return inOrder(upper);
  };
  const count = (incarnation: string, seq: number) => store.countIdentities({ shard: 7, upTo: { incarnation, seq } });
  const upperOf = (some: readonly bigint[]): bigint[] => inOrder(some.map((key) => key >> 64n));
  expect(await streamed()).toEqual(upperOf(keys));
  expect(await streamed({ incarnation: INCARNATION, seq: 1_000 })).toEqual(upperOf(keys.slice(900)));
  expect(await streamed({ incarnation: INCARNATION, seq: 1_100 })).toEqual([]);
  expect(await streamed({ incarnation: "1", seq: 5_000 })).toEqual(upperOf(keys));
  expect(await streamed({ incarnation: "1800000000000000000", seq: 1 })).toEqual([]);
  expect([await count(INCARNATION, 1_000), await count(INCARNATION, 1_100)]).toEqual([900, 1_000]);
  expect([await count("1", 5_000), await count("1800000000000000000", 1)]).toEqual([0, 1_000]);
});
