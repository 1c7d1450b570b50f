/**
 * P1: events/s of Meterline from the first event handed to the producer until all are counted and their usage was asked for ÷ the same of what a good engineer writes first
 * (`naive-pipeline.ts`). In both the producer and the consumer work at once, each in a process of its own, as they are deployed; events come as objects. Meterline packs a
 * hundred into a message, because its producer does, and single events are measured beside it.
 */
import { openProducer } from "../../../src/producer/open-producer.ts";
import type { ProducerEvent } from "../../../src/producer/producer-types.ts";
import { benchEvents } from "../bench-events.ts";
import { timed, type BenchWorld } from "../bench-world.ts";
import { requireEqual, type Benchmark } from "../benchmark.ts";
import { startChildSink, type ChildSink } from "../child-sink.ts";
import { interleave } from "../interleave.ts";
import { prepareNaive, runNaive, startNaiveConsumer } from "../naive-pipeline.ts";
import { ratioOf } from "../ratio.ts";

const SIDES = ["Meterline", "Meterline, single events", "first version"] as const;
type Side = (typeof SIDES)[number];
type BenchData = { readonly outputTokens: number };

export const firstVersion: Benchmark = {
  id: "P1",
  title: "Meterline beside what a good engineer writes first",
  events: 500_000,
  rounds: 5,
  minutes: 8,
  run: async ({ events, rounds, worlds, say }) => {
    const world = await worlds.fresh();
    await prepareNaive(world);
    const sink = startChildSink(world);
    const consumer = startNaiveConsumer(world);
    const run = Date.now();
    const measure = async (side: Side, round: number): Promise<number> => {
      const texts = benchEvents({ events, round: `p1-${run}-${SIDES.indexOf(side)}-${round}` });
      const objects = Array.from(texts, ({ text }) => JSON.parse(text) as ProducerEvent);
      const wanted = objects.reduce((sum, { data }) => sum + BigInt((data as BenchData).outputTokens), 0n);
      const before = side === "first version" ? 0n : await outputTokens(world);
      let found = 0n;
      const { seconds } = await timed(async () => {
        found =
          side === "first version"
            ? await runNaive(world, { consumer, events: objects })
            : await runMeterline(world, { side, sink, objects });
      });
      requireEqual(`output tokens, ${side}`, found - before, wanted);
      if (side !== "first version") await world.trim();
      return events / seconds;
    };
    // The processes have started, and their code is compiled.
    for (const side of SIDES) await measure(side, rounds);
    const rates = await interleave({ rounds, sides: SIDES, unit: "events/s", say }, measure);
    await world.stop();
    return {
      measurements: SIDES.map((side) => ({ name: side, unit: "events/s", values: rates[side] })),
      ratios: [
        ratioOf({
          name: "Meterline ÷ first version",
          of: rates["Meterline"],
          to: rates["first version"],
          target: { atLeast: 3 },
          aim: { atLeast: 6 },
        }),
        ratioOf({
          name: "Meterline, single events ÷ first version",
          of: rates["Meterline, single events"],
          to: rates["first version"],
        }),
      ],
      facts: { "events a round": events },
    };
  },
};

type RunInput = { readonly side: Side; readonly sink: ChildSink; readonly objects: readonly ProducerEvent[] };

async function runMeterline(world: BenchWorld, { side, sink, objects }: RunInput): Promise<bigint> {
  const before = sink.events();
  const producer = await openProducer(await world.context.nats(), side === "Meterline" ? {} : { eventsPerMessage: 1 });
  for (const event of objects) await producer.send(event);
  await producer.close();
  await sink.until(() => sink.events() >= before + objects.length);
  return await outputTokens(world);
}

async function outputTokens({ clickhouse }: BenchWorld): Promise<bigint> {
  const rows = await clickhouse.rows<{ tokens: string }>({
    sql: `SELECT customer, toString(toInt256(sum(quantity_sum))) AS tokens FROM meterline.usage_windows_as_of(cut = 4294967295)
      WHERE meter = 'output-tokens' GROUP BY customer, dimensions`,
    doing: "asking for the usage",
  });
  return rows.reduce((sum, { tokens }) => sum + BigInt(tokens), 0n);
}
