/** A schema as an earlier release left it, for tests of the migrations behind it. The server has none yet (`startTestServers({ schema: false })`). */
import type { ClickHouse } from "../../src/clickhouse/connect.ts";
import { migrations } from "../../src/clickhouse/load-sql.ts";

const SCHEMA_TABLE = `CREATE TABLE meterline.schema_migrations
(version UInt32, name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = ReplacingMergeTree ORDER BY version`;

export async function applyEarlierSchema(clickhouse: ClickHouse, lastVersion: number): Promise<void> {
  const run = (sql: string): Promise<void> => clickhouse.command({ sql, doing: "making an earlier schema" });
  await run("CREATE DATABASE meterline ENGINE = Atomic");
  await run(SCHEMA_TABLE);
  for (const { version, name, checksum, statements } of migrations()) {
    if (version > lastVersion) continue;
    for (const { sql } of statements) await run(sql);
    await run(
      `INSERT INTO meterline.schema_migrations (version, name, checksum) VALUES (${version}, '${name}', '${checksum}')`,
    );
  }
}
