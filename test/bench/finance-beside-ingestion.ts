/**
 * `node test/bench/finance-beside-ingestion.ts`: how much slower events are counted while finance's queries keep the embedded ClickHouse busy. Rounds with
 * no, one and as many heavy queries as run at a time are interleaved; read the ratios. The rate is the sink's own pace, as `sink-round.ts` takes it.
 */
import { parseArgs } from "node:util";
import { tableText } from "../../cmd/output/table.ts";
import { benchMessages } from "./bench-events.ts";
import { startBenchWorld, type BenchWorld, type Round } from "./bench-world.ts";
import { startChildSink, type ChildSink } from "./child-sink.ts";
import { median } from "./median.ts";
import { measureSinkRound } from "./sink-round.ts";

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "300000" },
    rounds: { type: "string", default: "3" },
  },
});
const events = Number(values.events);
const rounds = Number(values.rounds);
const EVENTS_PER_MESSAGE = 10;
/** Each takes all cores for as long as it is let. */
const HEAVY_QUERIES = [0, 1, 3] as const;
const HEAVY = "SELECT sum(cityHash64(number, toString(number))) FROM numbers_mt(1000000000000)";
const START_MS = 500;

type Load = (typeof HEAVY_QUERIES)[number];

type MeasuredLoad = { readonly sink: ChildSink; readonly round: Round; readonly load: Load };

async function measureOne(world: BenchWorld, { sink, round, load }: MeasuredLoad): Promise<number> {
  const leave = new AbortController();
  const early = Promise.withResolvers<never>();
  const queries: Promise<void>[] = [];
  const whileHeld = async (): Promise<void> => {
    for (let query = 0; query < load; query += 1) queries.push(world.askAsFinance(HEAVY, leave.signal));
    const fail = (): void => early.reject(new Error("a heavy query ended before the round"));
    for (const query of queries) void query.then(fail, fail);
    await new Promise((resolve) => setTimeout(resolve, START_MS));
  };
  try {
    const { eventsPerSecond } = await Promise.race([
      early.promise,
      measureSinkRound({ world, sink, round, whileHeld }),
    ]);
    return eventsPerSecond;
  } finally {
    leave.abort();
    await Promise.allSettled(queries);
  }
}

const world = await startBenchWorld();
const sink = startChildSink(world);
const rates: Record<Load, number[]> = { 0: [], 1: [], 3: [] };
try {
  for (let number = 0; number < rounds; number += 1) {
    for (const load of HEAVY_QUERIES) {
      const messages = benchMessages({
        events,
        eventsPerMessage: EVENTS_PER_MESSAGE,
        round: `r${String(number)}-${String(load)}`,
      });
      const rate = await measureOne(world, { sink, round: { events, messages }, load });
      rates[load].push(rate);
      process.stderr.write(`round ${String(number + 1)}, ${String(load)} heavy queries: ${rate.toFixed(0)} events/s\n`);
    }
  }
} finally {
  await world.stop();
}
const quiet = median(rates[0]);
const rows = HEAVY_QUERIES.map((load) => ({ load, all: rates[load] }));
const table = tableText(
  [
    { title: "heavy queries of finance", text: (row) => String(row.load), align: "right" },
    { title: "events/s", text: (row) => median(row.all).toFixed(0), align: "right" },
    { title: "lowest", text: (row) => Math.min(...row.all).toFixed(0), align: "right" },
    { title: "highest", text: (row) => Math.max(...row.all).toFixed(0), align: "right" },
    { title: "slower by", text: (row) => (quiet / median(row.all)).toFixed(2), align: "right" },
  ],
  rows,
);
process.stdout.write(`${table}\n`);
