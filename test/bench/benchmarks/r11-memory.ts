/**
 * R11: growth of the sink's resident memory per million events after the first two million, and its peak, while it works off a backlog; without the identity filter (2 bytes per
 * identity that it has room for: it begins with a million and doubles when it is full), which the identity check's page accounts for.
 */
import { benchMessages } from "../bench-events.ts";
import type { BenchWorld } from "../bench-world.ts";
import { requireEqual, type Benchmark } from "../benchmark.ts";
import { startChildSink } from "../child-sink.ts";
import type { ChildCommit } from "../sink-child.ts";
import { shown } from "../interleave.ts";
import { median } from "../median.ts";
import { peakBytes } from "../process-use.ts";
import { plainRatio } from "../ratio.ts";

const PIECE = 500_000;
const MIB = 1024 ** 2;
const MILLION = 1_000_000;
/** Of the backlog: the heap and the buffers have their size by then. */
const WARM_SHARE = 0.2;
const FILTER_CAPACITY_MIN = 1_000_000;
const FILTER_BYTES_PER_IDENTITY = 2;

export const memory: Benchmark = {
  id: "R11",
  title: "Memory of the sink over a backlog",
  events: 10_000_000,
  rounds: 1,
  minutes: 6,
  run: async ({ events, worlds, say }) => {
    const world = await worlds.fresh();
    for (let from = 0; from < events; from += PIECE) await publishPiece(world, from, Math.min(PIECE, events - from));
    say(`a backlog of ${events} events stands`);
    const sink = startChildSink(world);
    let told = 0;
    await sink.until(() => {
      if (sink.events() - told >= MILLION) {
        told = sink.events();
        say(`${shown(told)} events, ${shown((sink.commits().at(-1)?.residentBytes ?? 0) / MIB)} MiB`);
      }
      return sink.events() >= events;
    });
    const residentPeak = peakBytes(sink.pid);
    await sink.stop();
    requireEqual("events", sink.events(), events);
    await world.stop();
    const growth = growthPerMillion(sink.commits(), events);
    const peak = (residentPeak - filterBytes(events)) / MIB;
    return {
      measurements: [
        {
          name: "resident memory after each batch",
          unit: "MiB",
          values: sink.commits().map(({ residentBytes }) => residentBytes / MIB),
        },
        { name: "peak without the filter", unit: "MiB", values: [peak] },
      ],
      ratios: [
        plainRatio({ name: "growth per million events, MB", value: growth, target: { atMost: 5 } }),
        plainRatio({ name: "peak, GB", value: (peak * MIB) / 1e9, target: { atMost: 1 } }),
      ],
      facts: {
        "events of the backlog": events,
        "identity filter at the end, MiB": Math.round(filterBytes(events) / MIB),
      },
    };
  },
};

async function publishPiece(world: BenchWorld, from: number, events: number): Promise<void> {
  const messages = benchMessages({ events, eventsPerMessage: 100, round: `r11-${from}` });
  await world.publish({ events, messages });
}

/** The median of the last tenth against that of as many batches after the warm-up; garbage that is not collected yet is in both. */
function growthPerMillion(commits: readonly ChildCommit[], events: number): number {
  const warm = commits.slice(Math.floor(commits.length * WARM_SHARE));
  const some = Math.max(Math.floor(warm.length / 10), 1);
  const resident = (part: readonly ChildCommit[]): number => median(part.map(({ residentBytes }) => residentBytes));
  const filter = filterBytes(events) - filterBytes(events * WARM_SHARE);
  const grown = resident(warm.slice(-some)) - resident(warm.slice(0, some)) - filter;
  return grown / 1e6 / ((events * (1 - WARM_SHARE)) / MILLION);
}

function filterBytes(identities: number): number {
  let capacity = FILTER_CAPACITY_MIN;
  while (capacity <= identities) capacity *= 2;
  return capacity * FILTER_BYTES_PER_IDENTITY;
}
