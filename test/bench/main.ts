/**
 * `npm run bench`: the pipeline's events per second beside bare consumption and bare insert of the same rows. Rounds are interleaved and medians
 * compared, because a shared machine is never twice the same; read the ratios, not the rates.
 */
import { parseArgs } from "node:util";
import { tableText } from "../../cmd/output/table.ts";
import { benchMessages } from "./bench-events.ts";
import { startBenchWorld, type BenchWorld, type Round } from "./bench-world.ts";

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "100000" },
    "events-per-message": { type: "string", default: "10" },
    rounds: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
  },
});
const events = Number(values.events);
const eventsPerMessage = Number(values["events-per-message"]);
const rounds = Number(values.rounds);

const STEPS = ["publish", "pipeline", "consume", "insert"] as const;
type Step = (typeof STEPS)[number];
const TITLES: Readonly<Record<Step, string>> = {
  publish: "publish, acknowledged",
  pipeline: "pipeline: stream to counted",
  consume: "bare consumption, AckAll",
  insert: "bare insert of the same rows",
};

/** Each round in another order; the insert needs the bytes that the pipeline made. */
function orderOf(round: number): readonly Step[] {
  return round % 2 === 0 ? ["pipeline", "consume", "insert"] : ["consume", "pipeline", "insert"];
}

async function measure(world: BenchWorld): Promise<Readonly<Record<Step, readonly number[]>>> {
  const rates: Record<Step, number[]> = { publish: [], pipeline: [], consume: [], insert: [] };
  for (let number = 0; number < rounds; number += 1) {
    const round: Round = { events, messages: benchMessages({ events, eventsPerMessage, round: `r${String(number)}` }) };
    for (const step of ["publish" as const, ...orderOf(number)]) {
      const { seconds } = await world[step](round);
      rates[step].push(events / seconds);
      process.stderr.write(
        `round ${String(number + 1)} of ${String(rounds)}: ${step} ${Math.round(events / seconds).toString()} events/s\n`,
      );
    }
  }
  return rates;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

const world = await startBenchWorld();
try {
  const rates = await measure(world);
  const pipeline = median(rates.pipeline);
  const rows = STEPS.map((step) => ({
    step,
    title: TITLES[step],
    eventsPerSecond: Math.round(median(rates[step])),
    lowest: Math.round(Math.min(...rates[step])),
    highest: Math.round(Math.max(...rates[step])),
    pipelineRatio: Number((pipeline / median(rates[step])).toFixed(3)),
  }));
  if (values.json) {
    process.stdout.write(
      `${JSON.stringify({ events, eventsPerMessage, rounds, steps: rows.map(({ title: _, ...row }) => row) }, null, 2)}\n`,
    );
  } else {
    const table = tableText(
      [
        { title: `${String(events)} events, ${String(eventsPerMessage)} per message`, text: (row) => row.title },
        { title: "events/s", text: (row) => String(row.eventsPerSecond), align: "right" },
        { title: "lowest", text: (row) => String(row.lowest), align: "right" },
        { title: "highest", text: (row) => String(row.highest), align: "right" },
        { title: "pipeline ÷ this", text: (row) => row.pipelineRatio.toFixed(2), align: "right" },
      ],
      rows,
    );
    process.stdout.write(`${table}\n`);
  }
} finally {
  await world.stop();
}
