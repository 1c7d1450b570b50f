/**
 * `node test/bench/finance-beside-ingestion.ts`: how much slower events are counted while finance's queries keep the embedded ClickHouse busy. Rounds with
 * no, one and as many heavy queries as run at a time are interleaved; read the ratios.
 */
import { parseArgs } from "node:util";
import { tableText } from "../../cmd/output/table.ts";
import { benchMessages } from "./bench-events.ts";
import { median } from "./median.ts";
import { startBenchWorld, type BenchWorld, type Round } from "./bench-world.ts";

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "200000" },
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

async function measureOne(world: BenchWorld, round: Round, load: Load): Promise<number> {
  await world.publish(round);
  const leave = new AbortController();
  const queries = Array.from({ length: load }, () => world.askAsFinance(HEAVY, leave.signal));
  const ended = Promise.race(queries);
  await new Promise((resolve) => setTimeout(resolve, START_MS));
  try {
    const { seconds } = await Promise.race([
      world.pipeline(round),
      ...(load === 0 ? [] : [ended.then(() => Promise.reject(new Error("a heavy query ended before the round")))]),
    ]);
    return events / seconds;
  } finally {
    leave.abort();
    await Promise.allSettled(queries);
  }
}

const world = await startBenchWorld();
const rates: Record<Load, number[]> = { 0: [], 1: [], 3: [] };
try {
  for (let number = 0; number < rounds; number += 1) {
    for (const load of HEAVY_QUERIES) {
      const messages = benchMessages({
        events,
        eventsPerMessage: EVENTS_PER_MESSAGE,
        round: `r${String(number)}-${String(load)}`,
      });
      const rate = await measureOne(world, { events, messages }, load);
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
