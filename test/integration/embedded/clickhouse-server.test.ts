import { once } from "node:events";
import { createServer } from "node:http";
import { request } from "node:http";
import { gzipSync } from "node:zlib";
import { createClient, type ClickHouseClient } from "@clickhouse/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startClickHouseServer, type ClickHouseServer } from "../../../src/embedded/clickhouse-server.ts";
import { freePort } from "../../support/free-port.ts";
import { tempDir } from "../../support/temp-dir.ts";

let home: Awaited<ReturnType<typeof tempDir>>;
let server: ClickHouseServer;
let client: ClickHouseClient;

beforeAll(async () => {
  home = await tempDir("clickhouse-server");
  server = await startClickHouseServer({ home: home.path, host: "127.0.0.1", port: await freePort() });
  client = createClient({ url: server.url, log: { level: 127 } });
});

afterAll(async () => {
  await client.close();
  await server.stop();
  await home.remove();
});

async function post(
  query: string,
  body: string | Uint8Array = "",
  headers: Record<string, string> = {},
): Promise<string> {
  const url = query === "" ? server.url : `${server.url}/?query=${encodeURIComponent(query)}`;
  const response = await fetch(url, { method: "POST", body, headers });
  return `${response.status} ${await response.text()}`;
}

async function count(table: string): Promise<number | undefined> {
  const result = await client.query({ query: `SELECT count() AS n FROM ${table}`, format: "JSONEachRow" });
  return (await result.json<{ n: number }>())[0]?.n;
}

describe("the official client", () => {
  test("reads rows, whole documents and streams", async () => {
    const rows = await client.query({ query: "SELECT number AS n FROM numbers(3)", format: "JSONEachRow" });
    expect(await rows.json()).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
    const document = await client.query({ query: "SELECT 1 AS x", format: "JSON" });
    expect((await document.json<{ x: number }>()).data).toEqual([{ x: 1 }]);
    const streamed = await client.query({ query: "SELECT number FROM numbers(200000)", format: "CSV" });
    let lines = 0;
    for await (const chunk of streamed.stream()) lines += chunk.length;
    expect(lines).toBe(200_000);
  });

  test("binds parameters exactly as they are", async () => {
    const query_params = {
      text: "it's \\ a tab\t and\na line",
      list: ["a'b", "c\\d"],
      map: { k: "v'" },
      whole: "18446744073709551615",
    };
    const result = await client.query({
      query:
        "SELECT {text: String} AS text, {list: Array(String)} AS list, {map: Map(String, String)} AS map, {whole: UInt64} AS whole",
      query_params,
      format: "JSONEachRow",
      clickhouse_settings: { output_format_json_quote_64bit_integers: 1 },
    });
    expect(await result.json()).toEqual([query_params]);
  });

  // Guarantee: one HTTP insert is one engine INSERT of any size, so a repeated token adds nothing.
  test("inserts once per token, however large the body", async () => {
    await client.command({
      query:
        "CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100",
    });
    const values = Array.from({ length: 100_000 }, (_, a) => ({ a, b: `${"x".repeat(200)}${a}` }));
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await client.insert({
        table: "t",
        values,
        format: "JSONEachRow",
        clickhouse_settings: { insert_deduplication_token: "once", async_insert: 0 },
      });
    }
    expect(await count("t")).toBe(100_000);
  });

  test("gets errors with the server's code and type", async () => {
    await expect(client.query({ query: "SELECT * FROM nowhere" })).rejects.toMatchObject({
      code: "60",
      type: "UNKNOWN_TABLE",
    });
    await expect(client.command({ query: "SELECT 1 FROM" })).rejects.toMatchObject({
      code: "62",
      type: "SYNTAX_ERROR",
    });
  });
});

describe("a plain HTTP client", () => {
  test("asks and inserts by URL, by body and by both", async () => {
    expect(await (await fetch(`${server.url}/ping`)).text()).toBe("Ok.\n");
    expect(await (await fetch(`${server.url}/?query=SELECT%201`)).text()).toBe("1\n");
    await post("", "CREATE TABLE u (a UInt64, b String) ENGINE = MergeTree ORDER BY a");
    expect(await post("", "INSERT INTO u (a, b) VALUES (1, 'x'), (2, 'y')")).toMatch(/^200/);
    expect(await post("", 'INSERT INTO u (a, b) FORMAT CSV\n3,"z"\n')).toMatch(/^200/);
    expect(await post("INSERT INTO u (a, b) SETTINGS async_insert = 0 FORMAT TSV", "4\tw\n")).toMatch(/^200/);
    expect(await post("INSERT INTO u FORMAT TSV", gzipSync("5\tv\n"), { "Content-Encoding": "gzip" })).toMatch(/^200/);
    expect(
      await post(
        "INSERT INTO u SELECT a + 1, b FROM input('a UInt64, b String') FORMAT JSONEachRow",
        '{"a":5,"b":"in"}',
      ),
    ).toMatch(/^200/);
    expect(await post("", "SELECT groupArray(b) FROM (SELECT b FROM u ORDER BY a)")).toBe(
      "200 ['x','y','z','w','v','in']\n",
    );
  });

  // Guarantee: SET sticks to an engine session, but no request sees another one's settings.
  test("settings hold for one request alone", async () => {
    expect(await (await fetch(`${server.url}/?max_threads=3&query=SELECT+getSetting('max_threads')`)).text()).toBe(
      "3\n",
    );
    const answers = await Promise.all(Array.from({ length: 8 }, () => post("SELECT getSetting('max_threads') = 3")));
    expect(new Set(answers)).toEqual(new Set(["200 0\n"]));
  });

  test("an unknown setting is refused, and the next request is not affected", async () => {
    const refused = await fetch(`${server.url}/?no_such_setting=1&query=SELECT+1`);
    expect(refused.headers.get("x-clickhouse-exception-code")).toBe("115");
    expect(await post("SELECT 1")).toBe("200 1\n");
  });

  // Guarantee: a page in a browser cannot reach the server under a name of its own.
  test("another Host is refused", async () => {
    const { hostname, port } = new URL(server.url);
    const sent = request({ hostname, port, path: "/?query=SELECT+1", headers: { Host: "evil.example" } }).end();
    const [response] = (await once(sent, "response")) as [{ statusCode: number; resume: () => void }];
    response.resume();
    expect(response.statusCode).toBe(403);
  });
});

// Guarantee: a heavy query of finance does not make ingestion wait.
test("an insert of the sink goes through while every query session is busy", async () => {
  await post("", "CREATE DATABASE IF NOT EXISTS meterline");
  await post("", "CREATE TABLE IF NOT EXISTS meterline.sink_fence (shard UInt16) ENGINE = MergeTree ORDER BY shard");
  let finished = 0;
  const slow = Array.from({ length: 4 }, () => post("SELECT sleep(3)").then(() => (finished += 1)));
  await post("", "INSERT INTO meterline.sink_fence VALUES (1)");
  expect(finished).toBe(0);
  await Promise.all(slow);
});

describe("starting", () => {
  test("a busy port names the setting", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const dir = await tempDir("clickhouse-port");
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await expect(startClickHouseServer({ home: dir.path, host: "127.0.0.1", port })).rejects.toMatchObject({
      code: "PORT_IN_USE",
      kind: "settings",
      message: expect.stringContaining("METERLINE_CLICKHOUSE_PORT") as string,
    });
    other.close();
    await dir.remove();
  });

  test("a second instance on one directory is refused", async () => {
    await expect(
      startClickHouseServer({ home: home.path, host: "127.0.0.1", port: await freePort() }),
    ).rejects.toMatchObject({
      code: "DIRECTORY_IN_USE",
      kind: "settings",
    });
  });

  test("a user and a password from the settings are asked for", async () => {
    const dir = await tempDir("clickhouse-user");
    const guarded = await startClickHouseServer({
      home: dir.path,
      host: "127.0.0.1",
      port: await freePort(),
      user: "finance",
      password: "s3cret",
    });
    const ask = async (credentials: string): Promise<number> =>
      (
        await fetch(`${guarded.url}/?query=SELECT+1`, {
          headers: { Authorization: `Basic ${Buffer.from(credentials).toString("base64")}` },
        })
      ).status;
    expect(await ask("finance:s3cret")).toBe(200);
    expect(await ask("finance:wrong")).toBe(403);
    expect(await ask("default:")).toBe(403);
    await guarded.stop();
    await dir.remove();
  });

  // Guarantee: what was acknowledged is there after kill -9.
  test("an acknowledged insert outlives the process", async () => {
    const dir = await tempDir("clickhouse-kill");
    const first = await startClickHouseServer({ home: dir.path, host: "127.0.0.1", port: await freePort() });
    const ask = (url: string, sql: string): Promise<string> =>
      fetch(url, { method: "POST", body: sql }).then((response) => response.text());
    await ask(first.url, "CREATE TABLE k (a UInt64) ENGINE = MergeTree ORDER BY a");
    for (let a = 0; a < 20; a += 1) expect(await ask(first.url, `INSERT INTO k VALUES (${a})`)).toBe("");
    process.kill(first.pid, "SIGKILL");
    await first.exited;
    const second = await startClickHouseServer({ home: dir.path, host: "127.0.0.1", port: await freePort() });
    expect(await ask(second.url, "SELECT count() FROM k")).toBe("20\n");
    await second.stop();
    await dir.remove();
  });
});
