import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  connectTo,
  endOf,
  instanceIn,
  runMeterline,
  startMeterline,
  startUp,
  until,
  type Up,
} from "../support/meterline-process.ts";
import { tempDir, type TempDir } from "../support/temp-dir.ts";

const EVENTS = 24_000;
const EVENTS_PER_SECOND = 2_000;
const DEADLINE_MS = 240_000;
/** Events counted before the next process is killed. */
const KILL_AT = [3_000, 7_000, 11_000, 15_000] as const;

let dir: TempDir;
let up: Up;

beforeEach(async () => {
  dir = await tempDir("up-crash");
});

afterEach(async () => {
  up.signal("SIGTERM");
  await endOf(up);
  await dir.remove();
});

function eventFile(): { readonly path: string; readonly tokens: bigint } {
  const path = `${dir.path}/events.ndjson`;
  const base = { specversion: "1.0", type: "llm.completion", subject: "acme" };
  const lines = Array.from({ length: EVENTS }, (_, number) => {
    const data = { model: "small-1", region: "eu-west-1", inputTokens: number, outputTokens: 1 };
    return JSON.stringify({ ...base, id: `e-${String(number)}`, source: `gw${String(number % 3)}`, data });
  });
  writeFileSync(path, `${lines.join("\n")}\n`);
  return { path, tokens: (BigInt(EVENTS) * BigInt(EVENTS - 1)) / 2n };
}

type Totals = { readonly events: string; readonly tokens: string };

/** Requests and input tokens that finance sees; zero while ClickHouse is away. */
async function totals(): Promise<Totals> {
  const { clickhouse, close } = await connectTo(up);
  const rows = await clickhouse
    .rows<Totals>({
      sql: "SELECT toString(sumIf(event_count, meter = 'requests')) AS events, toString(sumIf(quantity, meter = 'input-tokens')) AS tokens FROM finance.usage",
      doing: "reading the totals",
    })
    .catch(() => []);
  await close();
  return rows[0] ?? { events: "0", tokens: "0" };
}

async function untilCounted(events: number): Promise<void> {
  await until(`${String(events)} events are counted`, DEADLINE_MS, async () =>
    Number((await totals().catch(() => ({ events: "0" }))).events) >= events ? true : undefined,
  );
}

// Guarantee: while a producer goes on publishing, kill -9 of nats-server, of ClickHouse and of `up` itself change no total.
test("totals stay exact under kill -9 of every process while events stream in", { timeout: 600_000 }, async () => {
  const instance = await instanceIn(`${dir.path}/home`);
  up = await startUp(instance);
  expect((await runMeterline(instance, ["apply", "docs/examples/catalog", "--yes"])).code).toBe(0);
  const file = eventFile();
  const addresses = { METERLINE_NATS_URL: up.natsUrl, METERLINE_CLICKHOUSE_URL: up.clickhouseUrl };
  const publishing = startMeterline({ env: { ...instance.env, ...addresses } }, [
    "publish",
    file.path,
    "--rate",
    String(EVENTS_PER_SECOND),
  ]);

  await untilCounted(KILL_AT[0]);
  process.kill(up.children().nats, "SIGKILL");
  await untilCounted(KILL_AT[1]);
  process.kill(up.children().clickhouse, "SIGKILL");
  await untilCounted(KILL_AT[2]);
  up.signal("SIGKILL");
  await endOf(up);
  up = await startUp(instance);
  await untilCounted(KILL_AT[3]);
  const { nats, clickhouse } = up.children();
  process.kill(clickhouse, "SIGKILL");
  process.kill(nats, "SIGKILL");

  const published = await endOf(publishing);
  expect(published.stderr + String(published.code)).toMatch(/0$/);
  await untilCounted(EVENTS);
  expect(await totals()).toEqual({ events: String(EVENTS), tokens: file.tokens.toString() });
  const verified = await runMeterline(instance, ["verify"]);
  expect(verified.stdout).toContain("All sound");
  expect(verified.code).toBe(0);
});
