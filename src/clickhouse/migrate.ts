/**
 * Brings the schema up to date. Files are applied in order, up only, each statement re-runnable. A file is recorded without its checksum before its first
 * statement and with it after its last one, so a migration that died half way simply runs again, and meanwhile no earlier release works with what is there:
 * its sinks would go past views that are being replaced. A changed file or a newer schema is refused.
 * Every statement is `IF NOT EXISTS` or `IF EXISTS` and under names of its own, and a file that another one has recorded meanwhile is skipped, so two that
 * begin at once do no harm. One that stopped within a file for as long as another one needs for all of them may put back an old view: it fails at the
 * next statement that no longer fits.
 */
import { AppError } from "../kernel/errors.ts";
import type { ClickHouse } from "./connect.ts";
import { migrations, type Migration } from "./load-sql.ts";

export type SchemaState = { readonly applied: readonly number[]; readonly pending: readonly Migration[] };

/** Which migrations were applied, and which one is under way. */
export const SCHEMA_TABLE = `CREATE TABLE IF NOT EXISTS meterline.schema_migrations
(version UInt32, name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
ENGINE = ReplacingMergeTree ORDER BY version`;

/** The checksum of a file that is being applied, or whose migration died. */
const UNFINISHED = "";

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
  const applied: Migration[] = [];
  for (const migration of pending) {
    if ((await schemaState(clickhouse)).applied.includes(migration.version)) continue;
    onMigration(migration.name);
    await apply(clickhouse, migration);
    applied.push(migration);
  }
  return applied;
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
    if (row.checksum !== UNFINISHED && file.checksum !== row.checksum) throw changedMigration(row.name);
  }
  const applied = rows.filter(({ checksum }) => checksum !== UNFINISHED).map(({ version }) => version);
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
  await record(clickhouse, { ...migration, checksum: UNFINISHED });
  for (const [index, { sql, unless }] of migration.statements.entries()) {
    const doing = `applying statement ${index + 1} of migration ${migration.name}`;
    if (unless !== undefined && (await clickhouse.rows({ sql: unless, doing })).length > 0) continue;
    await clickhouse.command({ sql, doing });
  }
  await record(clickhouse, migration);
}

async function record(
  clickhouse: ClickHouse,
  { version, name, checksum }: Omit<Migration, "statements">,
): Promise<void> {
  await clickhouse.command({
    sql: "INSERT INTO meterline.schema_migrations (version, name, checksum) SELECT {version: UInt32}, {name: String}, {checksum: String}",
    params: { version, name, checksum },
    doing: `recording migration ${name}`,
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
