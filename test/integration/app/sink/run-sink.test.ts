import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SinkStore } from "../../../../src/app/ports.ts";
import type { SinkDeps } from "../../../../src/app/sink/run-sink.ts";
import { raiseCut } from "../../../../src/app/sink/raise-cut.ts";
import { AppError } from "../../../../src/kernel/errors.ts";
import { openUsageStream } from "../../../../src/stream/usage-stream.ts";
import { systemClock } from "../../../../cmd/system-clock.ts";
import { startTestServers, type TestServers } from "../../../support/servers.ts";
import {
  openSinkWorld,
  startSink,
  storedContradictions,
  storedTotals,
  untilStored,
  type SinkWorld,
  rowsThrough,
} from "../../../support/sink-world.ts";
import { UsageProducer } from "../../../support/usage-producer.ts";

let servers: TestServers;
let world: SinkWorld;
let producer: UsageProducer;

async function open(shards: number, seed: number): Promise<void> {
  servers = await startTestServers({ shards });
  world = await openSinkWorld(servers, shards);
  producer = new UsageProducer(world.nats, seed);
}

afterEach(async () => {
  await world.close();
  await servers.stop();
});

async function expectExact(): Promise<void> {
  expect(await storedTotals(world)).toEqual(producer.expected());
  expect(await storedContradictions(world)).toEqual([]);
}

describe("one shard", () => {
  beforeEach(() => open(1, 11));

  // Guarantee: whatever mixture arrives, each event has one row, each identity counts once, and every view agrees.
  test("stores a mixture exactly, across batches and restarts", async () => {
    const sink = startSink(world, { holder: "a#1", settings: { batchEventsMax: 40 } });
    await producer.publishMixture(150);
    await untilStored(world);
    await sink.drain();
    await expectExact();

    const next = startSink(world, { holder: "a#2" });
    await producer.publishMixture(100);
    await untilStored(world);
    await next.drain();
    await expectExact();
    expect((await world.keys.read(0))?.value).toMatchObject({ epoch: 2, expiry: 0 });
  });

  test("knows an identity again: in one message, across batches, after a restart, without a message id", async () => {
    const event = producer.fresh("gw0");
    const first = startSink(world, { holder: "a#1" });
    await producer.publish([event, event]);
    await untilStored(world);
    await producer.publish([event]);
    await producer.publish([{ ...event, tokens: event.tokens + 1 }]);
    await untilStored(world);
    await first.drain();
    const second = startSink(world, { holder: "a#2" });
    await producer.publish([event], { msgID: "another" });
    await untilStored(world);
    await second.drain();
    expect(producer.expected()).toMatchObject({ accepted: 1, duplicate: 3, conflict: 1 });
    await expectExact();
  });

  test("acknowledges what is stored, and nothing else", async () => {
    const sink = startSink(world, { holder: "a#1" });
    await producer.publishMixture(50);
    await untilStored(world);
    await sink.drain();
    await world.nats.connection.flush();
    const consumer = await world.nats.jsm.consumers.info("USAGE_0", "sink");
    expect(consumer.ack_floor.stream_seq).toBe(producer.expected().messages);
    expect(consumer.num_ack_pending).toBe(0);
  });

  // Guarantee: a writer that was away while another took over can neither plan nor insert.
  test("another writer takes over when the lease has run out, and the first one stops", async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    let inserts = 0;
    const stuck: SinkStore = {
      ...world.store,
      insert: async (input) => {
        inserts += 1;
        await gate;
        await world.store.insert(input);
      },
    };
    // This clock stands still for its renewals, as a stopped process would.
    const asleep = { ...systemClock, nowMs: () => 1, sleep: systemClock.sleep };
    const zombie = startSink(world, { holder: "zombie#1", deps: { store: stuck, clock: asleep } });
    await producer.publishMixture(20);
    await expect.poll(() => inserts).toBe(1);

    const next = startSink(world, { holder: "next#1" });
    await untilStored(world);
    open();
    await expect(zombie.done).rejects.toMatchObject({ code: "SINK_FENCED" });
    await producer.publishMixture(20);
    await untilStored(world);
    await next.drain();
    await expectExact();
  });

  test("the fence stops an insert of an older epoch, whatever its token is", async () => {
    let bytes = new Uint8Array();
    const openRows = rowsThrough((made) => (bytes = Uint8Array.from(made)));
    const sink = startSink(world, { holder: "a#1", deps: { openRows } });
    await producer.publish([producer.fresh("gw0")]);
    await untilStored(world);
    await sink.drain();
    await world.store.fence({ shard: 0, epoch: 9, holder: "b#1", takenAt: 0 });
    const plan = (await world.keys.read(0))?.value.plan;
    if (plan === undefined || plan === null) throw new Error("no plan");
    const late = world.store.insert({
      shard: 0,
      plan: { ...plan, first: 99, last: 99 },
      epoch: 8,
      rows: { bytes, special: true, uses: 0 },
      again: false,
    });
    await expect(late).rejects.toMatchObject({ code: "SINK_FENCED" });
    await expectExact();
  });

  test("a batch is one part in every table of the chain", async () => {
    await producer.publishMixture(200);
    await world.clickhouse.command({ sql: "SYSTEM STOP MERGES", doing: "stopping merges" });
    const sink = startSink(world, { holder: "a#1", settings: { batchWaitMs: 1_000 } });
    await untilStored(world);
    await sink.drain();
    const parts = await world.clickhouse.rows<{ table: string; parts: string; batches: string }>({
      sql: `SELECT table, count() AS parts, (SELECT count() FROM meterline.sink_batches) AS batches FROM system.parts
        WHERE database = 'meterline' AND active AND (table LIKE 'usage\\_%' OR table = 'event_keys') GROUP BY table ORDER BY table`,
      doing: "counting parts",
    });
    expect(parts.length).toBe(8);
    for (const { parts: count, batches } of parts) expect(count).toBe(batches);
    await expectExact();
  });

  test("an outage of the database is waited out, with what was read ahead bounded", async () => {
    let down = true;
    let taken = 0;
    let attempts = 0;
    const failing: SinkStore = {
      ...world.store,
      insert: async (input) => {
        attempts += 1;
        if (down) throw new AppError({ code: "DOWN", kind: "unavailable", message: "down for the test" });
        await world.store.insert(input);
      },
    };
    const settings = { batchEventsMax: 20, batchBytesMax: 16 * 1024, retryFirstMs: 5, retryMaxMs: 20 };
    const openRows = rowsThrough((bytes, rows) => {
      taken += rows;
      return bytes;
    });
    const sink = startSink(world, { holder: "a#1", settings, deps: { store: failing, openRows } });
    await producer.publishMixture(150);
    await expect.poll(() => attempts).toBeGreaterThan(10);
    // One batch decided; besides it no more is held than the bounded buffer.
    expect(taken).toBeLessThan(60);
    expect((await world.nats.jsm.consumers.info("USAGE_0", "sink")).delivered.stream_seq).toBeLessThan(120);
    down = false;
    await untilStored(world);
    await sink.drain();
    await expectExact();
  });

  test("a stream whose server is just being started again is waited for", async () => {
    let attempts = 0;
    const openStream: SinkDeps["openStream"] = (shard) => {
      attempts += 1;
      if (attempts <= 3) throw new AppError({ code: "DOWN", kind: "unavailable", message: "down for the test" });
      return openUsageStream(world.nats, { shard, shards: 1, prefetchBytesMax: 1024 * 1024 });
    };
    const sink = startSink(world, { holder: "a#1", settings: { retryFirstMs: 5 }, deps: { openStream } });
    await producer.publishMixture(30);
    await untilStored(world);
    await sink.drain();
    await expectExact();
    expect(attempts).toBe(4);
  });

  test("draining during an outage leaves the open plan to the next writer", async () => {
    const failing: SinkStore = {
      ...world.store,
      insert: () => Promise.reject(new AppError({ code: "DOWN", kind: "unavailable", message: "down for the test" })),
    };
    const sink = startSink(world, { holder: "a#1", deps: { store: failing } });
    await producer.publishMixture(30);
    await expect
      .poll(async () => (await world.keys.read(0))?.value.plan?.last ?? 0, { timeout: 30_000 })
      .toBeGreaterThan(0);
    await sink.drain();
    expect((await world.keys.read(0))?.value.expiry).toBe(0);
    const next = startSink(world, { holder: "b#1" });
    await untilStored(world);
    await next.drain();
    await expectExact();
  });

  test("a row that the engine refuses halts the shard and names the message", async () => {
    const broken = startSink(world, {
      holder: "a#1",
      deps: { openRows: rowsThrough((bytes) => bytes.subarray(0, -3)) },
    });
    await producer.publish([producer.fresh("gw0")]);
    await expect(broken.done).rejects.toThrow(/shard 0 stops: .*message 1, event 0 \(gw0\/e1\)/s);
    expect((await world.keys.read(0))?.value.plan?.first).toBe(1);
  });

  test("a recreated stream stops the shard instead of losing its first batches", async () => {
    const sink = startSink(world, { holder: "a#1" });
    await producer.publishMixture(10);
    await untilStored(world);
    await sink.drain();
    await world.nats.jsm.streams.delete("USAGE_0");
    const again = await openSinkWorld(servers, 1);
    await again.close();
    const next = startSink(world, { holder: "b#1" });
    await expect(next.done).rejects.toMatchObject({ code: "STREAM_RECREATED" });
  });

  // Guarantee: after raiseCut(c) no row with a cut up to c is ever added, however fast messages come in.
  test("a raised cut is complete for ever", async () => {
    const sink = startSink(world, { holder: "a#1", settings: { batchEventsMax: 25, batchWaitMs: 1 } });
    const deps = { cuts: world.cuts, keys: world.keys, store: world.store, clock: systemClock, shards: 1 };
    const closed = new Map<number, string>();
    const publishing = producer.publishMixture(150);
    for (let round = 0; round < 3; round += 1) {
      const cut = await raiseCut(deps, { timeoutMs: 10_000 });
      closed.set(cut, await rowsUpTo(cut));
    }
    await publishing;
    await untilStored(world);
    await sink.drain();
    expect([...closed.keys()]).toEqual([1, 2, 3]);
    for (const [cut, rows] of closed) expect(await rowsUpTo(cut)).toBe(rows);
    expect(Number(await rowsUpTo(4))).toBe(producer.expected().events);
    await expectExact();
  });

  test("a cut that an idle open plan holds back names the shard and whether a sink runs", async () => {
    const failing: SinkStore = {
      ...world.store,
      insert: () => Promise.reject(new AppError({ code: "DOWN", kind: "unavailable", message: "down for the test" })),
    };
    const sink = startSink(world, { holder: "a#1", deps: { store: failing } });
    await producer.publishMixture(5);
    await expect
      .poll(async () => (await world.keys.read(0))?.value.plan?.last ?? 0, { timeout: 30_000 })
      .toBeGreaterThan(0);
    const deps = { cuts: world.cuts, keys: world.keys, store: world.store, clock: systemClock, shards: 1 };
    await expect(raiseCut(deps, { timeoutMs: 100 })).rejects.toThrow(/shard 0 .*a#1 is running/);
    await sink.drain();
    await expect(raiseCut(deps, { timeoutMs: 100 })).rejects.toMatchObject({
      code: "CUT_NOT_REACHED",
      kind: "unavailable",
    });
  });

  test("a cut can be raised before any sink has run, and the first writer begins with it", async () => {
    const deps = { cuts: world.cuts, keys: world.keys, store: world.store, clock: systemClock, shards: 1 };
    expect(await raiseCut(deps, { timeoutMs: 1_000 })).toBe(1);
    const sink = startSink(world, { holder: "a#1" });
    await producer.publishMixture(5);
    await untilStored(world);
    await sink.drain();
    expect(await rowsUpTo(1)).toBe("0");
    await expectExact();
  });

  async function rowsUpTo(cut: number): Promise<string> {
    const [row] = await world.clickhouse.rows<{ rows: string }>({
      sql: "SELECT count() AS rows FROM meterline.usage_events_raw WHERE cut <= {cut: UInt32}",
      params: { cut },
      doing: "counting rows of a cut",
    });
    return row?.rows ?? "";
  }
});

describe("two shards", () => {
  beforeEach(() => open(2, 22));

  test("are written side by side, and an identity stays with its shard", async () => {
    const sink = startSink(world, { holder: "a#1", settings: { batchEventsMax: 100 } });
    await producer.publishMixture(200);
    await untilStored(world);
    await sink.drain();
    await expectExact();
    const rows = await world.clickhouse.rows<{ source: string; shards: string; subjects: readonly string[] }>({
      sql: `SELECT source, uniqExact(shard) AS shards, groupUniqArray(subject) AS subjects FROM meterline.usage_events_raw
        WHERE verdict = 'accepted' GROUP BY source`,
      doing: "looking where sources went",
    });
    expect(rows.length).toBe(5);
    for (const row of rows)
      expect(row).toEqual({ source: row.source, shards: "1", subjects: [`usage.${row.source}.acme`] });
  });

  // Guarantee: shards can be divided between processes: a sink leaves those of others alone, also while nobody writes them.
  test("are divided between two sinks", async () => {
    const first = startSink(world, { holder: "a#1", settings: { ownShards: [0] } });
    await producer.publishMixture(100);
    await expect.poll(async () => (await world.store.lastBatch({ shard: 0 }))?.plan.last ?? 0).toBeGreaterThan(0);
    expect(await world.keys.read(1)).toBeNull();
    const second = startSink(world, { holder: "b#1", settings: { ownShards: [1] } });
    await untilStored(world);
    const holders = await Promise.all([0, 1].map(async (shard) => (await world.keys.read(shard))?.value.holder));
    expect(holders).toEqual(["a#1", "b#1"]);
    await Promise.all([first.drain(), second.drain()]);
    await expectExact();
  });

  test("one that cannot go on drains the other and ends the process", async () => {
    const failing: SinkStore = {
      ...world.store,
      insert: (input) =>
        input.shard === 0
          ? Promise.reject(new AppError({ code: "REFUSED", kind: "broken", message: "refused for the test" }))
          : world.store.insert(input),
    };
    const sink = startSink(world, { holder: "a#1", deps: { store: failing } });
    await producer.publishMixture(100);
    await expect(sink.done).rejects.toMatchObject({ code: "REFUSED" });
    expect((await world.keys.read(1))?.value.expiry).toBe(0);
  });

  test("the number of shards cannot change", async () => {
    await expect(openSinkWorld(servers, 1)).rejects.toThrow(/METERLINE_SHARDS=2/);
  });
});
