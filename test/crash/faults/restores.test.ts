/**
 * Servers that come back as they were yesterday, or empty. The sink goes on exactly, or it stops and names the command that decides, after which
 * it goes on exactly. "Yesterday" is a copy of a server's directory, made while that server was stopped.
 */
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { raiseCut } from "../../../src/app/sink/raise-cut.ts";
import { systemClock } from "../../../cmd/system-clock.ts";
import {
  copyStreams,
  expectBooksAgree,
  expectCountedOnce,
  untilAllStored,
  type StreamCopy,
} from "../../support/faults/expect-counted-once.ts";
import { openFaultWorld, type FaultWorld } from "../../support/faults/fault-world.ts";
import { Ledger } from "../../support/faults/ledger.ts";
import { textOf, type Meant, type MeantEvent } from "../../support/faults/meant-event.ts";
import { seededRandom } from "../../support/faults/random.ts";
import { endOf, runMeterline, startMeterline } from "../../support/meterline-process.ts";

const SEED = 20_261_106;
const MESSAGES = 60;

type Server = "nats" | "clickhouse";

let world: FaultWorld;
let ledger: Ledger;
/** Streams that a restore has replaced. */
let earlier: StreamCopy[] = [];

async function open(): Promise<void> {
  world = await openFaultWorld({ name: "restores" });
  ledger = new Ledger(seededRandom(SEED));
  earlier = [];
}

async function close(): Promise<void> {
  await world?.stop();
}

async function publish(events: readonly MeantEvent[]): Promise<void> {
  for (const event of events) await ledger.sendUntilStored(world.services.nats, [event], systemClock.nowMs() + 20_000);
}

function someEvents(count = MESSAGES): MeantEvent[] {
  return Array.from({ length: count }, () => ledger.fresh());
}

async function count(): Promise<void> {
  const sink = world.startSink();
  await untilAllStored(world.services);
  await sink.drain();
}

/** Usage under two more cuts and two more catalogs: whoever makes its batches again needs all of them. */
async function countOverCutsAndCatalogs(name: string): Promise<void> {
  const { cuts, keys, sinkStore: store } = world.services;
  const late = ledger.freshMany(3, { customer: name });
  const tooEarly = late.map((event): Meant => ({
    rejected: "unknown_customer",
    text: textOf({ ...event, user: "x" }),
  }));
  await ledger.send(world.services.nats, tooEarly, { subject: late[0]?.source ?? "" });
  await publish(someEvents());
  await count();
  await raiseCut({ cuts, keys, store, clock: systemClock, shards: 1 }, { timeoutMs: 5_000 });
  const customer = { key: name, name, currency: "EUR", timeZone: "UTC" };
  await world.apply({ "customers.yaml": JSON.stringify({ customers: [customer] }) });
  await publish([...late, ...someEvents()]);
  await count();
}

async function save(server: Server): Promise<void> {
  await world[server].stop();
  await cp(join(world.home, server), join(world.home, `${server}.yesterday`), { recursive: true });
  await world[server].start();
}

async function restore(server: Server): Promise<void> {
  await world[server].stop();
  await rm(join(world.home, server), { recursive: true });
  await cp(join(world.home, `${server}.yesterday`), join(world.home, server), { recursive: true });
  await world[server].start();
  await rm(join(world.home, `${server}.yesterday`), { recursive: true });
}

/** The sink stops by itself, and its error names the command. */
async function expectStop(code: string, command: string): Promise<void> {
  const sink = world.startSink();
  await expect(sink.done).rejects.toMatchObject({ code, message: expect.stringContaining(command) as string });
  const listed = await runMeterline(world, ["shards"]);
  expect(listed.code).toBe(1);
  expect(listed.stderr).toContain(command);
}

async function shards(...args: readonly string[]): Promise<string> {
  const ended = await runMeterline(world, ["shards", ...args, "--shard", "0"]);
  expect(ended.stderr + String(ended.code)).toMatch(/0$/);
  return ended.stdout;
}

/** Usage per cut: what bills rest on. */
async function perCut(): Promise<readonly unknown[]> {
  return await world.services.clickhouse.rows({
    sql: `SELECT cut, verdict, count() AS events, groupBitXor(cityHash64(seq, position, reason)) AS which
      FROM meterline.usage_events_raw GROUP BY cut, verdict ORDER BY cut, verdict`,
    doing: "reading usage per cut",
  });
}

async function expectExact(): Promise<void> {
  await expectBooksAgree({ services: world.services, ledger, earlier });
}

describe("restored from one moment, or ClickHouse alone", () => {
  beforeAll(open);
  afterAll(close);

  test("both servers from the same yesterday: goes on, and what producers send again counts once", async () => {
    await publish(someEvents());
    await count();
    await save("nats");
    await save("clickhouse");
    const kept = ledger.acknowledged.length;
    const today = someEvents();
    await publish(today);
    await count();
    await restore("nats");
    await restore("clickhouse");
    ledger.forgetAfter(kept);
    await publish(today);
    await count();
    await expectExact();
  });

  // Guarantee: a restore of ClickHouse changes no bill. Each event is back under the cut and the catalog that it had.
  test("ClickHouse from yesterday: stops, `shards refill` stores what is missing as it was, even when it is killed", async () => {
    await save("clickhouse");
    await countOverCutsAndCatalogs("initech");
    const before = await perCut();
    await restore("clickhouse");
    await world.services.project();
    await expectStop("CLICKHOUSE_BEHIND", "meterline shards refill --shard 0");
    const dying = startMeterline({ env: { ...world.env, METERLINE_BATCH_EVENTS_MAX: "10" } }, [
      "shards",
      "refill",
      "--shard",
      "0",
    ]);
    await untilSaid(dying, "stored again");
    dying.signal("SIGKILL");
    await endOf(dying);
    await afterLease();
    expect(await shards("refill")).toContain("are stored again");
    expect(await shards("refill")).toContain("Nothing is missing");
    await count();
    expect(await perCut()).toEqual(before);
    await expectExact();
  });

  test("ClickHouse from a BACKUP that was made while no sink wrote: the same", async () => {
    const { clickhouse } = world.services;
    const command = (sql: string): Promise<void> => clickhouse.command({ sql, doing: "testing a backup" });
    await command("BACKUP DATABASE meterline TO File('yesterday')");
    await countOverCutsAndCatalogs("umbrella");
    const before = await perCut();
    await command("DROP DATABASE meterline SYNC");
    await command("RESTORE DATABASE meterline FROM File('yesterday')");
    await world.services.project();
    await expectStop("CLICKHOUSE_BEHIND", "meterline shards refill --shard 0");
    await shards("refill");
    await count();
    expect(await perCut()).toEqual(before);
    await expectExact();
  });

  // Guarantee: a batch whose token a backup by SQL has lost is not committed twice in silence.
  test("ClickHouse from a BACKUP over an unfinished batch: stops and says that another backup is needed", async () => {
    const { clickhouse } = world.services;
    const command = (sql: string): Promise<void> => clickhouse.command({ sql, doing: "testing a backup" });
    await command("BACKUP DATABASE meterline TO File('good')");
    await publish(someEvents());
    await endOf(startMeterline({ env: { ...world.env, METERLINE_CRASH_AT: "inserted" } }, ["sink"]));
    await command("BACKUP DATABASE meterline TO File('unfinished')");
    await command("DROP DATABASE meterline SYNC");
    await command("RESTORE DATABASE meterline FROM File('unfinished')");
    await expect(world.startSink().done).rejects.toMatchObject({ code: "BATCH_DOUBLED" });
    await command("DROP DATABASE meterline SYNC");
    await command("RESTORE DATABASE meterline FROM File('good')");
    await count();
    await expectExact();
  });

  test("ClickHouse lost: an empty one is filled from the stream alone", async () => {
    const before = await perCut();
    await world.clickhouse.stop();
    await rm(join(world.home, "clickhouse"), { recursive: true });
    await world.clickhouse.start();
    await world.prepare();
    await world.services.project();
    await expectStop("CLICKHOUSE_BEHIND", "meterline shards refill --shard 0");
    await shards("refill");
    await count();
    expect(await perCut()).toEqual(before);
    await expectCountedOnce({ services: world.services, ledger });
  });
});

describe("NATS restored, made anew, or without its keys", () => {
  beforeAll(open);
  afterAll(close);

  test("NATS from yesterday: stops, `shards adopt` goes on with it; what is sent again counts once", async () => {
    await publish(someEvents());
    await count();
    await save("nats");
    const today = someEvents();
    await publish(today);
    await count();
    earlier.push(...(await copyStreams(world.services)));
    await restore("nats");
    await expectStop("CLICKHOUSE_AHEAD", "meterline shards adopt --shard 0");
    const sure = await runMeterline(world, ["shards", "adopt", "--shard", "0"]);
    expect(sure.stderr).toContain("--yes");
    expect(await shards("adopt", "--yes")).toContain("Start the sink");
    expect(await shards("adopt", "--yes")).toContain("Nothing to adopt");
    await publish([...today, ...someEvents()]);
    await count();
    await expectExact();
  });

  test("the stream deleted and made again: stops, `shards adopt` goes on", async () => {
    earlier.push(...(await copyStreams(world.services)));
    await world.services.nats.jsm.streams.delete("USAGE_0");
    await world.prepare();
    await publish(someEvents(10));
    await expectStop("STREAM_RECREATED", "meterline shards adopt --shard 0");
    await shards("adopt", "--yes");
    await publish(someEvents(10));
    await count();
    await expectExact();
  });

  // Guarantee: also the cut goes on, although the bucket that counted it is gone.
  test("the bucket of the keys lost: stops, `shards adopt` reads the stream again, and nothing of it counts twice", async () => {
    const [{ cut: highest } = { cut: 0 }] = await world.services.clickhouse.rows<{ cut: number }>({
      sql: "SELECT max(cut) AS cut FROM meterline.sink_batches",
      doing: "reading the highest cut",
    });
    earlier.push(...(await copyStreams(world.services)));
    await world.services.nats.jsm.streams.delete("KV_METERLINE");
    await world.prepare();
    await publish(someEvents(10));
    await expectStop("CLICKHOUSE_AHEAD", "meterline shards adopt --shard 0");
    await shards("adopt", "--yes");
    await count();
    expect((await world.services.cuts.read()).value.cut).toBe(highest + 1);
    await expectCountedOnce({ services: world.services, ledger, earlier });
  });
});

async function untilSaid(process_: ReturnType<typeof startMeterline>, text: string): Promise<void> {
  const deadline = systemClock.nowMs() + 30_000;
  while (!process_.stderr().includes(text)) {
    if (systemClock.nowMs() > deadline) throw new Error(`waited in vain for "${text}": ${process_.stderr()}`);
    await systemClock.sleep(5);
  }
}

/** A dead holder's lease is waited for, as a sink would. */
async function afterLease(): Promise<void> {
  const key = await world.services.keys.read(0);
  if (key === null) throw new Error("the shard has no key");
  await world.services.keys.compareAndSet({ shard: 0, revision: key.revision, key: { ...key.value, expiry: 0 } });
}
