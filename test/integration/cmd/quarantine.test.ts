/** The way of a rejected event on the command line: seen, shown byte for byte, replayed after the catalog was repaired, and verified. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  connectTo,
  endOf,
  instanceIn,
  runMeterline,
  startUp,
  until,
  type Ended,
  type Instance,
  type Up,
} from "../../support/meterline-process.ts";
import { tempDir, type TempDir } from "../../support/temp-dir.ts";
import { eventOf } from "../../support/usage-message-of.ts";

const STORED_MS = 110_000;
const METER = { key: "tokens", eventType: "llm.completion", aggregation: "sum", value: "/data/outputTokens" };
const customer = (key: string) => ({ key, name: key, currency: "EUR", timeZone: "UTC" });

let dir: TempDir;
let instance: Instance;
let up: Up;
let client: Awaited<ReturnType<typeof connectTo>>;

async function run(...args: string[]): Promise<Ended> {
  const ended = await runMeterline(instance, args);
  expect({ args, code: ended.code, stderr: ended.code === 0 ? "" : ended.stderr }).toEqual({
    args,
    code: 0,
    stderr: "",
  });
  return ended;
}

async function json<T>(...args: string[]): Promise<T> {
  return JSON.parse((await run(...args, "--json")).stdout) as T;
}

async function applyCustomers(...keys: string[]): Promise<void> {
  const folder = join(dir.path, `catalog-${String(keys.length)}`);
  mkdirSync(folder);
  writeFileSync(join(folder, "all.json"), JSON.stringify({ meters: [METER], customers: keys.map(customer) }));
  await run("apply", folder, "--yes");
}

const value = async (sql: string): Promise<string> =>
  String((await client.clickhouse.rows<{ value: unknown }>({ sql, doing: "looking" }))[0]?.value);

async function untilStored(): Promise<void> {
  const { state } = await client.nats.jsm.streams.info("USAGE_0");
  await until("everything is stored", STORED_MS, async () =>
    (await value("SELECT max(last) AS value FROM meterline.sink_batches")) === String(state.last_seq)
      ? true
      : undefined,
  );
}

beforeAll(async () => {
  dir = await tempDir("quarantine");
  instance = await instanceIn(join(dir.path, "home"));
  up = await startUp(instance);
  client = await connectTo(up);
  await applyCustomers("acme");
  const { js } = client.nats;
  await js.publish("usage.gw", JSON.stringify([eventOf(), eventOf({ id: "e2", subject: "globex", time: undefined })]));
  await js.publish("usage.gw", Uint8Array.from([0xff, 0x00]));
  await untilStored();
});

afterAll(async () => {
  await client?.close();
  up?.signal("SIGTERM");
  if (up !== undefined) await endOf(up);
  await dir?.remove();
});

type Listed = { readonly events: readonly { readonly place: string; readonly reason: string }[] };
type Shown = readonly {
  readonly raw: string | null;
  readonly rawBase64: string;
  readonly replays: readonly string[];
}[];

test("what was rejected is listed and shown, byte for byte", async () => {
  const { events } = await json<Listed>("quarantine", "list");
  expect(events).toMatchObject([
    { place: "0:1:1", reason: "unknown_customer", producer: "gw", id: "e2" },
    { place: "0:2:0", reason: "invalid_utf8", producer: "gw" },
  ]);
  expect((await run("quarantine", "list", "--reason", "invalid_utf8")).stdout).toContain("0:2:0");
  const [binary] = await json<Shown>("quarantine", "show", "0:2:0");
  expect(binary).toMatchObject({ raw: null, rawBase64: "/wA=" });
  const [text] = await json<Shown>("quarantine", "show", "0:1:1");
  expect(text?.raw).toBe(JSON.stringify(eventOf({ id: "e2", subject: "globex", time: undefined })));
  expect((await run("quarantine", "show", "0:1:1")).stdout).toContain("no customer has the key or alias");
});

test.each([
  [["show", "0:1:0"], 65, "No rejected event is stored at 0:1:0"],
  [["show", "1-1"], 64, "1-1 is no place"],
  [["list", "--reason", "nonsense"], 64, "there is no reason nonsense"],
  [["list", "--since", "yesterday"], 64, "--since is yesterday"],
  [["replay"], 64, "say which events"],
])("quarantine %j says what is wrong", async (args, code, text) => {
  const ended = await runMeterline(instance, ["quarantine", ...args]);
  expect([ended.code, ended.stderr]).toEqual([code, expect.stringContaining(text)]);
});

// Guarantee: a replay from the command line counts once and leaves everything verifiable, however often it is run.
test("a replay counts once, verify finds nothing, and a changed row of it is named", async () => {
  await applyCustomers("acme", "globex");
  const unasked = await runMeterline(instance, ["quarantine", "replay", "--all"]);
  expect([unasked.code, unasked.stderr]).toEqual([64, expect.stringContaining("no terminal to ask on")]);
  expect(await json("quarantine", "replay", "--all", "--dry-run")).toMatchObject({ replayed: 1, sent: false });
  expect(await value("SELECT count() AS value FROM meterline.usage_replays")).toBe("0");
  const result = { looked: 2, replayed: 1, stillRejected: { invalid_utf8: 1 }, sent: true };
  expect(await json("quarantine", "replay", "--all", "--yes")).toEqual(result);
  await untilStored();
  expect(await json("quarantine", "replay", "0:1:1", "--yes")).toMatchObject({ looked: 0, replayed: 0 });
  const [shown] = await json<Shown>("quarantine", "show", "0:1:1");
  expect(shown?.replays).toEqual(["0:3:0"]);
  const verdicts = "SELECT arraySort(groupArray(verdict)) AS value FROM finance.event_verdicts";
  expect(await value(verdicts)).toBe("accepted,accepted,rejected,replayed");
  expect(await value("SELECT sum(quantity) AS value FROM finance.usage")).toBe("88");
  await run("verify");

  const change = "ALTER TABLE meterline.usage_replays UPDATE arrived_at = arrived_at + 1 WHERE true";
  await client.clickhouse.command({ sql: change, settings: { mutations_sync: "2" }, doing: "tampering" });
  const found = await runMeterline(instance, ["verify"]);
  expect(found.code).toBe(1);
  expect(found.stdout).toMatch(/usage_replays\s+0\/\d+\/3\/0\s+the row is not what the replay's subject says/);
});

// Guarantee: a schema that was too strict costs nothing but a replay.
test("a broken schema is told with its place, and mended by another version and a replay", async () => {
  const withSchema = async (maximum: string): Promise<void> => {
    const folder = join(dir.path, `schema-${maximum}`);
    mkdirSync(folder);
    const schema = `{"properties":{"outputTokens":{"maximum":${maximum}}}}`;
    writeFileSync(join(folder, "all.json"), `{"eventTypes":[{"key":"llm.completion","schema":${schema}}]}`);
    await run("apply", folder, "--yes");
  };
  const [limit, beyond] = ["9007199254740992", "9007199254740993"];
  await withSchema(limit);
  const body = JSON.stringify(eventOf({ id: "big", data: { outputTokens: "N" } })).replace('"N"', beyond);
  await client.nats.js.publish("usage.gw", body);
  await untilStored();
  const { events } = await json<Listed>("quarantine", "list", "--reason", "schema");
  expect(events).toMatchObject([{ id: "big", detail: `"/data/outputTokens" must be at most ${limit}` }]);
  expect(await json("quarantine", "replay", "--reason", "schema", "--yes")).toMatchObject({
    stillRejected: { schema: 1 },
  });
  await withSchema(beyond);
  expect(await json("quarantine", "replay", "--reason", "schema", "--yes")).toMatchObject({ replayed: 1 });
  await untilStored();
  expect(await value("SELECT toString(quantity) AS value FROM meterline.usage_events WHERE id = 'big'")).toBe(beyond);
});
