import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { USAGE_INGEST_COLUMN_LIST, encodeUsageRows } from "../../../src/clickhouse/encode-usage-rows.ts";
import type { MeterUse, UsageRow } from "../../../src/domain/usage-event.ts";
import type { Retraction } from "../../../src/domain/usage-retraction.ts";
import { fixedPointText } from "../../../src/kernel/fixed-point.ts";
import { connectClickHouse } from "../../../src/clickhouse/connect.ts";
import { migrate } from "../../../src/clickhouse/migrate.ts";
import { startTestServers, type TestServers } from "../../support/servers.ts";
import { boundaryRows } from "../../support/usage-rows.ts";

const usesText = (
  column: string,
): string => `arrayMap(use -> (use.meter, use.aggregation, toString(use.quantity), use.text,
        arrayMap((name, value) -> concat(name, '=', value), mapKeys(use.dimensions), mapValues(use.dimensions))), ${column})`;
/** Everything as text or hex, so that nothing on the way back can round it. */
const READ_BACK = `
SELECT toString(shard) AS shard, toString(incarnation) AS incarnation, toString(seq) AS seq, toString(position) AS position,
    toString(batch_first) AS batch_first, toString(cut) AS cut, subject, toString(toUnixTimestamp64Nano(ingested_at)) AS ingested_at,
    source, hex(id) AS id, type, customer, toString(toUnixTimestamp64Nano(event_time)) AS event_time, toString(verdict) AS verdict,
    toString(reason) AS reason, detail, toString(event_key) AS event_key, toString(body_hash) AS body_hash, hex(raw) AS raw,
    ${usesText("uses")} AS uses,
    arrayMap(r -> (toString(r.target_key), hex(r.target_id), r.customer, toString(toUnixTimestamp64Nano(r.event_time)), ${usesText("r.uses")},
        arrayMap(c -> (c.meter, c.customer, toUnixTimestamp(c.window_start), toString(c.incarnation), toString(c.seq), c.position), r.retracts)),
        retraction) AS retraction
FROM default.encoded_rows ORDER BY number FORMAT JSONCompactEachRow`;

const hex = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString("hex").toUpperCase();

function expected(row: UsageRow): unknown[] {
  return [
    ...[row.shard, row.incarnation, row.seq, row.position, row.batchFirst, row.cut].map(String),
    ...[row.subject, String(row.ingestedAt), row.source, hex(row.id), row.type, row.customer, String(row.eventTime)],
    ...[row.verdict, row.reason, row.detail, String(row.eventKey), String(row.bodyHash), hex(row.raw)],
    usesOf(row.uses),
    row.retraction === undefined ? [] : [retractionOf(row.retraction)],
  ];
}

function retractionOf({ targetKey, targetId, customer, eventTime, uses, retracts }: Retraction): unknown[] {
  const places = retracts.map((place) => [
    place.meter,
    place.customer,
    place.windowStart,
    String(place.incarnation),
    String(place.seq),
    place.position,
  ]);
  return [String(targetKey), hex(targetId), customer, String(eventTime), usesOf(uses), places];
}

function usesOf(uses: readonly MeterUse[]): unknown[] {
  return uses.map(({ meter, aggregation, quantity, text, dimensions }) => [
    meter,
    aggregation,
    fixedPointText(quantity, 18),
    text,
    dimensions.map(({ name, value }) => `${name}=${value}`),
  ]);
}

describe("encodeUsageRows", () => {
  let servers: TestServers;
  beforeAll(async () => {
    servers = await startTestServers();
  }, 60_000);
  afterAll(() => servers.stop());

  async function clickhouse(sql: string, body?: Uint8Array): Promise<string> {
    const url = `${servers.clickhouseUrl}/?${new URLSearchParams({ query: sql }).toString()}`;
    const response = await fetch(url, { method: "POST", body: body === undefined ? "" : Buffer.from(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`ClickHouse answered ${response.status}: ${text}`);
    return text;
  }

  // Guarantee: what the engine stores is what the sink decided, to the last digit, nanosecond and byte.
  it("is read by the engine exactly, into the columns of the migration", async () => {
    const connection = connectClickHouse({ url: servers.clickhouseUrl, user: "default", password: "" });
    await migrate(connection);
    await connection.close();
    await clickhouse(
      "CREATE TABLE default.encoded_rows AS meterline.usage_ingest_special ENGINE = MergeTree ORDER BY tuple()",
    );
    await clickhouse("ALTER TABLE default.encoded_rows ADD COLUMN number UInt64 DEFAULT rowNumberInAllBlocks()");
    const rows = boundaryRows();
    await clickhouse(
      `INSERT INTO default.encoded_rows (${USAGE_INGEST_COLUMN_LIST}) FORMAT RowBinary`,
      encodeUsageRows(rows),
    );
    const lines = (await clickhouse(READ_BACK)).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(rows.map(expected));
  }, 60_000);
});
