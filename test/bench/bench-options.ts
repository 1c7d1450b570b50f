/** What `npm run bench` was asked for. */
import { parseArgs } from "node:util";
import { BENCHMARKS, SCALE_IDS } from "./benchmarks.ts";
import type { Benchmark } from "./benchmark.ts";

export type BenchOptions = {
  readonly benchmarks: readonly Benchmark[];
  /** Undefined: what the benchmark itself says. */
  readonly events: number | undefined;
  readonly roundsOf: (benchmark: Pick<Benchmark, "rounds">) => number;
  readonly identities: number;
  /** Sizes of the benchmarks of growth are multiplied by it. */
  readonly scale: number;
  readonly json: string | undefined;
  /** Whether the page in `docs` takes the results in. */
  readonly write: boolean;
};

const IDENTITIES = 100_000_000;
/** With other sizes than the benchmarks' own, a look is meant, and not the minutes that a hundred million identities take. */
const QUICK_IDENTITIES = 1_000_000;
/** Unless the page takes it in. */
const QUICK_ROUNDS = 3;

export function readBenchOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      events: { type: "string" },
      rounds: { type: "string" },
      identities: { type: "string" },
      scale: { type: "string" },
      json: { type: "string" },
      write: { type: "boolean" },
    },
  });
  const isQuick = [values.events, values.rounds, values.identities, values.scale].some((value) => value !== undefined);
  const write = values.write ?? !isQuick;
  const wantedRounds = count("rounds", values.rounds);
  return {
    benchmarks: positionals.length === 0 ? BENCHMARKS : chosen(positionals),
    events: count("events", values.events),
    roundsOf: (benchmark) => wantedRounds ?? (write ? benchmark.rounds : Math.min(benchmark.rounds, QUICK_ROUNDS)),
    identities: count("identities", values.identities) ?? (isQuick ? QUICK_IDENTITIES : IDENTITIES),
    scale: share("scale", values.scale) ?? 1,
    json: values.json,
    write,
  };
}

const SCALE = "scale";

function chosen(names: readonly string[]): readonly Benchmark[] {
  const ids = names.flatMap((name) => (name === SCALE ? SCALE_IDS : [known(name)]));
  return BENCHMARKS.filter(({ id }) => ids.includes(id));
}

function known(id: string): string {
  const ids = BENCHMARKS.map((benchmark) => benchmark.id);
  if (ids.includes(id)) return id;
  throw new Error(`there is no benchmark "${id}": choose of ${ids.join(", ")}, or all of the S with "${SCALE}"`);
}

function share(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (number > 0 && number <= 1) return number;
  throw new Error(`--${name} is "${text}": write a number above 0 and not above 1`);
}

function count(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new Error(`--${name} is "${text}": write a whole number`);
}
