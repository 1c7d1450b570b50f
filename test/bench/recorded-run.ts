/** A finished benchmark with the circumstances of its run, as it is kept in `docs/benchmarks.json`; one of growth in `docs/scale.json`. */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import type { Benchmark, BenchmarkResult } from "./benchmark.ts";

export type RecordedRun = BenchmarkResult & {
  readonly id: string;
  readonly title: string;
  /** UTC day. */
  readonly date: string;
  readonly machine: string;
  readonly rounds: number;
  readonly seconds: number;
};

/** All that are recorded. */
export type RecordedRuns = { readonly benchmarks: readonly RecordedRun[]; readonly scale: readonly RecordedRun[] };

const GIB = 1024 ** 3;

export function recordedRun(
  { id, title }: Benchmark,
  run: { readonly result: BenchmarkResult; readonly rounds: number; readonly seconds: number },
): RecordedRun {
  const machine = `${cpus().length} cores (${processor()}), ${Math.round(totalmem() / GIB)} GiB, Node ${process.versions.node}`;
  const date = new Date().toISOString().slice(0, 10);
  return { id, title, date, machine, rounds: run.rounds, seconds: Math.round(run.seconds), ...run.result };
}

/** Its name and, where Linux tells them, family and model: a cloud gives quite different ones the same name. */
function processor(): string {
  const name = cpus()[0]?.model ?? "unknown";
  try {
    const text = readFileSync("/proc/cpuinfo", "utf8");
    const [family, model] = ["cpu family", "model"].map(
      (key) => new RegExp(`^${key}\\s*: (\\d+)$`, "m").exec(text)?.[1],
    );
    return family === undefined || model === undefined ? name : `${name}, family ${family} model ${model}`;
  } catch {
    return name;
  }
}

export function readRuns(path: string): readonly RecordedRun[] {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as readonly RecordedRun[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

export function writeRuns(path: string, runs: readonly RecordedRun[]): void {
  writeFileSync(path, `${JSON.stringify(runs, null, 2)}\n`);
}

/** The newer run of a benchmark takes the place of the older one; the order is that of the ids (R1, R2, R10). */
export function mergeRuns(old: readonly RecordedRun[], fresh: readonly RecordedRun[]): readonly RecordedRun[] {
  const byId = new Map([...old, ...fresh].map((run) => [run.id, run]));
  return [...byId.values()].sort((a, b) => rank(a.id) - rank(b.id));
}

function rank(id: string): number {
  return (id.startsWith("R") ? 0 : 1_000) + Number(id.slice(1));
}
