/**
 * R2: pipeline events/s ÷ events/s of a bare insert of the same prepared rows into a copy of the same tables and views, in the same batches, one after the other.
 * Measured for messages with one event and with a hundred. Beside single events stands what no pipeline on these cores gets past in the first place: the bare consumption
 * of the same messages (as in R1) and then that insert, with nothing done in between.
 */
import { consumeBare } from "../bare-consumption.ts";
import { copyChain, insertBare } from "../bare-insert.ts";
import { benchMessages } from "../bench-events.ts";
import type { Round } from "../bench-world.ts";
import type { BenchInput, Benchmark, BenchmarkResult } from "../benchmark.ts";
import { shown } from "../interleave.ts";
import { ratioOf } from "../ratio.ts";
import { measureSinkRound, PREPARED_BATCHES } from "../sink-round.ts";

const EVENTS_PER_MESSAGE = [100, 1] as const;
const BOTH_BARE = "bare consumption and then bare insert";

export const besideInsert: Benchmark = {
  id: "R2",
  title: "The pipeline beside a bare insert of the same rows",
  events: 500_000,
  rounds: 5,
  minutes: 6,
  run: async (input) => {
    const { world } = await input.worlds.stored(input.identities);
    await copyChain(world.clickhouse);
    const results = [];
    for (const eventsPerMessage of EVENTS_PER_MESSAGE) results.push(await measure(input, eventsPerMessage));
    return {
      measurements: results.flatMap((result) => result.measurements),
      ratios: results.flatMap((result) => result.ratios),
      facts: { "identities stored before": input.identities, "events a round": input.events },
    };
  },
};

async function measure(input: BenchInput, eventsPerMessage: number): Promise<Omit<BenchmarkResult, "facts">> {
  const { events, rounds, identities, worlds, say } = input;
  const { world, sink } = await worlds.stored(identities);
  const running = await sink();
  await running.keepInserts({ rows: events, behind: PREPARED_BATCHES });
  const pipeline: number[] = [];
  const insert: number[] = [];
  const bothBare: number[] = [];
  const isSingle = eventsPerMessage === 1;
  for (let number = 0; number < rounds; number += 1) {
    const round: Round = {
      events,
      messages: benchMessages({ events, eventsPerMessage, round: `r2-${eventsPerMessage}-${number}-${Date.now()}` }),
    };
    let consumption = 0;
    const consume = async ({ firstSeq }: { readonly firstSeq: number }): Promise<void> => {
      consumption = (await consumeBare(world, round, firstSeq)).seconds / events;
    };
    const measured = await measureSinkRound({
      world,
      sink: running,
      round,
      ...(isSingle && { afterwards: consume }),
    });
    const bare = await insertBare(world.clickhouse, await running.takeInserts(), measured.measuredEvents);
    pipeline.push(measured.eventsPerSecond);
    insert.push(measured.measuredEvents / bare.seconds);
    bothBare.push(1 / (consumption + bare.seconds / measured.measuredEvents));
    say(
      `round ${number + 1} of ${rounds}, ${eventsPerMessage} per message: pipeline ${shown(measured.eventsPerSecond)}, insert ${shown(insert.at(-1) ?? 0)} events/s`,
    );
  }
  await running.keepInserts({ rows: 0, behind: 0 });
  const which = isSingle ? "single events" : `${eventsPerMessage} events per message`;
  const name = `pipeline ÷ bare insert, ${which}`;
  return {
    measurements: [
      { name: `pipeline, ${which}`, unit: "events/s", values: pipeline },
      { name: `bare insert of its rows, ${which}`, unit: "events/s", values: insert },
      ...(isSingle ? [{ name: `${BOTH_BARE}, ${which}`, unit: "events/s", values: bothBare }] : []),
    ],
    ratios: [
      ratioOf({ name, of: pipeline, to: insert, target: { atLeast: 0.7 }, aim: { atLeast: 0.85 } }),
      ...(isSingle
        ? [
            ratioOf({ name: `pipeline ÷ ${BOTH_BARE}, ${which}`, of: pipeline, to: bothBare }),
            ratioOf({ name: `${BOTH_BARE} ÷ bare insert, ${which}`, of: bothBare, to: insert }),
          ]
        : []),
    ],
  };
}
