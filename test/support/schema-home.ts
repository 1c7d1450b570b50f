/**
 * The ClickHouse files of a home whose schema is up to date, made once and copied: a tenth of the time of migrating, which nearly every test of
 * real servers would do. Kept until a migration or the engine changes.
 */
import { cp, mkdir, rename, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { connectClickHouse } from "../../src/clickhouse/connect.ts";
import { migrations } from "../../src/clickhouse/load-sql.ts";
import { migrate } from "../../src/clickhouse/migrate.ts";
import { startClickHouseServer } from "../../src/embedded/clickhouse-server.ts";
import { sha256Hex } from "../../src/kernel/hash.ts";
import { freePort } from "./free-port.ts";
import { tempDir } from "./temp-dir.ts";

const CACHE = resolve(import.meta.dirname, "../../node_modules/.cache/meterline-schema");
const FILES = "clickhouse/data";

/** Puts a migrated database into a home that no server has used yet. */
export async function copySchemaInto(home: string): Promise<void> {
  const made = await schemaHome();
  await mkdir(join(home, "clickhouse"), { recursive: true, mode: 0o700 });
  await cp(join(made, FILES), join(home, FILES), { recursive: true, errorOnExist: true, force: false });
}

async function schemaHome(): Promise<string> {
  const { version } = createRequire(import.meta.url)("chdb/package.json") as { version: string };
  const files = migrations().map(({ name, checksum }) => `${name} ${checksum}`);
  const made = join(CACHE, sha256Hex([version, ...files].join()).slice(0, 16));
  if (!(await exists(made))) await makeSchemaHome(made);
  return made;
}

/** Test files run side by side: the first one that is ready is the one that stays. */
async function makeSchemaHome(made: string): Promise<void> {
  const dir = await tempDir("schema");
  try {
    const server = await startClickHouseServer({
      home: dir.path,
      host: "127.0.0.1",
      port: await freePort(),
      password: "",
    });
    const clickhouse = connectClickHouse({ url: server.url, user: "default", password: "" });
    await migrate(clickhouse).finally(() => clickhouse.close());
    await server.stop();
    const copied = `${made}.${String(process.pid)}`;
    await cp(join(dir.path, FILES), join(copied, FILES), { recursive: true });
    await rename(copied, made).catch(async (error: unknown) => {
      await rm(copied, { recursive: true });
      if (!(await exists(made))) throw error;
    });
  } finally {
    await dir.remove();
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
