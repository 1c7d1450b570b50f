/**
 * The bytes that the sink inserted once more, into a copy of the same tables and views (also of what is stored in them), with the server's own settings:
 * no token, no fence, no deduplication, nothing decided.
 */
import type { ClickHouse } from "../../src/clickhouse/connect.ts";
import { ORDINARY_COLUMN_LIST, USAGE_INGEST_STRUCTURE } from "../../src/clickhouse/encode-usage-rows.ts";
import { requireEqual } from "./benchmark.ts";
import { timed, type Measured } from "./bench-world.ts";

const DATABASE = "bench_copy";
/** The benchmarks' meters count and sum, so this is where the sink inserts; `held-inserts.ts` sees to it. */
const INSERT_SQL =
  `INSERT INTO ${DATABASE}.usage_ingest (${ORDINARY_COLUMN_LIST}) SELECT ${ORDINARY_COLUMN_LIST} ` +
  `FROM input('${USAGE_INGEST_STRUCTURE.replaceAll("'", "\\'")}') FORMAT RowBinary`;
const BARE = { async_insert: 0, insert_deduplicate: 0 } as const;

/** The tables and views of the chain, made anew by its own statements. */
export async function copyChain(clickhouse: ClickHouse): Promise<void> {
  const doing = "copying the tables and views";
  await clickhouse.command({ sql: `DROP DATABASE IF EXISTS ${DATABASE} SYNC`, doing });
  await clickhouse.command({ sql: `CREATE DATABASE ${DATABASE} ENGINE = Atomic`, doing });
  const tables = await clickhouse.rows<{ sql: string }>({
    sql: `SELECT create_table_query AS sql FROM system.tables
      WHERE database = 'meterline' AND (engine LIKE '%MergeTree' OR engine = 'Null' OR engine = 'MaterializedView')
      ORDER BY engine = 'MaterializedView'`,
    doing,
  });
  for (const { sql } of tables) await clickhouse.command({ sql: sql.replaceAll("meterline.", `${DATABASE}.`), doing });
  await clickhouse.command({
    sql: `ALTER TABLE ${DATABASE}.event_keys ATTACH PARTITION tuple() FROM meterline.event_keys`,
    doing,
  });
}

export async function insertBare(
  clickhouse: ClickHouse,
  bodies: readonly Uint8Array[],
  rows: number,
): Promise<Measured> {
  const before = await rawRows(clickhouse);
  const measured = await timed(async () => {
    for (const body of bodies)
      await clickhouse.insert({ sql: INSERT_SQL, body, settings: BARE, doing: "inserting the same rows" });
  });
  requireEqual("inserted rows", (await rawRows(clickhouse)) - before, rows);
  return measured;
}

async function rawRows(clickhouse: ClickHouse): Promise<number> {
  const [row] = await clickhouse.rows<{ rows: string }>({
    sql: `SELECT count() AS rows FROM ${DATABASE}.usage_events_raw`,
    doing: "counting",
  });
  return Number(row?.rows);
}
