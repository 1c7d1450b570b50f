/**
 * Brings the schema up to date. Files are applied in order, up only, each statement re-runnable; a file is recorded after its last
 * statement, so a migration that died half way simply runs again. A changed file or a newer schema is refused.
 * Every statement is `IF NOT EXISTS` or `IF EXISTS` and under names of its own, so two that run at once do no harm.
 */
import { AppError } from "../kernel/errors.ts";
import type { ClickHouse } from "./connect.ts";
import { migrations, type Migration } from "./load-sql.ts";

export type SchemaState = { readonly applied: readonly number[]; readonly pending: readonly Migration[] };

const SCHEMA_TABLE = `CREATE TABLE IF NOT EXISTS meterline.schema_migrations
(version UInt32, name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
ENGINE = ReplacingMergeTree ORDER BY version`;

/** Applies what is pending and returns it. `onMigration` is called before each file. */
export async function migrate(
  clickhouse: ClickHouse,
  onMigration: (name: string) => void = () => undefined,
): Promise<readonly Migration[]> {
  await clickhouse.command({
    sql: "CREATE DATABASE IF NOT EXISTS meterline ENGINE = Atomic",
    doing: "creating the database meterline",
  });
  await clickhouse.command({ sql: SCHEMA_TABLE, doing: "creating meterline.schema_migrations" });
  const { pending } = await schemaState(clickhouse);
  for (const migration of pending) {
    onMigration(migration.name);
    await apply(clickhouse, migration);
  }
  return pending;
}

/** Compares the files with what the server has; throws when they contradict each other. */
async function schemaState(clickhouse: ClickHouse): Promise<SchemaState> {
  const files = migrations();
  const rows = await clickhouse.rows<{ version: number; name: string; checksum: string }>({
    sql: "SELECT version, name, checksum FROM meterline.schema_migrations FINAL ORDER BY version",
    doing: "reading the schema version",
  });
  for (const row of rows) {
    const file = files.find((candidate) => candidate.version === row.version);
    if (file === undefined) throw newerSchema(row.name);
    if (file.checksum !== row.checksum) throw changedMigration(row.name);
  }
  const applied = rows.map((row) => row.version);
  return { applied, pending: files.filter((file) => !applied.includes(file.version)) };
}

/** True when a schema that may hold usage is about to change; making the first one is not. */
export async function changesSchema(clickhouse: ClickHouse): Promise<boolean> {
  if (!(await hasSchema(clickhouse))) return false;
  const { applied, pending } = await schemaState(clickhouse);
  return applied.length > 0 && pending.length > 0;
}

async function hasSchema(clickhouse: ClickHouse): Promise<boolean> {
  const exists = await clickhouse.rows<{ found: number }>({
    sql: "SELECT toUInt8(count() > 0) AS found FROM system.tables WHERE database = 'meterline' AND name = 'schema_migrations'",
    doing: "looking for the schema",
  });
  return exists[0]?.found === 1;
}

/** For every role: refuses a schema that is not exactly this release's. */
export async function requireCurrentSchema(clickhouse: ClickHouse): Promise<void> {
  const pending = (await hasSchema(clickhouse))
    ? (await schemaState(clickhouse)).pending.map((file) => file.name)
    : ["all"];
  if (pending.length === 0) return;
  throw new AppError({
    code: "SCHEMA_BEHIND",
    kind: "settings",
    message: `The ClickHouse schema lacks the migrations ${pending.join(", ")}: run \`meterline migrate\``,
  });
}

async function apply(clickhouse: ClickHouse, migration: Migration): Promise<void> {
  for (const [index, sql] of migration.statements.entries()) {
    await clickhouse.command({ sql, doing: `applying statement ${index + 1} of migration ${migration.name}` });
  }
  await clickhouse.command({
    sql: "INSERT INTO meterline.schema_migrations (version, name, checksum) SELECT {version: UInt32}, {name: String}, {checksum: String}",
    params: { version: migration.version, name: migration.name, checksum: migration.checksum },
    doing: `recording migration ${migration.name}`,
  });
}

function newerSchema(name: string): AppError {
  return new AppError({
    code: "SCHEMA_NEWER",
    kind: "settings",
    message: `The ClickHouse schema has the migration ${name}, which this release does not know: run the release that made it, or a newer one`,
  });
}

function changedMigration(name: string): AppError {
  return new AppError({
    code: "SCHEMA_MIGRATION_CHANGED",
    kind: "settings",
    message: `The file of migration ${name} differs from what was applied: restore the file; a change is a new migration`,
  });
}
