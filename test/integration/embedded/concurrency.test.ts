/** Many clients at once: each gets its own answer, nobody waits behind one greedy user, and what is too much is refused as such. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startClickHouseServer, type ClickHouseServer } from "../../../src/embedded/clickhouse-server.ts";
import { ask, type HttpAnswer } from "../../support/clickhouse-http.ts";
import { freePort } from "../../support/free-port.ts";
import { tempDir } from "../../support/temp-dir.ts";

const CLIENTS = 50;
const REQUESTS_EACH = 4;
const MEMORY_BYTES = 200_000_000;
const RESULT_BYTES = 50_000_000;

let home: Awaited<ReturnType<typeof tempDir>>;
let server: ClickHouseServer;

beforeAll(async () => {
  home = await tempDir("clickhouse-concurrency");
  server = await startClickHouseServer({
    home: home.path,
    host: "127.0.0.1",
    port: await freePort(),
    password: "",
    passwords: { admin: "admin", sink: "sink", finance: "finance" },
    limits: { memoryBytes: MEMORY_BYTES, seconds: 3, resultBytes: RESULT_BYTES },
  });
  for (const database of ["meterline", "finance"]) await sql(`CREATE DATABASE ${database}`);
  await sql("CREATE TABLE meterline.sink_fence (shard UInt16) ENGINE = MergeTree ORDER BY shard");
  await sql(
    "CREATE TABLE meterline.rows (client UInt16, request UInt16, n UInt32) ENGINE = MergeTree ORDER BY (client, request, n)",
  );
  await sql(
    "CREATE VIEW finance.slow DEFINER = default SQL SECURITY DEFINER AS SELECT sleepEachRow(0.2) AS s FROM numbers(10)",
  );
});

afterAll(async () => {
  await server.stop();
  await home.remove();
});

type Asked = { readonly user?: string; readonly parameters?: Readonly<Record<string, string>> };

function sql(body: string, { user = "default", parameters = {} }: Asked = {}): Promise<HttpAnswer> {
  const password = user === "default" ? "" : user;
  const headers = { "x-clickhouse-user": user, "x-clickhouse-key": password };
  return ask({ url: server.url, body, parameters, headers });
}

const ONE_ROW_A_BLOCK = { max_block_size: "1", function_sleep_max_microseconds_per_block: "0" };

test("50 clients insert and read at once, and each reads what it wrote", async () => {
  const client = async (id: number): Promise<readonly string[]> => {
    const answers: string[] = [];
    for (let request = 0; request < REQUESTS_EACH; request++) {
      const rows = Array.from({ length: 100 }, (_, n) => `${id},${request},${n}\n`).join("");
      const inserted = await sql(`INSERT INTO meterline.rows FORMAT CSV\n${rows}`);
      expect(inserted.text).toBe("");
      answers.push((await sql(`SELECT count(), sum(n), any(client) FROM meterline.rows WHERE client = ${id}`)).text);
    }
    return answers;
  };
  const all = await Promise.all(Array.from({ length: CLIENTS }, (_, id) => client(id)));
  for (const [id, answers] of all.entries())
    expect(answers).toEqual([1, 2, 3, 4].map((n) => `${100 * n}\t${4950 * n}\t${id}\n`));
  expect((await sql("SELECT count() FROM meterline.rows")).text).toBe(`${CLIENTS * REQUESTS_EACH * 100}\n`);
});

test("one user with many heavy queries does not hold another user's up behind all of them", async () => {
  const ended: string[] = [];
  const heavy = Array.from({ length: 9 }, async () => {
    await sql("SELECT * FROM finance.slow", { user: "finance", parameters: ONE_ROW_A_BLOCK });
    ended.push("heavy");
  });
  await delay(300);
  const light = sql("SELECT 1", { user: "admin" }).then((answer) => {
    ended.push("light");
    return answer;
  });
  expect((await light).text).toBe("1\n");
  await Promise.all(heavy);
  expect(ended.indexOf("light")).toBeLessThan(4);
});

test("queries of one user that do not end keep no other user out", async () => {
  const endless = Array.from({ length: 5 }, () =>
    sql("SELECT sum(cityHash64(number)) FROM numbers_mt(1000000000000)", { user: "finance" }),
  );
  await delay(300);
  let hasOneEnded = false;
  void Promise.race(endless).then(() => {
    hasOneEnded = true;
  });
  for (let n = 0; n < 5; n++) expect((await sql(`SELECT ${n}`, { user: "admin" })).text).toBe(`${n}\n`);
  expect(hasOneEnded).toBe(false);
  await Promise.all(endless);
});

test("the sink inserts while finance holds every seat", async () => {
  const heavy = Array.from({ length: 6 }, () =>
    sql("SELECT * FROM finance.slow", { user: "finance", parameters: ONE_ROW_A_BLOCK }),
  );
  await delay(300);
  let isFinanceDone = false;
  const all = Promise.all(heavy).then(() => {
    isFinanceDone = true;
  });
  expect((await sql("INSERT INTO meterline.sink_fence VALUES (999)", { user: "sink" })).status).toBe(200);
  expect(isFinanceDone).toBe(false);
  await all;
});

test("more waiting than there is room for is refused as too many, and the others are answered", async () => {
  const slow = Array.from({ length: 230 }, () => sql("SELECT sleep(0.05)"));
  const answers = await Promise.all(slow);
  const refused = answers.filter((answer) => answer.headers["x-clickhouse-exception-code"] === "202");
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]?.text).toMatch(/^Code: 202\. DB::Exception: .+TOO_MANY_SIMULTANEOUS_QUERIES/);
  expect(answers.filter((answer) => answer.status === 200)).toHaveLength(230 - refused.length);
});

test("a query that takes too long, too much memory or gives too much is ended with the server's code", async () => {
  const long = await sql("SELECT sleepEachRow(0.2) FROM numbers(100)", { parameters: ONE_ROW_A_BLOCK });
  expect(long.headers["x-clickhouse-exception-code"]).toBe("159");
  const large = await sql("SELECT length(groupArray(repeat(toString(number), 10))) FROM numbers(20000000)");
  expect(large.headers["x-clickhouse-exception-code"]).toBe("241");
  const wide = await sql("SELECT repeat(toString(number), 500) FROM numbers(100000) FORMAT RowBinary", {
    parameters: { max_block_size: "1000" },
  });
  expect(wide.broken).toBe(true);
  expect(wide.text.slice(-2000)).toContain("Code: 396.");
  expect((await sql("SELECT 1")).text).toBe("1\n");
});

test("the sink's inserts know no limit of time or memory", async () => {
  const settings =
    "SELECT name, value FROM system.settings WHERE name IN ('max_execution_time', 'max_memory_usage') ORDER BY name";
  expect((await sql(settings, { user: "sink" })).text).toBe("max_execution_time\t0\nmax_memory_usage\t0\n");
  expect((await sql(settings, { user: "finance" })).text).toBe(
    `max_execution_time\t3\nmax_memory_usage\t${MEMORY_BYTES}\n`,
  );
});
