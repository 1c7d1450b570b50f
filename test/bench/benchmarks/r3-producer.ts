/**
 * R3: the producer's events/s ÷ a bare publish of as many messages of the same size, in the same window, with their acknowledgements counted (at least 0.7), and
 * ÷ `js.publish` awaited a thousand at a time (at least 3); single events, into a nats-server with its default sync. Beside it the same in messages of a hundred.
 * The producer is given JSON texts, because the others are given prepared bodies; from objects it has to write the JSON as well, which is measured apart.
 * Each side has its own input in memory and nothing else, made and tidied up before its time begins: with the texts beside them, V8 went over those for the buffers of
 * the bare publish, and that took it two and a half times as long.
 */
import type { ProducerEvent } from "../../../src/producer/producer-types.ts";
import { openProducer } from "../../../src/producer/open-producer.ts";
import { benchEvents, benchMessages } from "../bench-events.ts";
import { publishAwaited, publishBare, WINDOW } from "../bare-publish.ts";
import type { BenchNats } from "../bench-nats.ts";
import { collectGarbage } from "../../support/collect-garbage.ts";
import { timed } from "../bench-world.ts";
import { requireEqual, type Benchmark, type Measurement } from "../benchmark.ts";
import { interleave } from "../interleave.ts";
import { ratioOf } from "../ratio.ts";

const SIDES = [
  "producer, single",
  "bare, single",
  "awaited, single",
  "producer, hundreds",
  "producer from objects, hundreds",
  "bare, hundreds",
] as const;
type Side = (typeof SIDES)[number];

export const producerBesideBare: Benchmark = {
  id: "R3",
  title: "The producer beside a bare windowed publish",
  events: 500_000,
  rounds: 5,
  minutes: 4,
  run: async ({ events, rounds, worlds, say }) => {
    const server = await worlds.nats("interval");
    const run = Date.now();
    const rates = await interleave({ rounds, sides: SIDES, unit: "events/s", say }, async (side, round) => {
      const eventsPerMessage = side.endsWith("single") ? 1 : 100;
      const { seconds } = await publish(server, side, {
        events,
        eventsPerMessage,
        round: `r3-${run}-${side}-${round}`,
      });
      await server.takeAway(Math.ceil(events / eventsPerMessage));
      return events / seconds;
    });
    const measurements: readonly Measurement[] = SIDES.map((side) => ({
      name: side,
      unit: "events/s",
      values: rates[side],
    }));
    return {
      measurements,
      ratios: [
        ratioOf({
          name: "producer ÷ bare windowed publish, single events",
          of: rates["producer, single"],
          to: rates["bare, single"],
          target: { atLeast: 0.7 },
          aim: { atLeast: 0.9 },
        }),
        ratioOf({
          name: "producer ÷ awaited js.publish, single events",
          of: rates["producer, single"],
          to: rates["awaited, single"],
          target: { atLeast: 3 },
          aim: { atLeast: 6 },
        }),
        ratioOf({
          name: "producer ÷ bare windowed publish, hundreds",
          of: rates["producer, hundreds"],
          to: rates["bare, hundreds"],
          target: { atLeast: 0.7 },
          aim: { atLeast: 0.9 },
        }),
      ],
      facts: { "events a round": events, "nats-server syncs": "every two minutes, its default" },
    };
  },
};

type Input = { readonly events: number; readonly eventsPerMessage: number; readonly round: string };

async function publish({ nats }: BenchNats, side: Side, input: Input): Promise<{ readonly seconds: number }> {
  if (side.startsWith("producer")) return await publishByProducer(nats, side, input);
  const messages = benchMessages(input);
  collectGarbage();
  return await timed(() => (side.startsWith("awaited") ? publishAwaited : publishBare)(nats, messages));
}

async function publishByProducer(
  nats: BenchNats["nats"],
  side: Side,
  input: Input,
): Promise<{ readonly seconds: number }> {
  const given = side.includes("objects") ? { objects: objectsOf(input) } : { texts: [...benchEvents(input)] };
  collectGarbage();
  let acked = 0;
  const measured = await timed(async () => {
    const producer = await openProducer(nats, {
      eventsPerMessage: input.eventsPerMessage,
      ...WINDOW,
      lingerMs: Infinity,
    });
    if ("texts" in given) await producer.sendTexts(given.texts);
    else await producer.sendAll(given.objects);
    ({ acked } = await producer.close());
  });
  requireEqual("acknowledged events", acked, input.events);
  return measured;
}

function objectsOf(input: Input): readonly ProducerEvent[] {
  return Array.from(benchEvents(input), ({ text }) => JSON.parse(text) as ProducerEvent);
}
