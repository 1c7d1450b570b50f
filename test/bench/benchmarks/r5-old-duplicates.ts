/**
 * R5: events/s where every second event was accepted long ago ÷ events/s of new ones. JetStream has forgotten the old ones (their messages were never in this
 * stream), so each is found by the filter, looked up and compared.
 */
import { interleave } from "../interleave.ts";
import type { Benchmark, BenchInput } from "../benchmark.ts";
import { ratioOf } from "../ratio.ts";
import { messagesOf } from "../bench-events.ts";
import { measureSinkRound } from "../sink-round.ts";
import { storedEvent, storedTexts, type BenchEvent } from "../stored-identities.ts";

const KINDS = ["half", "fresh"] as const;
type Kind = (typeof KINDS)[number];
const EVENTS_PER_MESSAGE = 10;
const MIB = 1024 ** 2;

export const oldDuplicates: Benchmark = {
  id: "R5",
  title: "Half of the input accepted long ago",
  events: 500_000,
  rounds: 5,
  minutes: 7,
  run: async (input) => {
    const { events, rounds, identities, worlds, say } = input;
    const { world, sink, stored } = await worlds.stored(identities);
    const running = await sink();
    const run = Date.now();
    const rates = await interleave({ rounds, sides: KINDS, unit: "events/s", say }, async (kind, number) => {
      const messages = messagesOf(storedTexts(eventsOf(input, kind, `${run}-${number}`)), EVENTS_PER_MESSAGE);
      const duplicates = kind === "half" ? events / 2 : 0;
      const round = { events, messages };
      return (await measureSinkRound({ world, sink: running, round, duplicates })).eventsPerSecond;
    });
    return {
      measurements: [
        { name: "no duplicates", unit: "events/s", values: rates.fresh },
        { name: "half of them duplicates of stored ones", unit: "events/s", values: rates.half },
      ],
      ratios: [ratioOf({ name: "half duplicates ÷ none", of: rates.half, to: rates.fresh })],
      facts: {
        "identities stored before": stored.identities,
        "events a round": events,
        "bytes of event_keys per identity": Number((stored.bytes / stored.identities).toFixed(1)),
        "parts of event_keys": stored.parts,
        "resident MiB of the sink": Math.round((running.commits().at(-1)?.residentBytes ?? 0) / MIB),
      },
    };
  },
};

let old = 0;

/** Every second one is old, spread over all that are stored; 7,919 is prime, so none comes twice before all have come. */
function* eventsOf({ events, identities }: BenchInput, kind: Kind, round: string): Generator<BenchEvent> {
  for (let number = 0; number < events; number += 1) {
    if (kind === "fresh" || number % 2 === 0) yield { id: `${kind}-${round}-${number}`, tokens: number % 4_000 };
    else {
      old += 1;
      yield storedEvent((old * 7_919) % identities);
    }
  }
}
