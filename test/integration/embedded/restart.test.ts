import { existsSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { newInstanceIn, startMeterline, until, type Instance } from "../../support/meterline-process.ts";
import { tempDir, type TempDir } from "../../support/temp-dir.ts";

const DEADLINE_MS = 60_000;
/** Within what an ending server waits for its answers, and long enough for a busy machine to start another meanwhile. */
const QUERY_SECONDS = 8;

let dir: TempDir;
let instance: Instance;
let url = "";

beforeEach(async () => {
  dir = await tempDir("restart");
  instance = await newInstanceIn(`${dir.path}/home`);
  url = `http://127.0.0.1:${String(instance.env["METERLINE_CLICKHOUSE_PORT"])}/`;
});
afterEach(() => dir.remove());

const ask = (sql: string): Promise<string> =>
  fetch(url, {
    method: "POST",
    body: sql,
    headers: { Authorization: `Basic ${Buffer.from("default:only for tests").toString("base64")}` },
  }).then((answer) => answer.text());

const untilAnswered = (sql: string): Promise<string> =>
  until("ClickHouse answers", DEADLINE_MS, () => ask(sql).catch(() => undefined));

// Guarantee: `kill -9` and a start right after it, as a supervisor does, never meet a data directory that is still open.
test("who starts again right after a kill waits for the engine that is ending", async () => {
  const killed = startMeterline(instance, ["clickhouse"]);
  expect(await untilAnswered("CREATE TABLE kept (a UInt64) ENGINE = MergeTree ORDER BY a")).toBe("");
  expect(await ask("INSERT INTO kept VALUES (1)")).toBe("");
  const engine = (JSON.parse(readFileSync(`${instance.home}/clickhouse/lock`, "utf8")) as { pid: number }).pid;
  const slow = ask(`SELECT sum(sleepEachRow(1)) FROM numbers(${String(QUERY_SECONDS)}) SETTINGS max_block_size = 1`);
  await until("the query runs", DEADLINE_MS, async () =>
    (await ask("SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow(%'")) === "2\n" ? true : undefined,
  );

  killed.signal("SIGKILL");
  await killed.ended;
  const restarted = startMeterline(instance, ["clickhouse"]);
  await until("the wait is told", DEADLINE_MS, () => restarted.stderr().includes("ending") || undefined);
  expect(restarted.stderr()).toContain(`waiting for process ${String(engine)}`);
  expect(await slow).toBe("0\n");
  expect(await untilAnswered("SELECT a FROM kept")).toBe("1\n");
  restarted.signal("SIGTERM");
  expect(await restarted.ended).toMatchObject({ code: 0 });
});

// Guarantee: a stop that is asked for while the engine opens is not forgotten.
test("a stop during the start ends the process", async () => {
  const stopped = startMeterline(instance, ["clickhouse"]);
  await until(
    "the engine's process is there",
    DEADLINE_MS,
    () => existsSync(`${instance.home}/clickhouse/lock`) || undefined,
  );
  stopped.signal("SIGTERM");
  expect(await stopped.ended).toMatchObject({ code: 0 });
});
