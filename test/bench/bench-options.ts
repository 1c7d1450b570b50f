/** What `npm run bench` was asked for. */
import { parseArgs } from "node:util";
import { BENCHMARKS } from "./benchmarks.ts";
import type { Benchmark } from "./benchmark.ts";

export type BenchOptions = {
  readonly benchmarks: readonly Benchmark[];
  /** Undefined: what the benchmark itself says. */
  readonly events: number | undefined;
  readonly rounds: number | undefined;
  readonly identities: number;
  readonly json: string | undefined;
  /** Whether the page in `docs` takes the results in. */
  readonly write: boolean;
};

const IDENTITIES = 100_000_000;
/** With other sizes than the benchmarks' own, a look is meant, and not the minutes that a hundred million identities take. */
const QUICK_IDENTITIES = 1_000_000;

export function readBenchOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      events: { type: "string" },
      rounds: { type: "string" },
      identities: { type: "string" },
      json: { type: "string" },
      write: { type: "boolean" },
    },
  });
  const isQuick = [values.events, values.rounds, values.identities].some((value) => value !== undefined);
  return {
    benchmarks:
      positionals.length === 0 ? BENCHMARKS : BENCHMARKS.filter(({ id }) => positionals.map(known).includes(id)),
    events: count("events", values.events),
    rounds: count("rounds", values.rounds),
    identities: count("identities", values.identities) ?? (isQuick ? QUICK_IDENTITIES : IDENTITIES),
    json: values.json,
    write: values.write ?? !isQuick,
  };
}

function known(id: string): string {
  if (BENCHMARKS.some((benchmark) => benchmark.id === id)) return id;
  throw new Error(`there is no benchmark "${id}": choose of ${BENCHMARKS.map((benchmark) => benchmark.id).join(", ")}`);
}

function count(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new Error(`--${name} is "${text}": write a whole number`);
}
