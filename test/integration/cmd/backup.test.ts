/** The backup that docs/operating.md describes for one machine: stop `up`, copy the home, start it; put the copy back another day. */
import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  connectTo,
  endOf,
  instanceIn,
  runMeterline,
  startUp,
  until,
  type Instance,
  type Up,
} from "../../support/meterline-process.ts";
import { tempDir, type TempDir } from "../../support/temp-dir.ts";

const STORED_MS = 120_000;

let dir: TempDir;
let instance: Instance;
let up: Up;

beforeAll(async () => {
  dir = await tempDir("backup");
  instance = await instanceIn(join(dir.path, "home"));
  up = await startUp(instance);
});

afterAll(async () => {
  up?.signal("SIGTERM");
  if (up !== undefined) await endOf(up);
  await dir?.remove();
});

async function run(...args: readonly string[]): Promise<void> {
  const ended = await runMeterline(instance, args);
  expect([args, ended.code, ended.code === 0 ? "" : `${ended.stdout}${ended.stderr}`]).toEqual([args, 0, ""]);
}

/** Events from one number up to another; their tokens are their numbers. */
function usageFile(first: number, last: number): string {
  const path = join(dir.path, `${String(first)}.ndjson`);
  const lines = Array.from({ length: last - first + 1 }, (_, index) => {
    const number = first + index;
    const data = { model: "small-1", region: "eu-west-1", inputTokens: 1, outputTokens: number };
    const event = {
      specversion: "1.0",
      id: `e${String(number)}`,
      source: "gw",
      type: "llm.completion",
      subject: "acme",
    };
    return `${JSON.stringify({ ...event, data })}\n`;
  });
  writeFileSync(path, lines.join(""));
  return path;
}

type Totals = { readonly events: string; readonly tokens: string };

/** Once everything that the stream holds is stored. */
async function totals(): Promise<Totals | undefined> {
  const { nats, clickhouse, close } = await connectTo(up);
  try {
    const { state } = await nats.jsm.streams.info("USAGE_0");
    const doing = "reading the totals";
    return await until("everything is stored", STORED_MS, async () => {
      const sql = "SELECT toString(max(last)) AS last FROM meterline.sink_batches";
      const [stored] = await clickhouse.rows<{ last: string }>({ sql, doing });
      if (stored?.last !== String(state.last_seq)) return undefined;
      const sums = "SELECT toString(sum(event_count)) AS events, toString(sum(quantity)) AS tokens";
      const from = "FROM finance.usage WHERE meter = 'output-tokens'";
      return (await clickhouse.rows<Totals>({ sql: `${sums} ${from}`, doing }))[0];
    });
  } finally {
    await close();
  }
}

async function stop(): Promise<void> {
  up.signal("SIGTERM");
  expect((await endOf(up)).code).toBe(0);
}

// Guarantee: a home that was put back goes on from its day; what producers send again since then counts once, and nothing else is missing.
test("a copy of the home, put back, goes on exactly", { timeout: 600_000 }, async () => {
  const copy = join(dir.path, "copy");
  await run("apply", "docs/examples/catalog", "--yes");
  await run("publish", usageFile(1, 300));
  await stop();
  cpSync(instance.home, copy, { recursive: true });
  up = await startUp(instance);
  const later = usageFile(301, 500);
  await run("publish", later);
  const all = { events: "500", tokens: String((500 * 501) / 2) };
  expect(await totals()).toEqual(all);

  await stop();
  rmSync(instance.home, { recursive: true });
  cpSync(copy, instance.home, { recursive: true });
  up = await startUp(instance);
  expect(await totals()).toEqual({ events: "300", tokens: String((300 * 301) / 2) });
  await run("publish", usageFile(201, 300), "--again");
  await run("publish", later);
  expect(await totals()).toEqual(all);
  await run("verify");
});
