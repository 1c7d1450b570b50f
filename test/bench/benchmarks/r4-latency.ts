/**
 * R4: p99 of the time from an event's acknowledgement until it shows in the window view, at half of the sustained load ÷ (the sink's batch wait + p99 of a bare insert
 * of batches of that size). An event shows when a query of the view counts it. It is asked after each commit, so what comes after the insert and the query itself are in it;
 * asked every 25 ms, it took half a core from what was measured.
 * The sustained load is what goes from the producer to counted while both work at once; single-event messages. The same at a low load is measured beside it.
 */
import { setTimeout as delay } from "node:timers/promises";
import { openProducer } from "../../../src/producer/open-producer.ts";
import { benchEvents, benchMessages } from "../bench-events.ts";
import { copyChain, insertBare } from "../bare-insert.ts";
import type { BenchWorld } from "../bench-world.ts";
import type { Benchmark } from "../benchmark.ts";
import { startChildSink, type ChildSink } from "../child-sink.ts";
import { shown } from "../interleave.ts";
import { machineMs } from "../machine-clock.ts";
import { percentile } from "../median.ts";
import { plainRatio, ratioOf } from "../ratio.ts";
import type { StoredWorld } from "../worlds.ts";

const TICK_MS = 5;
const SECONDS_PER_ROUND = 12;
const LOW_PER_SECOND = 100;
const INSERTS_PER_ROUND = 6;
const P99 = 0.99;

export const latency: Benchmark = {
  id: "R4",
  title: "From acknowledged to visible at half of the sustained load",
  events: 500_000,
  rounds: 5,
  minutes: 5,
  run: async ({ events, rounds, identities, worlds, say }) => {
    const stored = await worlds.stored(identities);
    const { world } = stored;
    const { batchWaitMs } = world.context.settings;
    await stored.stopSink();
    const sink = await warmSink(world);
    const sustained = await sustainedLoad(world, sink, events);
    say(`sustained load: ${shown(sustained)} events/s`);
    await sink.stop();
    const perBatch = Math.max(Math.round((sustained / 2) * (batchWaitMs / 1_000)), 1);
    // Bytes that were inserted once are dropped the second time.
    const bodies = await batchesOf(stored, { events: perBatch, batches: rounds * INSERTS_PER_ROUND });
    await stored.stopSink();
    await copyChain(world.clickhouse);
    const running = await warmSink(world);
    const visible: number[] = [];
    const inserts: number[] = [];
    const medians: number[] = [];
    const low: number[] = [];
    const seconds = Math.min(SECONDS_PER_ROUND, Math.max(events / sustained, 2));
    // A process that has just begun is slower: its code is compiled on the way.
    await pacedRound(world, running, { perSecond: sustained / 2, seconds, round: `r4-first-${Date.now()}` });
    for (let round = 0; round < rounds; round += 1) {
      const latencies = await pacedRound(world, running, {
        perSecond: sustained / 2,
        seconds,
        round: `r4-${Date.now()}`,
      });
      visible.push(percentile(latencies, P99));
      medians.push(percentile(latencies, 0.5));
      const seldom = await pacedRound(world, running, {
        perSecond: LOW_PER_SECOND,
        seconds,
        round: `r4-low-${Date.now()}`,
      });
      low.push(percentile(seldom, P99));
      const times: number[] = [];
      for (let number = 0; number < INSERTS_PER_ROUND; number += 1) {
        const body = bodies[round * INSERTS_PER_ROUND + number];
        if (body !== undefined) times.push((await insertBare(world.clickhouse, [body], perBatch)).seconds * 1_000);
      }
      inserts.push(percentile(times, P99));
      say(
        `round ${round + 1} of ${rounds}: p99 ${shown(visible.at(-1) ?? 0)} ms, bare insert ${shown(inserts.at(-1) ?? 0)} ms`,
      );
    }
    await running.stop();
    const worst = percentile(visible, 0.5);
    return {
      measurements: [
        { name: "acknowledged to visible, p99", unit: "ms", values: visible },
        { name: "acknowledged to visible, p50", unit: "ms", values: medians },
        { name: "acknowledged to visible at a low load, p99", unit: "ms", values: low },
        { name: "bare insert of a batch, p99", unit: "ms", values: inserts },
      ],
      ratios: [
        ratioOf({
          name: "p99 ÷ (batch wait + p99 of a bare insert)",
          of: visible,
          to: inserts.map((ms) => batchWaitMs + ms),
          target: { atMost: 1.5 },
        }),
        plainRatio({ name: "p99 in seconds", value: worst / 1_000, target: { atMost: 1 }, aim: { atMost: 0.5 } }),
        plainRatio({
          name: `p99 in seconds at ${LOW_PER_SECOND} events/s`,
          value: percentile(low, 0.5) / 1_000,
          target: { atMost: 1 },
        }),
      ],
      facts: {
        "identities stored before": identities,
        "sustained events/s": Math.round(sustained),
        "batch wait, ms": batchWaitMs,
        "events of a batch": perBatch,
      },
    };
  },
};

/** One event has gone through it: process, filter and lease are no part of what is measured. */
async function warmSink(world: BenchWorld): Promise<ChildSink> {
  const sink = startChildSink(world);
  await world.publish({
    events: 1,
    messages: benchMessages({ events: 1, eventsPerMessage: 1, round: `r4-warm-${Date.now()}` }),
  });
  await sink.until(() => sink.commits().length > 0);
  return sink;
}

async function sustainedLoad(world: BenchWorld, sink: ChildSink, events: number): Promise<number> {
  const before = sink.events();
  const producer = await openProducer(await world.context.nats(), { eventsPerMessage: 1 });
  const startedMs = machineMs();
  for (const event of benchEvents({ events, round: `r4-load-${Date.now()}` })) await producer.sendText(event);
  await producer.close();
  await sink.until(() => sink.events() >= before + events);
  await world.trim();
  return events / (((sink.commits().at(-1)?.atMs ?? machineMs()) - startedMs) / 1_000);
}

/** What the sink inserts of rounds that make one batch each. */
async function batchesOf(
  { world, sink }: StoredWorld,
  { events, batches }: { readonly events: number; readonly batches: number },
): Promise<readonly Uint8Array[]> {
  const running = await sink();
  await running.keepInserts({ rows: events, behind: 0 });
  const bodies: Uint8Array[] = [];
  for (let number = 0; number < batches; number += 1) {
    const before = running.events();
    await running.hold();
    await world.publish({
      events,
      messages: benchMessages({ events, eventsPerMessage: 10_000, round: `r4-batch-${Date.now()}-${number}` }),
    });
    await running.release();
    await running.until(() => running.events() >= before + events);
    // Rows stand one behind the other in RowBinary: should it have been two batches, they make one.
    bodies.push(Buffer.concat(await running.takeInserts()));
  }
  return bodies;
}

type PacedInput = { readonly perSecond: number; readonly seconds: number; readonly round: string };

async function pacedRound(
  world: BenchWorld,
  sink: ChildSink,
  { perSecond, seconds, round }: PacedInput,
): Promise<readonly number[]> {
  const events = Math.round(perSecond * seconds);
  const before = await counted(world);
  const ackedMs: number[] = [];
  const producer = await openProducer(await world.context.nats(), {
    eventsPerMessage: 1,
    // JetStream acknowledges in the order of the stream, in which the sink counts as well.
    onFate: () => ackedMs.push(performance.now()),
  });
  const visible = watch(world, sink, { before, events });
  const startedMs = performance.now();
  let sent = 0;
  for (const event of benchEvents({ events, round })) {
    await producer.sendText(event);
    sent += 1;
    const aheadMs = (sent / perSecond) * 1_000 - (performance.now() - startedMs);
    if (aheadMs > TICK_MS) await delay(TICK_MS);
  }
  await producer.close();
  const seenMs = await visible;
  await world.trim();
  return seenMs.map((ms, index) => ms - (ackedMs[index] ?? ms));
}

/** When each event was first counted by the view. */
async function watch(
  world: BenchWorld,
  sink: ChildSink,
  { before, events }: { readonly before: number; readonly events: number },
): Promise<readonly number[]> {
  const seenMs: number[] = [];
  let commits = sink.commits().length;
  while (seenMs.length < events) {
    await sink.until(() => sink.commits().length > commits);
    commits = sink.commits().length;
    const count = (await counted(world)) - before;
    const nowMs = performance.now();
    while (seenMs.length < count) seenMs.push(nowMs);
  }
  return seenMs;
}

async function counted({ clickhouse }: BenchWorld): Promise<number> {
  const [row] = await clickhouse.rows<{ events: string }>({
    sql: "SELECT sum(event_count) AS events FROM meterline.usage_windows WHERE meter = 'requests'",
    doing: "counting what the windows hold",
  });
  return Number(row?.events ?? 0);
}
