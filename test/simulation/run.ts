/**
 * Runs the simulation for a number of seeds or minutes, or one seed again with its trace.
 *   node test/simulation/run.ts --seeds 10000
 *   node test/simulation/run.ts --minutes 30
 *   node test/simulation/run.ts --seed 4711 [--defect no-token]
 */
import { parseArgs } from "node:util";
import { DEFECTS, type Defect } from "./defects.ts";
import { describeFailure } from "./describe-failure.ts";
import { simulate, type Run } from "./simulate.ts";

const TRACE_LINES = 100_000;
const PROGRESS_EVERY = 1_000;
const FAILURES_MAX = 5;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    minutes: { type: "string" },
    from: { type: "string", default: "1" },
    defect: { type: "string" },
  },
});

const defects = new Set<Defect>(values.defect === undefined ? [] : [defectOf(values.defect)]);
if (values.seed === undefined) await many();
else await one(Number(values.seed));

function defectOf(name: string): Defect {
  if (name in DEFECTS) return name as Defect;
  throw new Error(`there is no defect "${name}": choose one of ${Object.keys(DEFECTS).join(", ")}`);
}

async function one(seed: number): Promise<void> {
  const run = await simulate({ seed, defects, traceLines: TRACE_LINES });
  console.log(run.trace.join("\n"));
  console.log(JSON.stringify(run.scenario, null, 2));
  console.log(run.problems.length === 0 ? `seed ${seed}: all is well` : run.problems.join("\n"));
  if (run.problems.length > 0) process.exitCode = 1;
}

async function many(): Promise<void> {
  const from = Number(values.from);
  const seedsMax = values.seeds === undefined ? Number.MAX_SAFE_INTEGER : Number(values.seeds);
  const minutes = values.minutes === undefined ? Number.POSITIVE_INFINITY : Number(values.minutes);
  if (values.seeds === undefined && values.minutes === undefined) throw new Error("say --seeds, --minutes or --seed");
  const startMs = performance.now();
  const total = { seeds: 0, batches: 0, events: 0 };
  const failed: Run[] = [];
  const report = (): void => {
    const seconds = (performance.now() - startMs) / 1_000;
    console.log(
      `${total.seeds} seeds, ${total.batches} batches, ${total.events} events, ${failed.length} failed, ${seconds.toFixed(1)} s`,
    );
  };
  while (total.seeds < seedsMax && performance.now() - startMs < minutes * 60_000 && failed.length < FAILURES_MAX) {
    const run = await simulate({ seed: from + total.seeds, defects });
    total.seeds += 1;
    total.batches += run.batches;
    total.events += run.events;
    if (run.problems.length > 0) {
      failed.push(run);
      console.log(describeFailure(run));
    }
    if (total.seeds % PROGRESS_EVERY === 0) report();
  }
  report();
  if (failed.length > 0) process.exitCode = 1;
}
