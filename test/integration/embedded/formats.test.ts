/** Every format of the engine, out of the server and into it: the same bytes as the engine itself writes, and the same rows as it reads. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startClickHouseServer, type ClickHouseServer } from "../../../src/embedded/clickhouse-server.ts";
import { freePort } from "../../support/free-port.ts";
import { startBareEngine, type BareEngine } from "../../support/formats/bare-engine.ts";
import { carryIn, carryOut, type FormatWorld } from "../../support/formats/carry.ts";
import { INPUT_FORMATS } from "../../support/formats/input-formats.ts";
import { OUTPUT_FORMATS } from "../../support/formats/output-formats.ts";
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
  bare = await startBareEngine(join(home.path, "bare"));
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

test.each(OUTPUT_FORMATS.filter(({ refused }) => refused === null))("$name comes out as the engine writes it", async (format) => {
  const { server: got, bare: expected } = await carryOut(world, format);
  expect(expected.error).toBe("");
  expect(got.error).toBe("");
  expect([got.bytes, got.sha256]).toEqual([expected.bytes, expected.sha256]);
});

test.each(INPUT_FORMATS.filter(({ refused }) => refused === null))("$name goes in as the engine reads it, once", async (format) => {
  const { source, bare: expected, direct, throughInput } = await carryIn(world, format);
  expect(expected).not.toMatch(/^0\t/);
  if (source !== null) expect(expected).toBe(source);
  for (const inserted of [direct, throughInput])
    expect(inserted).toMatchObject({ error: "", content: expected, repeated: expected, parts: ONE_PART });
});
