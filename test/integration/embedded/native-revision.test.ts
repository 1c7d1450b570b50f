/** The format Native for a client that names the revision of its protocol, as Grafana's datasource does. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startClickHouseServer, type ClickHouseServer } from "../../../src/embedded/clickhouse-server.ts";
import { ask, type HttpAnswer } from "../../support/clickhouse-http.ts";
import { freePort } from "../../support/free-port.ts";
import { tempDir } from "../../support/temp-dir.ts";

const HEAD = Buffer.from([1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0]);
const REVISION = "54460";
const ROWS = 1000;
/** Seven full blocks, and what is left. */
const BLOCKS = 8;
const ONE_BY_ONE = `LIMIT ${ROWS} SETTINGS max_block_size = 130, max_threads = 1`;

const TYPES = [
  ..."Int256 Float32 Bool Date DateTime UUID IPv6 String FixedString(5) Tuple() MultiPolygon".split(" "),
  "DateTime64(3, 'UTC')",
  "Enum8('a, (b' = 1, 'c' = 2)",
  "Decimal(76, 24)",
  "Nullable(Decimal(38, 18))",
  "Array(Array(Nullable(UInt16)))",
  "Map(LowCardinality(String), Array(LowCardinality(Nullable(String))))",
  "Tuple(a UInt8, `b c` String, d Array(LowCardinality(FixedString(3))))",
  "Nested(a UInt8, b String)",
  "SimpleAggregateFunction(groupUniqArrayArray, Array(String))",
];

let home: Awaited<ReturnType<typeof tempDir>>;
let server: ClickHouseServer;

beforeAll(async () => {
  home = await tempDir("clickhouse-native");
  server = await startClickHouseServer({ home: home.path, host: "127.0.0.1", port: await freePort(), password: "" });
});

afterAll(async () => {
  await server.stop();
  await home.remove();
});

function native(body: string, parameters: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
  return ask({ url: server.url, body, parameters: { default_format: "Native", ...parameters } });
}

function headsIn(bytes: Buffer): number {
  let heads = 0;
  for (let at = bytes.indexOf(HEAD); at >= 0; at = bytes.indexOf(HEAD, at + 1)) heads += 1;
  return heads;
}

// Guarantee: every column is followed to its end, or the heads of the blocks behind it would stand elsewhere.
test.each(TYPES)("%s, block by block", async (type) => {
  const structure = `n UInt64, v ${type}`.replaceAll("'", "\\'");
  const query = `SELECT n, v FROM generateRandom('${structure}', 1, 200, 4) ${ONE_BY_ONE}`;
  const [file, revised] = await Promise.all([native(query), native(query, { client_protocol_version: REVISION })]);
  expect([file.status, revised.status]).toEqual([200, 200]);
  expect(headsIn(revised.bytes)).toBe(BLOCKS);
  // Two columns, each with its mark.
  expect(revised.bytes.length).toBe(file.bytes.length + BLOCKS * (HEAD.length + 2));
});

// The engine makes no random values of these types.
test.each([
  ["a Variant", "CAST(number % 3 = 0 ? NULL : number AS Variant(UInt64, String))"],
  ["Dynamic values of several types", "number % 3 = 0 ? CAST('x' || number AS Dynamic) : CAST([number] AS Dynamic)"],
  ["Dynamic values of too many types", "CAST(number AS Dynamic(max_types = 0))"],
  [
    "JSON",
    `CAST('{"a": ' || number || ', "l": [{"k": 1}, {"k": "x"}], "t": 5, "p' || number || '": 0.5}' AS JSON(t UInt8))`,
  ],
  ["JSON as text", `CAST('{"a": ' || number || '}' AS JSON)`, { output_format_native_write_json_as_string: "1" }],
])("%s, block by block", async (_, value, settings: Readonly<Record<string, string>> = {}) => {
  const query = `SELECT number AS n, ${value} AS v FROM numbers(${ROWS}) SETTINGS max_block_size = 130, max_threads = 1`;
  const [file, revised] = await Promise.all([
    native(query, settings),
    native(query, { ...settings, client_protocol_version: REVISION }),
  ]);
  expect([file.status, revised.status]).toEqual([200, 200]);
  expect(headsIn(revised.bytes)).toBe(BLOCKS);
  expect(revised.bytes.length).toBe(file.bytes.length + BLOCKS * (HEAD.length + 2));
});

test("what is no select has it too, an insert and other formats do not", async () => {
  const revision = { client_protocol_version: REVISION };
  expect((await native("SHOW DATABASES", revision)).bytes.subarray(0, HEAD.length)).toEqual(HEAD);
  expect((await native("CREATE TABLE native_t (n UInt8) ENGINE = MergeTree ORDER BY n", revision)).text).toBe("");
  expect((await native("INSERT INTO native_t VALUES (1)", revision)).text).toBe("");
  expect((await native("SELECT n FROM native_t FORMAT CSV", revision)).text).toBe("1\n");
});

test("a failure behind the first blocks comes as the exception", async () => {
  const query = "SELECT throwIf(number = 900000, 'late failure'), number FROM numbers(1000000)";
  const { status, bytes, broken } = await native(query, { client_protocol_version: REVISION });
  expect([status, broken, bytes.subarray(0, HEAD.length)]).toEqual([200, true, HEAD]);
  expect(bytes.toString("latin1")).toMatch(/\r\n__exception__\r\n\w{16}\r\nCode: 395\. .*late failure/);
});

test.each([
  ["SELECT sumState(number) FROM numbers(9)", REVISION, 501, /AggregateFunction\(sum, UInt64\) cannot be sent/],
  ["SELECT 1 SETTINGS output_format_native_encode_types_in_binary_format = 1", REVISION, 501, /cannot be/],
  ["SELECT 1", "new", 400, /client_protocol_version: new/],
])("%s for %s is refused", async (query, revision, status, said) => {
  const answer = await native(query, { client_protocol_version: revision });
  expect(answer.status).toBe(status);
  expect(answer.text).toMatch(said);
});
