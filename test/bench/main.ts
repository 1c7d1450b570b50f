/**
 * `npm run bench`: ratios of Meterline to what stands beside it; docs/benchmarks.md says which.
 *   npm run bench                                  all of them, with 100 million identities stored, into docs/benchmarks.md
 *   npm run bench -- R4                            one of them; its result takes its place among the others
 *   npm run bench -- R1 R2 --events 200000         a quick look, with a million identities and at most three rounds
 *   npm run bench -- scale                         how costs grow (S1 to S5), into docs/scale.md; --scale 0.05 is a quick look at a twentieth of the sizes
 *   --rounds N   --identities N   --json FILE   --write (a quick look into docs/benchmarks.md as well)
 * Exit code 1: a total was wrong, or a benchmark took three times as long as it says.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { allocateYoung } from "../../cmd/allocate-young.ts";
import { readBenchOptions, type BenchOptions } from "./bench-options.ts";
import type { Benchmark } from "./benchmark.ts";
import { mergeRuns, readRuns, recordedRun, writeRuns, type RecordedRun } from "./recorded-run.ts";
import { recordedPages } from "./recorded-pages.ts";
import { resultText } from "./report.ts";
import { createWorlds, type Worlds } from "./worlds.ts";

const DOCS = resolve(import.meta.dirname, "../../docs");
const RUNS = { benchmarks: join(DOCS, "benchmarks.json"), scale: join(DOCS, "scale.json") };
const MS_PER_MINUTE = 60_000;
const PATIENCE = 3;

const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function runBenchmark(benchmark: Benchmark, worlds: Worlds, options: BenchOptions): Promise<RecordedRun> {
  const { id, title, minutes } = benchmark;
  const rounds = options.roundsOf(benchmark);
  say(`${id}: ${title}, about ${minutes} minutes at full size`);
  const startedMs = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    const give = (): void => reject(new Error(`${id} is not done after ${minutes * PATIENCE} minutes`));
    timer = setTimeout(give, minutes * PATIENCE * MS_PER_MINUTE);
  });
  const result = await Promise.race([
    tooLong,
    benchmark.run({
      events: options.events ?? benchmark.events,
      rounds,
      identities: options.identities,
      scale: options.scale,
      worlds,
      say: (text) => say(`${id}  ${text}`),
    }),
  ]).finally(() => clearTimeout(timer));
  return recordedRun(benchmark, { result, rounds, seconds: (performance.now() - startedMs) / 1_000 });
}

/** Each result is written as soon as it is there: whoever stops a long run keeps what was measured. */
function keep(run: RecordedRun, { json, write }: BenchOptions, all: readonly RecordedRun[]): void {
  process.stdout.write(`\n${resultText(run)}\n\n`);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(all, null, 2)}\n`);
  if (!write) return;
  const path = run.growth === undefined ? RUNS.benchmarks : RUNS.scale;
  writeRuns(path, mergeRuns(readRuns(path), [run]));
  const pages = recordedPages({ benchmarks: readRuns(RUNS.benchmarks), scale: readRuns(RUNS.scale) });
  mkdirSync(join(DOCS, "scale"), { recursive: true });
  for (const [name, text] of Object.entries(pages)) writeFileSync(join(DOCS, name), text);
}

// As docs/producer.md tells producers of many single events, for all that a benchmark does in this process; the sink does so in its own, P1's first version does not.
allocateYoung();
const options = readBenchOptions(process.argv.slice(2));
const worlds = createWorlds(say);
const all: RecordedRun[] = [];
let failed = false;
process.once("SIGINT", () => {
  void worlds.stopAll().finally(() => process.exit(130));
});
for (const benchmark of options.benchmarks) {
  try {
    const run = await runBenchmark(benchmark, worlds, options);
    all.push(run);
    keep(run, options, all);
  } catch (error) {
    failed = true;
    say(`${benchmark.id} FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}
await worlds.stopAll();
process.exit(failed ? 1 : 0);
