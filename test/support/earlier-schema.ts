/** A schema as an earlier release left it, for tests of the migrations behind it. The server has none yet (`startTestServers({ schema: false })`). */
import type { ClickHouse } from "../../src/clickhouse/connect.ts";
import { migrations } from "../../src/clickhouse/load-sql.ts";
import { SCHEMA_TABLE } from "../../src/clickhouse/migrate.ts";

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
