import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
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
  server = await startClickHouseServer({ home: home.path, host: "127.0.0.1", port: await freePort(), password: "" });
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

describe("each request is alone", () => {
  // Guarantee: what one client binds, sets or creates for its session is neither seen nor felt by another.
  test("parameters, SET and temporary tables stay with their request", async () => {
    const bound = await fetch(`${server.url}/?param_p=secret`, { method: "POST", body: "SELECT {p: String}" });
    expect(await bound.text()).toBe("secret\n");
    await post("SET max_threads = 7");
    await post("CREATE TEMPORARY TABLE mine (a Int8)");
    for (let attempt = 0; attempt < 6; attempt += 1) {
      expect(await post("SELECT {p: String}")).toContain("Code: 456");
      expect(await post("SELECT getSetting('max_threads') = 7")).toBe("200 0\n");
      expect(await post("EXISTS TEMPORARY TABLE mine")).toBe("200 0\n");
    }
  });

  test("a second statement, and files of the server, are refused", async () => {
    await post("", "CREATE TABLE kept (a UInt64) ENGINE = MergeTree ORDER BY a");
    for (const first of ["SELECT 1", "INSERT INTO kept VALUES (1)", "INSERT INTO kept SELECT 1"])
      expect(await post("", `${first}; DROP TABLE kept`)).toMatch(/^400 Code: 62/);
    expect(await post("", "SELECT 1 INTO OUTFILE '/tmp/meterline-outfile'")).toMatch(/^501 Code: 48/);
    expect(await post("", "INSERT INTO kept FROM INFILE '/etc/hostname' FORMAT LineAsString")).toMatch(/^501 Code: 48/);
    expect(await count("kept")).toBe(0);
  });
});

describe("bytes arrive as they were sent", () => {
  // Guarantee: a statement and binary data in one body are told apart by bytes, not by characters.
  test("binary data behind its statement", async () => {
    await post("", "CREATE TABLE bin (a UInt64, b String) ENGINE = MergeTree ORDER BY a");
    const row = Buffer.from([0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9, 0xf8, 2, 0xc3, 0x28]);
    const body = Buffer.concat([Buffer.from("INSERT INTO bin FORMAT RowBinary\n"), row, row]);
    expect(await post("", body)).toMatch(/^200/);
    expect(await post("", "SELECT count(), any(hex(a)), any(hex(b)) FROM bin")).toBe("200 2\tF8F9FAFBFCFDFEFF\tC328\n");
  });

  // Guarantee: the border behind which a body is read on cuts no character in two.
  test.each([0, 1, 2])("a long text of characters of several bytes, shifted by %d", async (shift) => {
    const text = "x".repeat(shift) + "ü€".repeat(100_000);
    await post("", `CREATE TABLE long${shift} (b String) ENGINE = MergeTree ORDER BY b`);
    expect(await post("", `INSERT INTO long${shift} VALUES ('${text}')`)).toMatch(/^200/);
    expect(await post("", `SELECT b = repeat('x', ${shift}) || repeat('ü€', 100000) FROM long${shift}`)).toBe(
      "200 1\n",
    );
  });

  // Guarantee: one HTTP insert with the writer's settings is one block, so one part; through input() as well; a repeated token adds none.
  test("32 MB of RowBinary are one part, once", async () => {
    const structure =
      "a UInt64, s String, l Array(Tuple(String, Decimal(38, 18))), m Map(String, String), d DateTime64(9), u UInt128";
    await post(
      "",
      `CREATE TABLE rb (${structure}) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100`,
    );
    const made = await fetch(server.url, {
      method: "POST",
      body: `SELECT number::UInt64, repeat('x', 300), [('k', toDecimal128('1.5', 18))], map('a', 'b'), toDateTime64(number, 9),
        toUInt128(number) + toUInt128('100000000000000000000000000000') FROM numbers(90000) FORMAT RowBinary`,
    });
    const body = Buffer.from(await made.arrayBuffer());
    expect(body.length).toBeGreaterThan(32e6);
    const settings =
      "min_insert_block_size_bytes=0&min_insert_block_size_rows=1048449&max_insert_block_size=1048449&max_block_size=1048449" +
      "&input_format_parallel_parsing=0&max_insert_threads=1&async_insert=0";
    const statements = [
      "INSERT INTO rb FORMAT RowBinary",
      `INSERT INTO rb SELECT * FROM input('${structure}') WHERE throwIf(a > 1e9, 'no') = 0 FORMAT RowBinary`,
    ];
    for (const [n, statement] of [...statements, ...statements].entries()) {
      const query = `${settings}&insert_deduplication_token=t${n % 2}&query=${encodeURIComponent(statement)}`;
      expect((await fetch(`${server.url}/?${query}`, { method: "POST", body })).status).toBe(200);
    }
    expect(await post("", "SELECT groupArray(rows) FROM system.parts WHERE table = 'rb' AND active")).toBe(
      "200 [90000,90000]\n",
    );
  });
});

describe("results", () => {
  test.each(["Parquet", "Native", "Arrow", "XML", "CSVWithNames", "TSVWithNamesAndTypes"])(
    "%s is one document, however long",
    async (format) => {
      const query = `SELECT number, toString(number) AS s FROM numbers(700000) FORMAT ${format}`;
      const bytes = Buffer.from(await (await fetch(server.url, { method: "POST", body: query })).arrayBuffer());
      expect(bytes.length).toBeGreaterThan(1024 * 1024);
      await post("", `CREATE TABLE doc${format} (number UInt64, s String) ENGINE = MergeTree ORDER BY number`);
      const back = format === "XML" ? bytes.toString("utf8").match(/<row>/g)?.length : undefined;
      if (back !== undefined) expect(back).toBe(700_000);
      else {
        expect(await post(`INSERT INTO doc${format} FORMAT ${format}`, bytes)).toMatch(/^200/);
        expect(await post("", `SELECT count(), sum(number), sum(length(s)) FROM doc${format}`)).toBe(
          "200 700000\t244999650000\t4088890\n",
        );
      }
    },
  );

  // Guarantee: a result that fails half way is never taken for whole.
  test("an exception in the middle reaches the client as one", async () => {
    const result = await client.query({
      query: "SELECT throwIf(number = 3000000, 'half way') AS x FROM numbers(4000000)",
      format: "JSONEachRow",
    });
    let rows = 0;
    const read = async (): Promise<void> => {
      for await (const chunk of result.stream()) rows += chunk.length;
    };
    await expect(read()).rejects.toMatchObject({ code: "395", message: expect.stringContaining("half way") as string });
    expect(rows).toBeLessThan(4_000_000);
  });

  // Guarantee: a client that goes away takes its query along, before its first row or among them.
  test("a closed connection ends its query", async () => {
    const leave = new AbortController();
    const sum = client.query({
      query: "SELECT sum(cityHash64(number)) FROM numbers(100000000000)",
      abort_signal: leave.signal,
    });
    await expect.poll(() => running("cityHash64"), { timeout: 10_000 }).toBe(1);
    leave.abort();
    await expect(sum).rejects.toThrow();
    const endless = await client.query({ query: "SELECT number FROM system.numbers", format: "JSONEachRow" });
    for await (const _rows of endless.stream()) break;
    endless.close();
    await expect.poll(() => running("cityHash64"), { timeout: 10_000 }).toBe(0);
    await expect.poll(() => running("system.numbers"), { timeout: 10_000 }).toBe(0);
  });

  // Guarantee: analysing a query may run one; the server answers others meanwhile.
  test("a heavy scalar subquery does not stop the server", async () => {
    let done = false;
    const heavy = post("", "SELECT (SELECT count() + sum(sleepEachRow(1)) FROM numbers(2))").then((answer) => {
      done = true;
      return answer;
    });
    expect(await (await fetch(`${server.url}/ping`)).text()).toBe("Ok.\n");
    expect(await post("", "SELECT 1")).toBe("200 1\n");
    expect(done).toBe(false);
    expect(await heavy).toBe("200 2\n");
  });
});

async function running(text: string): Promise<number> {
  const answer = await post(
    "",
    `SELECT count() FROM system.processes WHERE position(query, '${text}') > 0 AND position(query, 'system.processes') = 0`,
  );
  return Number(answer.slice("200 ".length));
}

// Guarantee: a heavy query of finance does not make ingestion wait.
test("an insert of the sink goes through while every query session is busy", async () => {
  await post("", "CREATE DATABASE IF NOT EXISTS meterline");
  await post("", "CREATE TABLE IF NOT EXISTS meterline.sink_fence (shard UInt16) ENGINE = MergeTree ORDER BY shard");
  let finished = 0;
  const slow = Array.from({ length: 4 }, () => post("SELECT sleep(3)").then(() => (finished += 1)));
  await fetch(`${server.url}/?log_comment=meterline+sink`, {
    method: "POST",
    body: "INSERT INTO meterline.sink_fence VALUES (1)",
  });
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
    await expect(
      startClickHouseServer({ home: dir.path, host: "127.0.0.1", port, password: "" }),
    ).rejects.toMatchObject({
      code: "PORT_IN_USE",
      kind: "settings",
      message: expect.stringContaining("METERLINE_CLICKHOUSE_PORT") as string,
    });
    other.close();
    await dir.remove();
  });

  // Guarantee: the port opens before the engine; who asks meanwhile waits, and is answered.
  test("a request that comes while the engine opens is answered", async () => {
    const dir = await tempDir("clickhouse-early");
    const port = await freePort();
    const starting = startClickHouseServer({ home: dir.path, host: "127.0.0.1", port, password: "" });
    const ask = async (): Promise<string> => {
      const answer = await fetch(`http://127.0.0.1:${port}/?query=SELECT+1`).catch(() => null);
      return answer === null ? "" : await answer.text();
    };
    await expect.poll(ask, { timeout: 20_000, interval: 1 }).toBe("1\n");
    await (await starting).stop();
    await dir.remove();
  });

  test.each([
    ["that is a file", ["clickhouse"], "data", "NOT_A_DIRECTORY"],
    ["that the engine cannot open", ["clickhouse", "data", "metadata"], "broken.sql", "ENGINE_FAILED"],
  ])("a data directory %s is told, and the process ends", async (_, folders, file, code) => {
    const dir = await tempDir("clickhouse-broken");
    const folder = join(dir.path, ...folders);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, file), "neither a directory nor SQL");
    await expect(
      startClickHouseServer({ home: dir.path, host: "127.0.0.1", port: await freePort(), password: "" }),
    ).rejects.toMatchObject({ code });
    await dir.remove();
  });

  test("a second instance on one directory is refused", async () => {
    await expect(
      startClickHouseServer({ home: home.path, host: "127.0.0.1", port: await freePort(), password: "" }),
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
    const first = await startClickHouseServer({
      home: dir.path,
      host: "127.0.0.1",
      port: await freePort(),
      password: "",
    });
    const ask = (url: string, sql: string): Promise<string> =>
      fetch(url, { method: "POST", body: sql }).then((response) => response.text());
    await ask(first.url, "CREATE TABLE k (a UInt64) ENGINE = MergeTree ORDER BY a");
    for (let a = 0; a < 20; a += 1) expect(await ask(first.url, `INSERT INTO k VALUES (${a})`)).toBe("");
    process.kill(first.pid, "SIGKILL");
    await first.exited;
    const second = await startClickHouseServer({
      home: dir.path,
      host: "127.0.0.1",
      port: await freePort(),
      password: "",
    });
    expect(await ask(second.url, "SELECT count() FROM k")).toBe("20\n");
    await second.stop();
    expect(await second.exited).toEqual({ code: 0, signal: null });
    await dir.remove();
  });
});
