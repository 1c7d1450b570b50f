/** What docs/embedded-clickhouse.md says that a server has and this one has not, line by line. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startClickHouseServer, type ClickHouseServer } from "../../../src/embedded/clickhouse-server.ts";
import { ask, type HttpAnswer } from "../../support/clickhouse-http.ts";
import { freePort } from "../../support/free-port.ts";
import { tempDir } from "../../support/temp-dir.ts";

let home: Awaited<ReturnType<typeof tempDir>>;
let server: ClickHouseServer;

beforeAll(async () => {
  home = await tempDir("clickhouse-differences");
  server = await startClickHouseServer({ home: home.path, host: "127.0.0.1", port: await freePort(), password: "" });
  await sql("CREATE TABLE t (n UInt64, at DateTime('Europe/Berlin') DEFAULT 0) ENGINE = MergeTree ORDER BY n");
});

afterAll(async () => {
  await server.stop();
  await home.remove();
});

function sql(body: string, parameters: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
  return ask({ url: server.url, body, parameters });
}

async function textOf(body: string, parameters: Readonly<Record<string, string>> = {}): Promise<string> {
  return (await sql(body, parameters)).text.trimEnd();
}

test.each(["/play", "/dashboard", "/metrics", "/merges", "/binary"])("%s is not there", async (path) => {
  expect((await ask({ url: server.url, path, method: "GET" })).status).toBe(404);
});

test.each([
  ["CREATE USER u IDENTIFIED BY 'x'", 48],
  ["CREATE ROLE r", 48],
  ["CREATE ROW POLICY p ON t USING n > 1", 48],
  ["CREATE QUOTA q FOR INTERVAL 1 hour MAX queries = 10 TO default", 48],
  ["CREATE SETTINGS PROFILE p SETTINGS max_threads = 1", 48],
  ["SELECT count() FROM system.query_log", 60],
  ["SELECT count() FROM system.part_log", 60],
  ["SELECT count() FROM system.asynchronous_metric_log", 60],
  ["CREATE TABLE c ON CLUSTER 'default' (n UInt64) ENGINE = MergeTree ORDER BY n", 701],
  ["CREATE TABLE d AS t ENGINE = Distributed('default', 'default', 't')", 497],
  ["SELECT * FROM remote('127.0.0.1', system.one)", 497],
  ["SELECT * FROM s3('http://127.0.0.1/a/b.csv')", 497],
  ["SELECT * FROM file('a.csv')", 497],
  ["CREATE TABLE k (a String) ENGINE = Kafka('b', 't', 'g', 'CSV')", 497],
  ["BACKUP TABLE t TO Disk('default', 'x')", 497],
  ["BACKUP TABLE t TO S3('http://127.0.0.1/x')", 497],
  ["SYSTEM RELOAD CONFIG", 1],
  ["SYSTEM SHUTDOWN", 497],
  ["BEGIN TRANSACTION", 48],
])("%s is refused with code %i", async (statement, code) => {
  expect((await sql(statement)).headers["x-clickhouse-exception-code"]).toBe(String(code));
});

test("a replicated table is refused: there is no Keeper, and no right to its engine", async () => {
  const said = await textOf("CREATE TABLE r (n UInt64) ENGINE = ReplicatedMergeTree('/t', 'r') ORDER BY n");
  expect(said).toMatch(/^Code: (225|497)\./);
});

test("everybody is the engine's user, by a role", async () => {
  expect(await textOf("SELECT currentUser(), currentRoles()")).toBe("default\t['admin']");
});

test("an asynchronous insert is made at once: there is no queue", async () => {
  await sql("INSERT INTO t (n) VALUES (1)", { async_insert: "1", wait_for_async_insert: "0" });
  expect(await textOf("SELECT count() FROM t")).toBe("1");
  expect(await textOf("SYSTEM FLUSH ASYNC INSERT QUEUE")).toContain("it is not initialized");
});

test("the query cache keeps nothing", async () => {
  for (let again = 0; again < 2; again += 1) await sql("SELECT sum(n) FROM t", { use_query_cache: "1" });
  expect(await textOf("SELECT count() FROM system.query_cache")).toBe("0");
});

test("the summary has rows written for an insert with data alone", async () => {
  const summary = async (body: string): Promise<unknown> =>
    JSON.parse((await sql(body)).headers["x-clickhouse-summary"] as string);
  expect(await summary("INSERT INTO t (n) FORMAT CSV 2\n3\n")).toMatchObject({ written_rows: "2" });
  expect(await summary("INSERT INTO t (n) SELECT number FROM numbers(5)")).not.toHaveProperty("written_rows");
});

test("Native leaves a DateTime's zone out", async () => {
  const answer = await sql("SELECT at FROM t LIMIT 1 FORMAT Native", { client_protocol_version: "54460" });
  expect(answer.text).toContain("DateTime");
  expect(answer.text).not.toContain("Berlin");
});

test("a refreshable view, a mutation, a projection and a dictionary work as on a server", async () => {
  const statements = [
    "CREATE TABLE w (n UInt64, s String, at DateTime DEFAULT now()) ENGINE = MergeTree ORDER BY n TTL at + INTERVAL 1 DAY",
    "INSERT INTO w (n, s) VALUES (1, 'a'), (2, 'b')",
    "ALTER TABLE w UPDATE s = 'x' WHERE n = 2 SETTINGS mutations_sync = 1",
    "DELETE FROM w WHERE n = 1",
    "ALTER TABLE w ADD PROJECTION p (SELECT s, count() GROUP BY s)",
    "CREATE DICTIONARY names (n UInt64, s String) PRIMARY KEY n SOURCE(CLICKHOUSE(TABLE 'w')) LAYOUT(FLAT()) LIFETIME(0)",
    "CREATE DATABASE own",
    "CREATE MATERIALIZED VIEW own.counted REFRESH EVERY 1 HOUR ENGINE = MergeTree ORDER BY c AS SELECT count() AS c FROM w",
    "CREATE FUNCTION plus_one AS (x) -> x + 1",
  ];
  for (const statement of statements) expect([statement, (await sql(statement)).status]).toEqual([statement, 200]);
  expect(await textOf("SELECT n, dictGet('names', 's', n), plus_one(n) FROM w")).toBe("2\tx\t3");
  expect(await textOf("SELECT view FROM system.view_refreshes")).toBe("counted");
  const inDefault = "CREATE MATERIALIZED VIEW none REFRESH EVERY 1 HOUR ENGINE = Log AS SELECT count() AS c FROM w";
  expect((await sql(inDefault)).status).not.toBe(200);
});
