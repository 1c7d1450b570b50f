/** What was acknowledged stays: after kill -9, with every insert on the disk, and in a backup that is taken while inserts go on. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startClickHouseServer, type ClickHouseServer } from "../../../src/embedded/clickhouse-server.ts";
import { ask } from "../../support/clickhouse-http.ts";
import { freePort } from "../../support/free-port.ts";
import { tempDir } from "../../support/temp-dir.ts";

const ROWS_EACH = 1000;

let home: Awaited<ReturnType<typeof tempDir>>;
let server: ClickHouseServer;

beforeEach(async () => {
  home = await tempDir("clickhouse-durability");
  server = await start({});
});

afterEach(async () => {
  await server.stop();
  await home.remove();
});

async function start(options: { readonly fsync?: boolean }): Promise<ClickHouseServer> {
  return startClickHouseServer({
    home: home.path,
    host: "127.0.0.1",
    port: await freePort(),
    password: "",
    ...options,
  });
}

async function sql(body: string): Promise<string> {
  return (await ask({ url: server.url, body })).text;
}

function rowsOf(batch: number): string {
  return Array.from({ length: ROWS_EACH }, (_, n) => `${batch},${n}\n`).join("");
}

type Inserting = { readonly acknowledged: ReadonlySet<number>; readonly stop: () => Promise<void> };

/** Inserts one batch after the other until it is stopped or the server is gone. */
function insertOn(): Inserting {
  const acknowledged = new Set<number>();
  let isStopped = false;
  const run = async (): Promise<void> => {
    for (let batch = 0; !isStopped; batch++) {
      const answer = await ask({ url: server.url, body: `INSERT INTO b FORMAT CSV\n${rowsOf(batch)}` }).catch(
        () => null,
      );
      if (answer === null) return;
      if (answer.status === 200) acknowledged.add(batch);
    }
  };
  const running = run();
  const stop = async (): Promise<void> => {
    isStopped = true;
    await running;
  };
  return { acknowledged, stop };
}

async function batchesThere(): Promise<ReadonlyMap<number, number>> {
  const lines = (await sql("SELECT batch, count() FROM b GROUP BY batch")).trim().split("\n").filter(Boolean);
  return new Map(lines.map((line) => line.split("\t").map(Number) as [number, number]));
}

async function until(condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 2000 && !condition(); attempt++)
    await new Promise((resolve) => setTimeout(resolve, 10));
}

const TABLE = "CREATE TABLE b (batch UInt32, n UInt32) ENGINE = MergeTree ORDER BY (batch, n)";

test.each([false, true])(
  "kill -9 amid inserts loses none that was acknowledged, and halves none (fsync: %s)",
  async (fsync) => {
    await server.stop();
    server = await start({ fsync });
    await sql(TABLE);
    for (let round = 1; round <= 3; round++) {
      await sql("TRUNCATE TABLE b");
      const inserting = insertOn();
      await until(() => inserting.acknowledged.size >= 5 * round);
      process.kill(server.pid, "SIGKILL");
      await server.exited;
      await inserting.stop();
      server = await start({ fsync });
      const there = await batchesThere();
      for (const batch of inserting.acknowledged) expect(there.get(batch)).toBe(ROWS_EACH);
      // At most the one that was under way, and that as a whole.
      expect(there.size - inserting.acknowledged.size).toBeLessThanOrEqual(1);
      for (const rows of there.values()) expect(rows).toBe(ROWS_EACH);
    }
  },
);

test("fsync on insert is what the engine's tables do", async () => {
  const setting = "SELECT value FROM system.merge_tree_settings WHERE name = 'fsync_after_insert'";
  expect(await sql(setting)).toBe("0\n");
  await server.stop();
  server = await start({ fsync: true });
  expect(await sql(setting)).toBe("1\n");
});

test("SIGTERM amid inserts lets what is under way end", async () => {
  await sql(TABLE);
  const inserting = insertOn();
  await until(() => inserting.acknowledged.size >= 5);
  await server.stop();
  await inserting.stop();
  server = await start({});
  const there = await batchesThere();
  expect([...there.keys()].sort((a, b) => a - b)).toEqual([...inserting.acknowledged].sort((a, b) => a - b));
});

test("a backup taken amid inserts holds whole batches and comes back as another table", async () => {
  await sql(TABLE);
  const inserting = insertOn();
  await until(() => inserting.acknowledged.size >= 20);
  const before = new Set(inserting.acknowledged);
  expect(await sql("BACKUP TABLE b TO File('b-1')")).toContain("BACKUP_CREATED");
  await until(() => inserting.acknowledged.size >= before.size + 20);
  await inserting.stop();
  expect(await sql("RESTORE TABLE b AS restored FROM File('b-1')")).toContain("RESTORED");
  const counts = (await sql("SELECT batch, count() FROM restored GROUP BY batch")).trim().split("\n");
  const restored = new Map(counts.map((line) => line.split("\t").map(Number) as [number, number]));
  for (const batch of before) expect(restored.get(batch)).toBe(ROWS_EACH);
  for (const rows of restored.values()) expect(rows).toBe(ROWS_EACH);
  expect(restored.size).toBeLessThan((await batchesThere()).size);
  expect(readdirSync(join(home.path, "clickhouse", "backups"))).toEqual(["b-1"]);
});

test("a backup goes nowhere but into the directory of backups", async () => {
  await sql(TABLE);
  for (const place of ["/tmp/meterline-elsewhere", "../../elsewhere", "b/../../../elsewhere"])
    expect(await sql(`BACKUP TABLE b TO File('${place}')`)).toMatch(/^Code: \d+\./);
  expect(readdirSync(join(home.path, "clickhouse"))).not.toContain("elsewhere");
  expect(readFileSync(join(home.path, "clickhouse", "engine.xml"), "utf8")).toContain("<allowed_path>");
});
