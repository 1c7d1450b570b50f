/** Every format of the engine, out of the server and into it: the same bytes as the engine itself writes, and the same rows as it reads. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startClickHouseServer, type ClickHouseServer } from "../../../src/embedded/clickhouse-server.ts";
import { ask } from "../../support/clickhouse-http.ts";
import { freePort } from "../../support/free-port.ts";
import { startBareEngine, type BareEngine } from "../../support/formats/bare-engine.ts";
import { carryIn, carryOut, type FormatWorld } from "../../support/formats/carry.ts";
import { INPUT_FORMATS, type Body } from "../../support/formats/input-formats.ts";
import { OUTPUT_FORMATS, PROTOBUF_SCHEMA } from "../../support/formats/output-formats.ts";
import { SHAPES } from "../../support/formats/shapes.ts";
import { tempDir } from "../../support/temp-dir.ts";

const ROWS = 20_000;
/** The name of the only part that an insert of one block makes. */
const ONE_PART = "all_1_1_0";

let home: Awaited<ReturnType<typeof tempDir>>;
let server: ClickHouseServer;
let bare: BareEngine;
let world: FormatWorld;

beforeAll(async () => {
  home = await tempDir("clickhouse-formats");
  server = await startClickHouseServer({ home: home.path, host: "127.0.0.1", port: await freePort(), password: "" });
  bare = startBareEngine(join(home.path, "bare"));
  world = { url: server.url, bare, directory: home.path, rows: ROWS };
});

afterAll(async () => {
  await bare.stop();
  await server.stop();
  await home.remove();
});

async function namesOf(kind: "is_output" | "is_input"): Promise<readonly string[]> {
  const names = await bare.run(`SELECT name FROM system.formats WHERE ${kind} ORDER BY name`);
  return names.trim().split("\n");
}

// Guarantee: a format that a later engine brings is tried too.
test("the formats below are all that the engine knows", async () => {
  expect(OUTPUT_FORMATS.map(({ name }) => name).sort()).toEqual(await namesOf("is_output"));
  expect(INPUT_FORMATS.map(({ name }) => name).sort()).toEqual(await namesOf("is_input"));
});

test.each(OUTPUT_FORMATS.filter(({ refused }) => refused === null))(
  "$name comes out as the engine writes it",
  async (format) => {
    const { server: got, bare: expected } = await carryOut(world, format);
    expect(expected.error).toBe("");
    if (format.name !== "Null") expect(expected.bytes).toBeGreaterThan(0);
    expect(got.error).toBe("");
    expect([got.bytes, got.sha256]).toEqual([expected.bytes, expected.sha256]);
  },
);

test.each(INPUT_FORMATS.filter(({ refused }) => refused === null))(
  "$name goes in as the engine reads it, once",
  async (format) => {
    const { source, bare: expected, direct, throughInput } = await carryIn(world, format);
    expect(expected).not.toMatch(/^0\t/);
    if (source !== null) expect(expected).toBe(source);
    for (const inserted of [direct, throughInput])
      expect(inserted).toMatchObject({ error: "", content: expected, repeated: expected, parts: ONE_PART });
  },
);

// Guarantee: a schema that comes with the request is the one that is used.
test.each(["Protobuf", "ProtobufList"])("%s follows the schema of the request", async (name) => {
  const one = { name, shape: "lines", settings: PROTOBUF_SCHEMA, compared: "bytes", refused: null } as const;
  const { server: got, bare: expected } = await carryOut(world, one);
  expect([got.error, got.sha256]).toEqual(["", expected.sha256]);
  const { structure, select } = SHAPES.lines;
  const body = (rows: number): Body => ({ parts: [{ select: select(rows), format: name, settings: PROTOBUF_SCHEMA }] });
  const format = { name, structure, settings: PROTOBUF_SCHEMA, body, source: "lines", refused: null } as const;
  const { source, direct, throughInput } = await carryIn(world, format);
  for (const inserted of [direct, throughInput])
    expect(inserted).toMatchObject({ error: "", content: source, repeated: source, parts: ONE_PART });
  const elsewhere = { ...PROTOBUF_SCHEMA, format_schema_message_name: "Other" };
  const failed = await ask({ url: server.url, body: `${select(1)} FORMAT ${name}`, parameters: elsewhere });
  expect(failed.status).not.toBe(200);
});

const FIXED_SETTING = "452";
const REFUSED = [
  ...OUTPUT_FORMATS.map((format) => ({ ...format, sql: `SELECT 1 AS n FORMAT ${format.name}` })),
  ...INPUT_FORMATS.map((format) => ({ ...format, sql: `INSERT INTO refused FORMAT ${format.name} 1` })),
].flatMap(({ sql, refused }) => (refused === null ? [] : [{ sql, ...refused }]));

test.each(REFUSED)("$sql: $reason", async ({ sql, settings }) => {
  await ask({ url: server.url, body: "CREATE TABLE IF NOT EXISTS refused (n UInt8) ENGINE = MergeTree ORDER BY n" });
  const answer = await ask({ url: server.url, body: sql, parameters: settings });
  expect(answer.headers["x-clickhouse-exception-code"]).toBe(FIXED_SETTING);
});
