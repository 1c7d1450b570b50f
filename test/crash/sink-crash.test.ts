/**
 * A sink that dies: at every named moment, at random moments, and with its servers dying instead. Afterwards the totals equal the producer's
 * own list exactly, in every table. Each test continues on what the ones before it left behind.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CRASH_POINTS, type CrashPoint } from "../../src/app/sink/crash-points.ts";
import { raiseCut } from "../../src/app/sink/raise-cut.ts";
import { startClickHouseServer } from "../../src/embedded/clickhouse-server.ts";
import { startNatsServer } from "../../src/embedded/nats-server.ts";
import { AppError, exitCodeOf } from "../../src/kernel/errors.ts";
import { systemClock } from "../../cmd/system-clock.ts";
import { freePort } from "../support/free-port.ts";
import { copySchemaInto } from "../support/schema-home.ts";
import { STARTS_FROM_COPIES, startSinkProcess, type SinkProcess } from "../support/sink-process.ts";
import {
  openSinkWorld,
  storedContradictions,
  storedTotals,
  untilStored,
  type SinkWorld,
} from "../support/sink-world.ts";
import { tempDir } from "../support/temp-dir.ts";
import { UsageProducer } from "../support/usage-producer.ts";

const SHARDS = 2;
const SEED = 20_261_003;
const STORE_BYTES = 1024 ** 3;
const DIE_MS = 60_000;
const RANDOM_KILLS = 12;
const FENCED = new AppError({ code: "SINK_FENCED", kind: "conflict", message: "" });

type Server = { readonly url: string; readonly pid: number; readonly exited: Promise<unknown>; stop(): Promise<void> };

let home: Awaited<ReturnType<typeof tempDir>>;
let nats: Server;
let clickhouse: Server;
let world: SinkWorld;
let producer: UsageProducer;
let ports: { readonly nats: number; readonly clickhouse: number };
const hit = new Set<CrashPoint>();

beforeAll(async () => {
  home = await tempDir("sink-crash");
  await copySchemaInto(home.path);
  ports = { nats: await freePort(), clickhouse: await freePort() };
  nats = await startNats();
  clickhouse = await startClickHouse();
  world = await openSinkWorld(addresses(), SHARDS);
  producer = new UsageProducer(world.nats, SEED);
});

afterAll(async () => {
  await world.close();
  await clickhouse.stop();
  await nats.stop();
  await home.remove();
});

function startNats(): Promise<Server> {
  return startNatsServer({ home: home.path, port: ports.nats, shards: SHARDS, storeBytes: STORE_BYTES });
}

function startClickHouse(): Promise<Server> {
  return startClickHouseServer({ home: home.path, host: "127.0.0.1", port: ports.clickhouse, password: "" });
}

function addresses() {
  return { natsUrl: nats.url, clickhouseUrl: clickhouse.url, shards: SHARDS, home: home.path };
}

async function recover(): Promise<void> {
  const sink = await startSinkProcess(addresses());
  await untilStored(world);
  expect(await sink.drain()).toEqual({ code: 0, signal: null, stderr: "" });
}

async function expectExact(): Promise<void> {
  expect(await storedTotals(world)).toEqual(producer.expected());
  expect(await storedContradictions(world)).toEqual([]);
}

async function expectDeath(sink: SinkProcess, point: CrashPoint): Promise<void> {
  const late = systemClock.sleep(DIE_MS).then(() => sink.kill().then(() => "it was never reached"));
  const end = await Promise.race([sink.ended, late]);
  expect(end).toMatchObject({ signal: "SIGKILL" });
  hit.add(point);
}

/** What has to happen for a writer to come by a point. Most lie on the way of every batch. */
const provoke: Partial<Record<CrashPoint, (sink: SinkProcess) => Promise<void>>> = {
  released: async (sink) => {
    await untilStored(world);
    void sink.drain();
  },
  replanned: async (sink) => {
    const deps = { cuts: world.cuts, keys: world.keys, store: world.store, clock: systemClock, shards: SHARDS };
    let running = true;
    void sink.ended.then(() => {
      running = false;
    });
    for (let round = 0; round < 400 && running; round += 1) {
      await producer.publishMixture(2);
      await raiseCut(deps, { timeoutMs: 0 }).catch(() => 0);
    }
  },
};

// Guarantee: a writer killed at any named moment leaves nothing lost and nothing doubled, and its successor needs no help.
test.each(CRASH_POINTS)("killed at %s", { timeout: 240_000 }, async (point) => {
  await producer.publishMixture(12);
  if (point === "rebuilt") await expectDeath(await startSinkProcess(addresses(), "planned"), "planned");
  const sink = await startSinkProcess(addresses(), point);
  await provoke[point]?.(sink);
  await expectDeath(sink, point);
  await recover();
  await expectExact();
});

test("every named crash point was reached", () => {
  expect([...hit].sort()).toEqual([...CRASH_POINTS].sort());
});

// Guarantee: what is shown here holds for starts from a copy of the identity filter.
test("many of the starts began with a copy of the identity filter", async () => {
  const starts = await readFile(join(home.path, STARTS_FROM_COPIES), "utf8");
  expect(starts.length).toBeGreaterThan(CRASH_POINTS.length);
});

// Guarantee: the same holds for moments that nobody thought of.
test(`killed ${RANDOM_KILLS} times at random moments`, { timeout: 300_000 }, async () => {
  for (let round = 0; round < RANDOM_KILLS; round += 1) {
    const sink = await startSinkProcess(addresses());
    const publishing = producer.publishMixture(25);
    await systemClock.sleep(producer.random(500));
    expect(await sink.kill()).toMatchObject({ signal: "SIGKILL" });
    await publishing;
  }
  await recover();
  await expectExact();
});

// Guarantee: a sink that was stopped in the middle of anything, and wakes up after another took over, adds nothing and ends.
test("paused at random moments while another takes over", { timeout: 300_000 }, async () => {
  for (let round = 0; round < 4; round += 1) {
    const zombie = await startSinkProcess(addresses());
    // Who never held the shard is no zombie: it goes on waiting for its turn.
    await producer.publishMixture(1);
    await untilStored(world);
    const publishing = producer.publishMixture(25);
    await systemClock.sleep(producer.random(400));
    zombie.pause();
    await publishing;
    const next = await startSinkProcess(addresses());
    await producer.publishMixture(10);
    await untilStored(world);
    zombie.resume();
    await producer.publishMixture(10);
    const end = await Promise.race([zombie.ended, systemClock.sleep(DIE_MS).then(() => zombie.kill())]);
    expect(end).toMatchObject({ code: exitCodeOf(FENCED), signal: null });
    await untilStored(world);
    expect(await next.drain()).toEqual({ code: 0, signal: null, stderr: "" });
    await expectExact();
  }
});

// Guarantee: a sink outlives its servers; what they acknowledged is there afterwards.
test("nats-server and ClickHouse killed under a running sink", { timeout: 300_000 }, async () => {
  const sink = await startSinkProcess(addresses());
  const deadline = Date.now() + 200_000;
  for (let round = 0; round < 3; round += 1) {
    const publishing = publishSome(60, deadline);
    await systemClock.sleep(producer.random(400));
    process.kill(nats.pid, "SIGKILL");
    await nats.exited;
    nats = await startNats();
    await systemClock.sleep(producer.random(400));
    process.kill(clickhouse.pid, "SIGKILL");
    await clickhouse.exited;
    clickhouse = await startClickHouse();
    await publishing;
  }
  await untilStored(world);
  expect(await sink.drain()).toMatchObject({ code: 0, signal: null });
  await expectExact();
});

async function publishSome(messages: number, deadlineMs: number): Promise<void> {
  for (let index = 0; index < messages; index += 1) {
    await producer.publishUntilStored(
      [producer.fresh("gw1"), ...(index % 5 === 0 ? [producer.fresh("gw1")] : [])],
      deadlineMs,
    );
  }
}
