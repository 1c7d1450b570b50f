/**
 * R6: the time from kill -9 of the sink, in the middle of a backlog, until the rest is counted by its successor ÷ (the rest ÷ the steady rate). The steady rate is that of a
 * backlog of the same size from its second batch to its last, measured in turns. The successor's start (process, filter of all identities, position) is in it.
 */
import { benchMessages } from "../bench-events.ts";
import type { BenchWorld } from "../bench-world.ts";
import { requireEqual, type Benchmark } from "../benchmark.ts";
import { startChildSink } from "../child-sink.ts";
import { shown } from "../interleave.ts";
import { machineMs } from "../machine-clock.ts";
import { ratioOf } from "../ratio.ts";

const EVENTS_PER_MESSAGE = 100;
/** A backlog is published in pieces, so that it never lies in memory as a whole. */
const PIECE = 500_000;
const KILLED_AFTER_SHARE = 0.1;

export const drain: Benchmark = {
  id: "R6",
  title: "Draining a backlog after kill -9",
  events: 2_000_000,
  rounds: 5,
  minutes: 14,
  run: async ({ events, rounds, identities, worlds, say }) => {
    const { world, stopSink } = await worlds.stored(identities);
    await stopSink();
    const drained: number[] = [];
    const ideal: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const steady = await steadyRate(world, events, `r6-steady-${Date.now()}`);
      const killed = await drainAfterKill(world, events, `r6-killed-${Date.now()}`);
      drained.push(killed.seconds);
      ideal.push(killed.rest / steady);
      say(
        `round ${round + 1} of ${rounds}: steady ${shown(steady)} events/s, ${shown(killed.rest)} events drained in ${shown(killed.seconds)} s`,
      );
    }
    return {
      measurements: [
        { name: "drained after kill -9", unit: "s", values: drained },
        { name: "rest ÷ steady rate", unit: "s", values: ideal },
      ],
      ratios: [
        ratioOf({
          name: "drain time ÷ (backlog ÷ steady rate)",
          of: drained,
          to: ideal,
          target: { atMost: 1.3 },
          aim: { atMost: 1.1 },
        }),
      ],
      facts: { "identities stored before": identities, "events of a backlog": events },
    };
  },
};

async function steadyRate(world: BenchWorld, events: number, round: string): Promise<number> {
  const before = await accepted(world);
  await publishBacklog(world, events, round);
  const sink = startChildSink(world);
  await sink.until(() => sink.events() >= events);
  await sink.stop();
  requireEqual("accepted events", (await accepted(world)) - before, events);
  await world.trim();
  const [, begin, ...rest] = sink.commits();
  const end = rest.at(-1);
  if (begin === undefined || end === undefined) throw new Error(`${events} events are too few batches: give it more`);
  return rest.reduce((sum, commit) => sum + commit.events, 0) / ((end.atMs - begin.atMs) / 1_000);
}

async function drainAfterKill(
  world: BenchWorld,
  events: number,
  round: string,
): Promise<{ readonly rest: number; readonly seconds: number }> {
  const before = await accepted(world);
  await publishBacklog(world, events, round);
  const first = startChildSink(world);
  await first.until(() => first.events() >= events * KILLED_AFTER_SHARE);
  const killedMs = machineMs();
  await first.kill();
  const rest = events - first.events();
  const second = startChildSink(world);
  // A batch that was stored but not told of by the first is told of by none: the stream's end says when all is done.
  const last = await lastSeq(world);
  await second.until(() => (second.commits().at(-1)?.last ?? 0) >= last);
  const seconds = ((second.commits().at(-1)?.atMs ?? machineMs()) - killedMs) / 1_000;
  await second.stop();
  requireEqual("accepted events", (await accepted(world)) - before, events);
  await world.trim();
  return { rest, seconds };
}

async function publishBacklog(world: BenchWorld, events: number, round: string): Promise<void> {
  for (let from = 0; from < events; from += PIECE) {
    const piece = { events: Math.min(PIECE, events - from), round: `${round}-${from}` };
    await world.publish({
      events: piece.events,
      messages: benchMessages({ ...piece, eventsPerMessage: EVENTS_PER_MESSAGE }),
    });
  }
}

async function lastSeq({ context }: BenchWorld): Promise<number> {
  return (await (await context.nats()).jsm.streams.info("USAGE_0")).state.last_seq;
}

async function accepted({ clickhouse }: BenchWorld): Promise<number> {
  const [row] = await clickhouse.rows<{ accepted: string }>({
    sql: "SELECT sum(event_count) AS accepted FROM meterline.usage_windows WHERE meter = 'requests'",
    doing: "counting what the windows hold",
  });
  return Number(row?.accepted ?? 0);
}
