/** The change of the usage chain by migration 0022, under a schema that holds usage. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectClickHouse, type ClickHouse } from "../../../src/clickhouse/connect.ts";
import { migrate } from "../../../src/clickhouse/migrate.ts";
import { applyEarlierSchema } from "../../support/earlier-schema.ts";
import { startTestServers, type TestServers } from "../../support/servers.ts";

const BEFORE = 21;
const AGGREGATIONS = ["count", "sum", "min", "max", "latest", "unique_count", "time_weighted_sum"];

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

function run(sql: string): Promise<void> {
  return clickhouse.command({ sql, doing: "preparing the test" });
}

/** An accepted event with one meter of each aggregation, that takes another one back and is a replay besides. */
async function insertInto(table: string, seq: number): Promise<void> {
  const uses = AGGREGATIONS.map((aggregation) => `('of-${aggregation}', '${aggregation}', 2, 'u', map())`).join(", ");
  const retraction =
    "(5, 'x', 'acme', now64(9), [('of-sum', 'sum', 1, '', map())], [('of-sum', 'acme', toDateTime('2026-01-01 00:00:00', 'UTC'), 1, 1, 0)])";
  await run(`INSERT INTO meterline.${table} (shard, incarnation, seq, batch_first, cut, subject, ingested_at, source, id, type, customer, event_time, verdict, event_key, uses, retraction)
    SELECT 0, 1, ${seq}, ${seq}, 1, 'quarantine.gw.1.7.0.5', now64(9), 'gw', 'e${seq}', 't', 'acme', now64(9), 'accepted', ${seq}, [${uses}], [${retraction}]`);
}

async function counts(): Promise<Readonly<Record<string, string>>> {
  const [row] = await clickhouse.rows<Record<string, string>>({
    sql: `SELECT (SELECT count() FROM meterline.usage_events_raw) AS raw, (SELECT count() FROM meterline.event_keys) AS keys,
      (SELECT count() FROM meterline.usage_events) AS events, (SELECT sum(event_count) FROM meterline.usage_windows) AS windows,
      (SELECT sum(event_count) FROM meterline.usage_window_extremes) AS extremes, (SELECT sum(event_count) FROM meterline.usage_window_latest) AS latest,
      (SELECT sum(event_count) FROM meterline.usage_window_levels) AS levels, (SELECT uniqExact(value_hash, cut) FROM meterline.usage_unique_values) AS unique,
      (SELECT count() FROM meterline.event_retractions) AS retractions, (SELECT count() FROM meterline.usage_retractions) AS retracted,
      (SELECT count() FROM meterline.usage_replacements) AS replacements, (SELECT count() FROM meterline.usage_replays) AS replays`,
    doing: "counting",
  });
  return row ?? {};
}

// Guarantee: what is in the tables stays, and each row that comes counts once in each of them.
test("goes on counting with what it held before", async () => {
  await insertInto("usage_ingest", 1);
  const once = { raw: "1", keys: "1", events: "7", windows: "7", extremes: "2", latest: "1", levels: "1", unique: "1" };
  const taken = { retractions: "1", retracted: "1", replacements: "1", replays: "1" };
  expect(await counts()).toEqual({ ...once, ...taken });
  expect((await migrate(clickhouse)).map(({ version }) => version)).toContain(BEFORE + 1);
  expect(await counts()).toEqual({ ...once, ...taken });
  await insertInto("usage_ingest_special", 2);
  const twice = {
    raw: "2",
    keys: "2",
    events: "14",
    windows: "14",
    extremes: "4",
    latest: "2",
    levels: "2",
    unique: "1",
  };
  const takenTwice = { retractions: "2", retracted: "2", replacements: "2", replays: "2" };
  expect(await counts()).toEqual({ ...twice, ...takenTwice });
});

// Guarantee: a sink of an earlier release, which does not know the second entrance, stores nothing half.
test("refuses what an earlier release inserts", async () => {
  const before = await counts();
  await expect(insertInto("usage_ingest", 3)).rejects.toThrow(/retraction/);
  expect(await counts()).toEqual(before);
  expect(await migrate(clickhouse)).toEqual([]);
});
