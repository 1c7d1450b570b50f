/**
 * Rejected events that are replayed while the command and the sink are killed again and again, with JetStream's window made so small that what is
 * sent again is stored again. Each event counts once, and every stored message has its verdict.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { nanos } from "@nats-io/transport-node";
import { systemClock } from "../../../cmd/system-clock.ts";
import { verify } from "../../../src/app/verify/verify.ts";
import type { CrashPoint } from "../../../src/app/sink/crash-points.ts";
import { natsLoginOf } from "../../../src/embedded/nats-login.ts";
import { present } from "../../../src/kernel/assert.ts";
import { untilAllStored } from "../../support/faults/expect-counted-once.ts";
import { openFaultWorld, type FaultWorld } from "../../support/faults/fault-world.ts";
import { METERED_TYPE } from "../../support/faults/meant-event.ts";
import { seededRandom } from "../../support/faults/random.ts";
import { endOf, runMeterline, startMeterline, until } from "../../support/meterline-process.ts";

const SEED = 20_261_128;
const EVENTS = 200;
const EVENTS_PER_MESSAGE = 20;
/** The server's shortest is 100 ms. */
const WINDOW_MS = 100;
const DEADLINE_MS = 120_000;
/** The moments of a batch after which its rows may be stored and its origins not yet known as replayed. */
const SINK_DIES_AT: readonly CrashPoint[] = ["planned", "inserted", "committed"];

let world: FaultWorld;
const random = seededRandom(SEED);

beforeAll(async () => {
  world = await openFaultWorld({ name: "replay-killed" });
  await world.services.nats.jsm.streams.update("USAGE_0", { duplicate_window: nanos(WINDOW_MS) });
});

afterAll(async () => {
  await world?.stop();
});

function event(number: number): object {
  const data = { tokens: String(number), model: "small", user: `u${String(number % 7)}` };
  return { specversion: "1.0", id: `e${String(number)}`, source: "gw", type: METERED_TYPE, subject: "late", data };
}

/** Replays are published by Meterline's own user. */
function replayEnv(): { readonly env: Readonly<Record<string, string>> } {
  const { user, password } = present(natsLoginOf(world.home), "the password of the server");
  return { env: { ...world.env, METERLINE_NATS_URL: world.nats.url.replace("//", `//${user}:${password}@`) } };
}

async function lastSeq(): Promise<number> {
  return (await world.services.nats.jsm.streams.info("USAGE_0")).state.last_seq;
}

async function rows(sql: string): Promise<readonly Record<string, string>[]> {
  return await world.services.clickhouse.rows<Record<string, string>>({ sql, doing: "looking" });
}

/** Kills the command once some of its messages are stored, wherever it is then. */
async function killedReplay(): Promise<void> {
  const before = await lastSeq();
  const replaying = startMeterline(replayEnv(), ["quarantine", "replay", "--all", "--yes"]);
  let ended = false;
  void replaying.ended.then(() => (ended = true));
  const some = before + 1 + random(EVENTS / 8);
  await until("some events were replayed", DEADLINE_MS, async () => ended || (await lastSeq()) >= some || undefined);
  replaying.signal("SIGKILL");
  await endOf(replaying);
}

// Guarantee: a replay and the sink may die at any moment, in any order; run to its end once, the replay has counted each event once.
test("the command and the sink killed in the middle of a replay", { timeout: 600_000 }, async () => {
  for (let first = 0; first < EVENTS; first += EVENTS_PER_MESSAGE) {
    const events = Array.from({ length: EVENTS_PER_MESSAGE }, (_, index) => event(first + index));
    await world.services.nats.js.publish("usage.gw", JSON.stringify(events));
  }
  const early = world.startSink();
  await untilAllStored(world.services);
  await early.drain();
  expect(await rows("SELECT reason, toString(count()) AS n FROM meterline.usage_events_raw GROUP BY reason")).toEqual([
    { reason: "unknown_customer", n: String(EVENTS) },
  ]);
  const customer = { key: "late", name: "late", currency: "EUR", timeZone: "UTC" };
  await world.apply({ "customers.yaml": JSON.stringify({ customers: [customer] }) });

  for (const point of SINK_DIES_AT) {
    await killedReplay();
    const dying = startMeterline({ env: { ...world.env, METERLINE_CRASH_AT: point } }, ["sink"]);
    expect([point, (await endOf(dying)).code]).toEqual([point, null]);
    await systemClock.sleep(WINDOW_MS);
  }

  const sink = world.startSink();
  const whole = await runMeterline(replayEnv(), ["quarantine", "replay", "--all", "--yes"]);
  expect(whole.code, whole.stderr).toBe(0);
  await untilAllStored(world.services);
  const nothing = await runMeterline(replayEnv(), ["quarantine", "replay", "--all", "--yes", "--json"]);
  expect(JSON.parse(nothing.stdout)).toMatchObject({ looked: 0, replayed: 0 });
  await sink.drain();

  const verdicts = await rows("SELECT verdict, toString(count()) AS n FROM finance.event_verdicts GROUP BY verdict");
  const counts = new Map(verdicts.map(({ verdict, n }) => [verdict, Number(n)]));
  expect([counts.get("accepted"), counts.get("replayed"), counts.get("rejected") ?? 0]).toEqual([EVENTS, EVENTS, 0]);
  // Every message is in the sums: the rejected ones held several events, a replay holds one.
  const messages = await lastSeq();
  const replays = messages - EVENTS / EVENTS_PER_MESSAGE;
  expect((counts.get("duplicate") ?? 0) + EVENTS).toBe(replays);
  expect(replays).toBeGreaterThan(EVENTS);
  const tokens = (EVENTS * (EVENTS - 1)) / 2;
  expect(
    await rows(
      "SELECT toString(sum(quantity)) AS tokens, toString(sum(event_count)) AS n FROM finance.usage WHERE meter = 'tokens'",
    ),
  ).toEqual([{ tokens: String(tokens), n: String(EVENTS) }]);
  expect((await verify(world.services.verify(() => undefined))).discrepancies).toEqual([]);
});
