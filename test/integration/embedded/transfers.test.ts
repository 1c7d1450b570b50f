/** Large bodies and answers: compressed, failing midway, not read, given up; each in bounded memory and never half taken for whole. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import {
  createBrotliCompress,
  createBrotliDecompress,
  createDeflate,
  createGunzip,
  createGzip,
  createInflate,
  createZstdCompress,
  createZstdDecompress,
} from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startClickHouseServer, type ClickHouseServer } from "../../../src/embedded/clickhouse-server.ts";
import { ask } from "../../support/clickhouse-http.ts";
import { freePort } from "../../support/free-port.ts";
import { download, upload } from "../../support/formats/http-files.ts";
import { tempDir } from "../../support/temp-dir.ts";

const MIB = 1024 ** 2;
/** 100 MB as CSV. */
const ROWS = 2_400_000;
const SELECT = `SELECT number AS n, concat('customer-', toString(number % 997)) AS customer, toString(cityHash64(number)) AS note FROM numbers(${ROWS})`;
const CODINGS = {
  gzip: { encode: () => createGzip({ level: 1 }), decode: createGunzip },
  deflate: { encode: () => createDeflate({ level: 1 }), decode: createInflate },
  br: { encode: () => createBrotliCompress({ params: { 1: 1 } }), decode: createBrotliDecompress },
  zstd: { encode: createZstdCompress, decode: createZstdDecompress },
} as const;
const SUMS = "count(), sum(cityHash64(n, customer, note))";
/** The whole body is one block, so that its token holds for all of it. */
const ONE_BLOCK = {
  async_insert: "0",
  min_insert_block_size_rows: "10000000",
  min_insert_block_size_bytes: "0",
  max_insert_block_size: "10000000",
  max_block_size: "10000000",
  input_format_parallel_parsing: "0",
  max_insert_threads: "1",
} as const;

type Coding = keyof typeof CODINGS;

let home: Awaited<ReturnType<typeof tempDir>>;
let server: ClickHouseServer;
let plain: string;

beforeAll(async () => {
  home = await tempDir("clickhouse-transfers");
  server = await startClickHouseServer({ home: home.path, host: "127.0.0.1", port: await freePort(), password: "" });
  plain = join(home.path, "plain.csv");
  await download({ url: server.url, sql: `${SELECT} FORMAT CSV`, settings: {}, path: plain });
  await sql(
    "CREATE TABLE t (n UInt64, customer String, note String) ENGINE = MergeTree ORDER BY tuple() SETTINGS non_replicated_deduplication_window = 100",
  );
});

afterAll(async () => {
  await server.stop();
  await home.remove();
});

async function sql(body: string): Promise<string> {
  return (await ask({ url: server.url, body })).text;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** The server's resident memory: the most since `forgetPeak`, or now. */
async function memoryOf(field: "VmHWM" | "VmRSS" | "RssFile"): Promise<number> {
  const status = await readFile(`/proc/${server.pid}/status`, "utf8");
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
}

async function forgetPeak(): Promise<number> {
  await writeFile(`/proc/${server.pid}/clear_refs`, "5");
  return memoryOf("VmRSS");
}

describe.each(Object.keys(CODINGS) as Coding[])("100 MB in %s", (coding) => {
  test("come out as they are without it", async () => {
    expect((await stat(plain)).size).toBeGreaterThan(100e6);
    const [packed, unpacked] = [join(home.path, "packed"), join(home.path, "unpacked")];
    const { headers, error } = await download({
      url: server.url,
      sql: `${SELECT} FORMAT CSV`,
      settings: { enable_http_compression: "1" },
      path: packed,
      headers: { "accept-encoding": coding },
    });
    expect([error, headers["content-encoding"]]).toEqual(["", coding]);
    expect((await stat(packed)).size).toBeLessThan((await stat(plain)).size);
    await pipeline(createReadStream(packed), CODINGS[coding].decode(), createWriteStream(unpacked));
    expect(await sha256Of(unpacked)).toBe(await sha256Of(plain));
  });

  test("go in once", async () => {
    await sql("TRUNCATE TABLE t");
    const packed = join(home.path, "packed");
    await pipeline(createReadStream(plain), CODINGS[coding].encode(), createWriteStream(packed));
    const insert = {
      url: server.url,
      sql: "INSERT INTO t FORMAT CSV",
      settings: { insert_deduplication_token: coding, ...ONE_BLOCK },
      path: packed,
      headers: { "content-encoding": coding },
    };
    for (let time = 0; time < 2; time++) expect((await upload(insert)).error).toBe("");
    expect(await sql(`SELECT ${SUMS} FROM t`)).toBe(await sql(`SELECT ${SUMS} FROM (${SELECT})`));
    expect(await sql("SELECT count() FROM system.parts WHERE table = 't' AND active")).toBe("1\n");
  });
});

// Guarantee: a body on its way in is not mapped into the server's memory, where it would take as much as it is long.
test("100 MB go in without being in the memory of files", async () => {
  await sql("TRUNCATE TABLE t");
  const before = await memoryOf("RssFile");
  let [most, isSent] = [0, false];
  const sent = upload({ url: server.url, sql: "INSERT INTO t FORMAT CSV", settings: {}, path: plain }).finally(() => {
    isSent = true;
  });
  while (!isSent) {
    most = Math.max(most, await memoryOf("RssFile"));
    await delay(10);
  }
  expect((await sent).error).toBe("");
  expect(most - before).toBeLessThan(32 * MIB);
});

// A packed file that ends early is one whose end a client must not miss either.
test("a body that is cut off inside its compression inserts nothing", async () => {
  const packed = join(home.path, "cut");
  await pipeline(createReadStream(plain, { end: 20e6 }), createGzip({ level: 1 }), createWriteStream(packed));
  const whole = await readFile(packed);
  await writeFile(packed, whole.subarray(0, whole.length - 1000));
  await sql("TRUNCATE TABLE t");
  const answer = await upload({
    url: server.url,
    sql: "INSERT INTO t FORMAT CSV",
    settings: {},
    path: packed,
    headers: { "content-encoding": "gzip" },
  });
  expect(answer.status).not.toBe(200);
  expect(await sql("SELECT count() FROM t")).toBe("0\n");
});

const LATE =
  "SELECT throwIf(number = 3000000, 'late') AS t, number, toString(cityHash64(number)) AS note FROM numbers(4000000)";

describe.each(["TSV", "Native", "Parquet", "JSON"])("a failure midway in %s", (format) => {
  test("ends the answer in the server's way, or comes instead of it", async () => {
    const { status, broken, headers, text } = await ask({ url: server.url, body: `${LATE} FORMAT ${format}` });
    if (status === 200) {
      const tag = headers["x-clickhouse-exception-tag"] as string;
      expect([broken, text.slice(-2000)]).toEqual([
        true,
        expect.stringContaining(`__exception__\r\n${tag}\r\nCode: 395.`),
      ]);
    } else expect([status, headers["x-clickhouse-exception-code"]]).toEqual([500, "395"]);
  });

  test("has a status of its own behind wait_end_of_query", async () => {
    const parameters = { wait_end_of_query: "1" };
    const answer = await ask({ url: server.url, body: `${LATE} FORMAT ${format}`, parameters });
    expect([answer.status, answer.broken, answer.headers["x-clickhouse-exception-code"]]).toEqual([500, false, "395"]);
  });
});

test("HEAD of a large result has its head and no byte of it", async () => {
  const answer = await ask({
    url: server.url,
    method: "HEAD",
    parameters: { query: `${SELECT} FORMAT Parquet`, query_id: "head" },
  });
  expect([answer.status, answer.bytes.length, answer.broken]).toEqual([200, 0, false]);
  expect(answer.headers["x-clickhouse-format"]).toBe("Parquet");
  for (let attempt = 0; attempt < 200 && (await rowsReadBy("head")) !== ""; attempt++) await delay(50);
  expect(await rowsReadBy("head")).toBe("");
});

/** A result of a GB, whose client reads nothing yet. */
function stalled(queryId: string): Promise<IncomingMessage> {
  const query = "SELECT number, repeat('x', 100) FROM numbers(10000000) FORMAT TSV";
  const parameters = new URLSearchParams({ query, query_id: queryId });
  return new Promise((resolve, reject) => {
    get(`${server.url}/?${parameters.toString()}`, resolve).on("error", reject);
  });
}

async function rowsReadBy(queryId: string): Promise<string> {
  return sql(`SELECT read_rows FROM system.processes WHERE query_id = '${queryId}'`);
}

/** Asks until the query has got no further five times in a row. */
async function untilItWaits(queryId: string): Promise<string> {
  let [last, times] = ["", 0];
  for (let attempt = 0; attempt < 600 && times < 5; attempt++) {
    const now = await rowsReadBy(queryId);
    times = now === last && now !== "" ? times + 1 : 0;
    last = now;
    await delay(50);
  }
  expect(times).toBe(5);
  return last;
}

// Guarantee: an answer waits for its reader in the engine, not in memory.
test("a client that stops reading holds its query back, and gets all of it when it reads on", async () => {
  const before = await forgetPeak();
  const answer = await stalled("stalled");
  const read = Number(await untilItWaits("stalled"));
  expect(read).toBeLessThan(5_000_000);
  expect((await memoryOf("VmHWM")) - before).toBeLessThan(256 * MIB);
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) bytes += chunk.length;
  expect((await memoryOf("VmHWM")) - before).toBeLessThan(256 * MIB);
  // The digits of all numbers below ten million, and 102 bytes behind each.
  expect(bytes).toBe(68_888_890 + 102 * 10_000_000);
});

test("a client that stops reading and leaves ends its query", async () => {
  const answer = await stalled("left");
  await untilItWaits("left");
  answer.destroy();
  for (let attempt = 0; attempt < 400 && (await rowsReadBy("left")) !== ""; attempt++) await delay(50);
  expect(await rowsReadBy("left")).toBe("");
  expect(await sql("SELECT 1")).toBe("1\n");
});
