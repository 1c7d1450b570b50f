/**
 * R1: pipeline events/s ÷ events/s of bare AckAll consumption of the same messages, each with a single event. Both are measured in the same round, by turns
 * in either order: the pipeline from the end of its second batch to the end of its last, the consumption from its first request to its last message.
 */
import { benchMessages } from "../bench-events.ts";
import type { Round } from "../bench-world.ts";
import { consumeBare } from "../bare-consumption.ts";
import type { Benchmark } from "../benchmark.ts";
import { shown } from "../interleave.ts";
import { ratioOf } from "../ratio.ts";
import { measureSinkRound } from "../sink-round.ts";

export const besideConsumption: Benchmark = {
  id: "R1",
  title: "The pipeline beside bare consumption of single-event messages",
  events: 500_000,
  rounds: 5,
  minutes: 4,
  run: async ({ events, rounds, identities, worlds, say }) => {
    const { world, sink, stored } = await worlds.stored(identities);
    const pipeline: number[] = [];
    const consumption: number[] = [];
    for (let number = 0; number < rounds; number += 1) {
      const round: Round = {
        events,
        messages: benchMessages({ events, eventsPerMessage: 1, round: `r1-${number}-${Date.now()}` }),
      };
      const consume = async (firstSeq: number): Promise<void> => {
        consumption.push(events / (await consumeBare(world, round, firstSeq)).seconds);
      };
      // The stream is trimmed once a round is counted, so both read it in the same round: the consumption before the sink goes on, or beside nothing after it.
      const measured = await measureSinkRound({
        world,
        sink: await sink(),
        round,
        ...(number % 2 === 0
          ? { whileHeld: ({ firstSeq }) => consume(firstSeq) }
          : { afterwards: ({ firstSeq }) => consume(firstSeq) }),
      });
      pipeline.push(measured.eventsPerSecond);
      say(
        `round ${number + 1} of ${rounds}: pipeline ${shown(measured.eventsPerSecond)}, consumption ${shown(consumption.at(-1) ?? 0)} events/s`,
      );
    }
    return {
      measurements: [
        { name: "pipeline, stream to counted", unit: "events/s", values: pipeline },
        { name: "bare consumption, AckAll", unit: "events/s", values: consumption },
      ],
      ratios: [
        ratioOf({
          name: "pipeline ÷ bare consumption",
          of: pipeline,
          to: consumption,
          target: { atLeast: 0.25 },
          aim: { atLeast: 0.35 },
        }),
      ],
      facts: { "identities stored before": stored.identities, "events a round": events },
    };
  },
};
