import { describe, expect, test } from "vitest";
import { holdInserts } from "../../bench/held-inserts.ts";
import type { ClickHouse, InsertInput } from "../../../src/clickhouse/connect.ts";

const USAGE = "INSERT INTO meterline.usage_ingest (shard) SELECT shard FORMAT RowBinary";
const SPECIAL = "INSERT INTO meterline.usage_ingest_special (shard) SELECT shard FORMAT RowBinary";
const COMMIT = "INSERT INTO meterline.sink_batches SELECT * FORMAT JSONEachRow";

function batch(token: string, body: InsertInput["body"] = Buffer.from(token), sql = USAGE): InsertInput {
  return { sql, body, settings: { insert_deduplication_token: token }, doing: "inserting" };
}

/** With the tokens that came through to the server. */
function heldServer() {
  const inserted: unknown[] = [];
  const insert = ({ settings }: InsertInput): Promise<void> => {
    inserted.push(settings?.insert_deduplication_token);
    return Promise.resolve();
  };
  return { inserts: holdInserts({ insert } as ClickHouse), inserted };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the inserts of a benchmark's sink", () => {
  // Guarantee: only usage waits, and once it was let go nothing of an earlier hold is left behind.
  test("wait while they are held", async () => {
    const { inserts, inserted } = heldServer();
    const { clickhouse } = inserts;
    inserts.hold();
    inserts.hold();
    const waiting = [clickhouse.insert(batch("1")), clickhouse.insert(batch("2", "", SPECIAL))];
    await clickhouse.insert(batch("batch/0", "{}", COMMIT));
    await turn();
    expect(inserted).toEqual(["batch/0"]);
    inserts.release();
    await Promise.all(waiting);
    await clickhouse.insert(batch("3"));
    expect(inserted).toEqual(["batch/0", "1", "2", "3"]);
  });

  // Guarantee: the bare insert gets each measured batch once, as it was, though the sink writes the next one where it stood.
  test("are kept behind the first ones, once each", async () => {
    const { inserts, inserted } = heldServer();
    const { clickhouse } = inserts;
    inserts.keep({ rows: 10, behind: 1 });
    for (const round of ["a", "b"]) {
      inserts.hold();
      inserts.release();
      const memory = Buffer.from("rows");
      for (const number of [1, 2, 2, 3]) {
        memory.fill(String(number));
        await clickhouse.insert(batch(`${round}${number}`, memory));
      }
      expect(inserts.take().map(String)).toEqual(["2222", "3333"]);
    }
    expect(inserted).toEqual(["a1", "a2", "a2", "a3", "b1", "b2", "b2", "b3"]);
    inserts.keep({ rows: 0, behind: 0 });
    await clickhouse.insert(batch("4"));
    expect(inserts.take()).toEqual([]);
  });

  test("are refused where the bare insert could not repeat them", async () => {
    const { inserts, inserted } = heldServer();
    const { clickhouse } = inserts;
    inserts.keep({ rows: 1, behind: 0 });
    await expect(clickhouse.insert(batch("1", Buffer.alloc(1), SPECIAL))).rejects.toThrow("special views");
    await expect(clickhouse.insert(batch("2", "text"))).rejects.toThrow("not one piece");
    await expect(clickhouse.insert(batch("3", Buffer.alloc(1_001)))).rejects.toThrow("more is inserted");
    expect(inserted).toEqual([]);
  });
});
