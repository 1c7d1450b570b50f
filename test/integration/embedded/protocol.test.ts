/** ClickHouse's HTTP interface, request by request. */
import { brotliDecompressSync, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startClickHouseServer, type ClickHouseServer } from "../../../src/embedded/clickhouse-server.ts";
import { ask, type HttpAnswer, type HttpQuery } from "../../support/clickhouse-http.ts";
import { freePort } from "../../support/free-port.ts";
import { tempDir } from "../../support/temp-dir.ts";

let home: Awaited<ReturnType<typeof tempDir>>;
let server: ClickHouseServer;

beforeAll(async () => {
  home = await tempDir("clickhouse-protocol");
  server = await startClickHouseServer({ home: home.path, host: "127.0.0.1", port: await freePort(), password: "" });
});

afterAll(async () => {
  await server.stop();
  await home.remove();
});

function asked(query: Omit<HttpQuery, "url">): Promise<HttpAnswer> {
  return ask({ url: server.url, ...query });
}

function sql(body: string, parameters: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
  return asked({ body, parameters });
}

function code(answer: HttpAnswer): string | undefined {
  return answer.headers["x-clickhouse-exception-code"] as string | undefined;
}

describe("paths and heads", () => {
  test.each(["/ping", "/replicas_status"])("%s needs no user", async (path) => {
    const answer = await asked({ path, method: "GET", headers: { authorization: "Basic bm86Ym9keQ==" } });
    expect([answer.status, answer.text]).toEqual([200, "Ok.\n"]);
  });

  test("an unknown path is a 404", async () => {
    const answer = await asked({ path: "/dashboard", method: "GET" });
    expect([answer.status, answer.text]).toEqual([404, "There is no handle /dashboard\n"]);
  });

  test("a result has its id, format, time zone and summary in the head", async () => {
    const { headers, text } = await sql("SELECT 1 AS x", { query_id: "head-1", default_format: "CSVWithNames" });
    expect(text).toBe('"x"\n1\n');
    expect(headers["x-clickhouse-query-id"]).toBe("head-1");
    expect(headers["x-clickhouse-format"]).toBe("CSVWithNames");
    expect(headers["x-clickhouse-timezone"]).toMatch(/UTC/);
    expect(headers["content-type"]).toBe("text/csv; charset=UTF-8; header=present");
    const summary = JSON.parse(headers["x-clickhouse-summary"] as string) as Record<string, string>;
    expect(summary["read_rows"]).toBe("1");
    expect(Number(summary["elapsed_ns"])).toBeGreaterThan(0);
  });

  test("an insert tells how many rows it wrote, as plain text", async () => {
    await sql("CREATE TABLE summary_t (a UInt8) ENGINE = MergeTree ORDER BY a");
    const { headers } = await sql('INSERT INTO summary_t FORMAT JSONEachRow {"a":1}{"a":2}{"a":3}');
    const summary = JSON.parse(headers["x-clickhouse-summary"] as string) as Record<string, string>;
    expect([summary["written_rows"], summary["result_rows"]]).toEqual(["3", "3"]);
    expect(headers["content-type"]).toBe("text/plain; charset=UTF-8");
  });

  test("HEAD is GET without the body", async () => {
    const answer = await asked({ method: "HEAD", parameters: { query: "SELECT 1" } });
    expect([answer.status, answer.bytes.length]).toEqual([200, 0]);
    expect(answer.headers["x-clickhouse-format"]).toBe("TabSeparated");
  });

  test.each([
    ["SELEC 1", 400, "62"],
    ["SELECT nothing", 404, "47"],
    ["SELECT * FROM nothing", 404, "60"],
    ["SELECT * FROM nowhere.t", 404, "81"],
    ["SELECT toUInt8('x')", 400, "6"],
    ["SELECT 1 FORMAT Nothing", 404, "73"],
    ["SELECT throwIf(1, 'no')", 500, "395"],
  ])("%s is refused with the server's status and code", async (query, status, expected) => {
    const answer = await sql(query);
    expect([answer.status, code(answer)]).toEqual([status, expected]);
    expect(answer.text).toMatch(new RegExp(`^Code: ${expected}\\. DB::Exception: .+ \\([A-Z_0-9]+\\)\\n$`, "s"));
  });

  test("an error of a client that accepts gzip is compressed like a result", async () => {
    const answer = await asked({
      body: "SELECT nothing",
      parameters: { enable_http_compression: "1" },
      headers: { "accept-encoding": "gzip" },
    });
    expect(answer.headers["content-encoding"]).toBe("gzip");
    expect(gunzipSync(answer.bytes).toString()).toMatch(/^Code: 47\./);
  });
});

describe("where things may be said", () => {
  test("the database by parameter and by header, the format by header", async () => {
    await sql("CREATE DATABASE place");
    await sql("CREATE TABLE place.t (a UInt8) ENGINE = Memory");
    expect((await sql("SELECT currentDatabase()", { database: "place" })).text).toBe("place\n");
    const byHeader = await asked({
      body: "SELECT currentDatabase() AS d",
      headers: { "x-clickhouse-database": "place", "x-clickhouse-format": "JSONEachRow" },
    });
    expect(byHeader.text).toBe('{"d":"place"}\n');
    expect((await sql("SELECT 1", { database: "nowhere" })).status).toBe(404);
  });

  test("parameters of every usual type", async () => {
    const answer = await sql(
      "SELECT {d:Decimal(38,18)}, {a:Array(String)}, {i:Identifier}, {n:Nullable(String)} FROM (SELECT 7 AS x)",
      {
        param_d: "12345678901234567890.123456789012345678",
        param_a: "['a','b''c']",
        param_i: "x",
        param_n: "\\N",
      },
    );
    expect(answer.text).toBe("12345678901234567890.123456789012345678\t['a','b\\'c']\t7\t\\N\n");
  });

  test("one way of logging in at a time", async () => {
    const answer = await asked({
      body: "SELECT 1",
      parameters: { user: "default" },
      headers: { "x-clickhouse-user": "default" },
    });
    expect([answer.status, code(answer)]).toEqual([403, "516"]);
  });

  test("a role is one's own or refused: ignored, it would leave a client more rights than it asked for", async () => {
    expect((await sql("SELECT arrayStringConcat(currentRoles())", { role: "admin" })).text).toBe("admin\n");
    expect(code(await sql("SELECT 1", { role: "finance" }))).toBe("512");
  });

  test("settings of the request hold and unknown ones are refused", async () => {
    expect((await sql("SELECT getSetting('max_threads')", { max_threads: "3" })).text).toBe("3\n");
    expect((await sql("SELECT 1", { max_thread: "3" })).status).toBe(404);
  });
});

describe("GET only reads", () => {
  test.each(["CREATE TABLE g (a UInt8) ENGINE = Memory", "DROP DATABASE place", "INSERT INTO summary_t VALUES (9)"])(
    "%s",
    async (query) => {
      const answer = await asked({ method: "GET", parameters: { query } });
      expect([answer.status, code(answer)]).toEqual([500, "164"]);
    },
  );

  test.each(["SELECT 1", "SHOW DATABASES", "DESCRIBE TABLE summary_t", "EXISTS TABLE summary_t", "EXPLAIN SELECT 1"])(
    "%s",
    async (query) => {
      expect((await asked({ method: "GET", parameters: { query } })).status).toBe(200);
    },
  );
});

describe("compression", () => {
  const DECODERS = {
    gzip: gunzipSync,
    br: brotliDecompressSync,
    zstd: zstdDecompressSync,
  } as const;

  test.each(["gzip", "br", "zstd"] as const)("answers in %s", async (encoding) => {
    const answer = await asked({
      body: "SELECT number FROM numbers(100000)",
      headers: { "accept-encoding": encoding },
    });
    expect(answer.headers["content-encoding"]).toBe(encoding);
    expect(DECODERS[encoding](answer.bytes).toString().split("\n")).toHaveLength(100_001);
  });

  test("plain when the client says so", async () => {
    const parameters = { enable_http_compression: "0" };
    const answer = await asked({ body: "SELECT 1", parameters, headers: { "accept-encoding": "gzip" } });
    expect([answer.headers["content-encoding"], answer.text]).toEqual([undefined, "1\n"]);
  });

  test.each([
    ["gzip", gzipSync],
    ["zstd", zstdCompressSync],
  ])("inserts from %s", async (encoding, encode) => {
    await sql(`CREATE TABLE from_${encoding} (a UInt32) ENGINE = MergeTree ORDER BY a`);
    const rows = Array.from({ length: 50_000 }, (_, n) => `${n}\n`).join("");
    const answer = await asked({
      body: encode(rows),
      parameters: { query: `INSERT INTO from_${encoding} FORMAT CSV` },
      headers: { "content-encoding": encoding },
    });
    expect(answer.status).toBe(200);
    expect((await sql(`SELECT count(), sum(a) FROM from_${encoding}`)).text).toBe("50000\t1249975000\n");
  });

  test("ClickHouse's own blocks, out and in again, are the same rows", async () => {
    const out = await sql("SELECT number AS a, toString(number) AS b FROM numbers(300000) FORMAT Native", {
      compress: "1",
    });
    await sql("CREATE TABLE blocks (a UInt64, b String) ENGINE = MergeTree ORDER BY a");
    const insert = { query: "INSERT INTO blocks FORMAT Native", decompress: "1" };
    expect((await asked({ body: out.bytes, parameters: insert })).status).toBe(200);
    const sums = "count(), sum(number), sum(cityHash64(toString(number)))";
    const expected = await sql(`SELECT ${sums} FROM numbers(300000)`);
    expect((await sql("SELECT count(), sum(a), sum(cityHash64(b)) FROM blocks")).text).toBe(expected.text);
  });

  test("a block whose checksum is wrong is refused and nothing is inserted", async () => {
    const out = await sql("SELECT number AS a, 'x' AS b FROM numbers(10) FORMAT Native", { compress: "1" });
    const spoilt = Buffer.from(out.bytes);
    spoilt.writeUInt8(spoilt.readUInt8(40) ^ 1, 40);
    const parameters = { query: "INSERT INTO blocks FORMAT Native", decompress: "1" };
    const before = (await sql("SELECT count() FROM blocks")).text;
    const answer = await asked({ body: spoilt, parameters });
    expect([answer.status, code(answer)]).toEqual([500, "40"]);
    expect((await sql("SELECT count() FROM blocks")).text).toBe(before);
  });

  test("an unknown coding is named", async () => {
    const answer = await asked({ body: "SELECT 1", headers: { "content-encoding": "rot13" } });
    expect([code(answer), answer.text]).toEqual(["89", expect.stringContaining("rot13")]);
  });
});

describe("sessions", () => {
  test("keep settings, temporary tables and the database, for their user alone", async () => {
    const session = { session_id: "s-1" };
    await sql("CREATE TEMPORARY TABLE mine (a UInt8)", session);
    await sql("INSERT INTO mine VALUES (1), (2)", session);
    await sql("SET max_threads = 5", session);
    await sql("USE system", session);
    expect((await sql("SELECT sum(a), getSetting('max_threads'), currentDatabase() FROM mine", session)).text).toBe(
      "3\t5\tsystem\n",
    );
    expect((await sql("SELECT * FROM mine", { session_id: "s-2" })).status).toBe(404);
  });

  test("a request's own settings end with it", async () => {
    const session = { session_id: "s-3" };
    expect((await sql("SELECT getSetting('max_threads')", { ...session, max_threads: "7" })).text).toBe("7\n");
    expect((await sql("SELECT getSetting('max_threads') = 7", session)).text).toBe("0\n");
  });

  test("two requests at once in one are refused", async () => {
    const session = { session_id: "s-4" };
    const slow = sql("SELECT sleep(1)", session);
    await delay(300);
    const second = await sql("SELECT 1", session);
    expect([second.status, code(second)]).toEqual([500, "373"]);
    expect((await slow).text).toBe("0\n");
    expect((await sql("SELECT 1", session)).text).toBe("1\n");
  });

  test("session_check asks for one that is there, close_session ends it", async () => {
    const missing = await sql("SELECT 1", { session_id: "s-5", session_check: "1" });
    expect([missing.status, code(missing)]).toEqual([500, "372"]);
    await sql("CREATE TEMPORARY TABLE closing (a UInt8)", { session_id: "s-6" });
    await sql("SELECT 1", { session_id: "s-6", session_check: "1", close_session: "1" });
    expect((await sql("SELECT * FROM closing", { session_id: "s-6" })).status).toBe(404);
  });

  test("one that nobody used for its timeout is gone", async () => {
    const session = { session_id: "s-7", session_timeout: "1" };
    await sql("CREATE TEMPORARY TABLE waiting (a UInt8)", session);
    await delay(2500);
    const answer = await sql("SELECT * FROM waiting", { ...session, session_check: "1" });
    expect([answer.status, code(answer)]).toEqual([500, "372"]);
  });

  test("a timeout that is none is refused", async () => {
    const answer = await sql("SELECT 1", { session_id: "s-8", session_timeout: "soon" });
    expect([answer.status, code(answer), answer.text]).toEqual([
      500,
      "374",
      expect.stringContaining("session timeout: 'soon'"),
    ]);
  });
});

describe("a query under way", () => {
  test("tells its progress in headers when asked to", async () => {
    const answer = await sql("SELECT sum(sleepEachRow(0.02)) FROM numbers(40)", {
      send_progress_in_http_headers: "1",
      http_headers_progress_interval_ms: "50",
      max_block_size: "1",
    });
    const progress = answer.rawHeaders.filter((name) => name === "X-ClickHouse-Progress");
    expect(progress.length).toBeGreaterThan(2);
    expect(JSON.parse(answer.headers["x-clickhouse-progress"]?.toString().split(/, (?=\{)/)[0] ?? "")).toHaveProperty(
      "read_rows",
    );
    expect(answer.text).toBe("0\n");
  });

  test("wait_end_of_query gives a late failure a status of its own", async () => {
    const late = "SELECT throwIf(number = 900000, 'late'), repeat('x', 20) FROM numbers(1000000)";
    const waited = await sql(late, { wait_end_of_query: "1" });
    expect([waited.status, code(waited)]).toEqual([500, "395"]);
    const streamed = await sql(late);
    expect([streamed.status, streamed.broken]).toEqual([200, true]);
    const tag = streamed.headers["x-clickhouse-exception-tag"] as string;
    expect(streamed.text.slice(-2000)).toContain(`__exception__\r\n${tag}\r\nCode: 395.`);
  });

  test("is found in system.processes by its id and its own words, and ended by KILL QUERY", async () => {
    const running = sql("/* who am I */ SELECT sleepEachRow(0.5) FROM numbers(200)", {
      query_id: "victim",
      max_block_size: "1",
      function_sleep_max_microseconds_per_block: "0",
    });
    await delay(500);
    const seen = await sql("SELECT user, query FROM system.processes WHERE query_id = 'victim'");
    expect(seen.text).toBe("default\t/* who am I */ SELECT sleepEachRow(0.5) FROM numbers(200)\n");
    const killed = await sql("KILL QUERY WHERE query_id = 'victim' SYNC");
    expect(killed.text.split("\t").slice(0, 3)).toEqual(["finished", "victim", "default"]);
    const ended = await running;
    expect([ended.status, code(ended)]).toEqual([500, "394"]);
    expect((await sql("SELECT count() FROM system.processes WHERE query_id = 'victim'")).text).toBe("0\n");
  });

  test("ends when its client has gone", async () => {
    const gone = new AbortController();
    const left = asked({
      body: "SELECT sleepEachRow(0.5) FROM numbers(200)",
      parameters: { query_id: "left", max_block_size: "1", function_sleep_max_microseconds_per_block: "0" },
      signal: gone.signal,
    }).catch(() => null);
    await delay(500);
    expect((await sql("SELECT count() FROM system.processes WHERE query_id = 'left'")).text).toBe("1\n");
    gone.abort();
    await left;
    const until = Date.now() + 20_000;
    let running = "1\n";
    while (running !== "0\n" && Date.now() < until) {
      await delay(100);
      running = (await sql("SELECT count() FROM system.processes WHERE query_id = 'left'")).text;
    }
    expect(running).toBe("0\n");
  });
});

describe("tables that come with the request", () => {
  function form(parts: readonly (readonly [name: string, value: string, file?: string])[]): {
    body: string;
    type: string;
  } {
    const boundary = "----meterline-form";
    const lines = parts.map(
      ([name, value, file]) =>
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file === undefined ? "" : `; filename="${file}"`}\r\n\r\n${value}\r\n`,
    );
    return { body: `${lines.join("")}--${boundary}--\r\n`, type: `multipart/form-data; boundary=${boundary}` };
  }

  test("are joined like any other", async () => {
    const { body, type } = form([["prices", "a,1.50\nb,2.25\n", "prices.csv"]]);
    const answer = await asked({
      body,
      parameters: {
        query: "SELECT p.name, p.price * n.number FROM prices AS p JOIN (SELECT 2 AS number) AS n ON 1 ORDER BY p.name",
        prices_format: "CSV",
        prices_structure: "name String, price Decimal(10, 2)",
      },
      headers: { "content-type": type },
    });
    expect(answer.text).toBe("a\t3\nb\t4.5\n");
  });

  test("parameters of the form are parameters", async () => {
    const { body, type } = form([
      ["param_x", "7"],
      ["query", "SELECT {x:UInt8} + 1"],
    ]);
    const answer = await asked({ body, headers: { "content-type": type } });
    expect(answer.text).toBe("8\n");
  });

  test("rows that do not fit are refused by name", async () => {
    const { body, type } = form([["t", "x\n", "t.csv"]]);
    const parameters = { query: "SELECT * FROM t", t_format: "CSV", t_structure: "a UInt8" };
    const answer = await asked({ body, parameters, headers: { "content-type": type } });
    expect([answer.status, code(answer)]).toEqual([400, "117"]);
  });
});
