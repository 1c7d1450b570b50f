/** What a benchmark is, and what it hands back: measurements round by round, and the ratios that are promised. */
import type { Growth } from "./growth.ts";
import type { Worlds } from "./worlds.ts";

export type BenchInput = {
  /** Events of a round. */
  readonly events: number;
  readonly rounds: number;
  /** Stored before the first round, where stored identities cost something. */
  readonly identities: number;
  /** What the sizes of a growth are multiplied by: 1, or less for a quick look. */
  readonly scale: number;
  readonly worlds: Worlds;
  /** One line of progress, for people. */
  readonly say: (text: string) => void;
};

export type Measurement = {
  readonly name: string;
  /** "events/s", "ms", "bytes" … */
  readonly unit: string;
  /** One per round. */
  readonly values: readonly number[];
};

export type Bound = { readonly atLeast: number } | { readonly atMost: number };

export type Ratio = {
  readonly name: string;
  /** Of the medians. */
  readonly value: number;
  /** Of single rounds. */
  readonly lowest: number;
  readonly highest: number;
  /** Null: reported only. */
  readonly target: Bound | null;
  readonly aim: Bound | null;
};

export type BenchmarkResult = {
  readonly measurements: readonly Measurement[];
  readonly ratios: readonly Ratio[];
  /** Whatever else was measured or given. */
  readonly facts: Readonly<Record<string, number | string>>;
  /** Of a benchmark that measures the same at several sizes. */
  readonly growth?: Growth;
};

export type Benchmark = {
  readonly id: string;
  readonly title: string;
  readonly events: number;
  readonly rounds: number;
  /** On two quiet cores with the sizes above; the runner gives up after three times as long. */
  readonly minutes: number;
  /** Throws on wrong totals: a rate over them means nothing. */
  readonly run: (input: BenchInput) => Promise<BenchmarkResult>;
};

/** A rate over wrong totals means nothing. */
export function requireEqual(what: string, found: number | bigint | string, wanted: number | bigint | string): void {
  if (String(found) !== String(wanted)) throw new Error(`${what}: ${found} instead of ${wanted}`);
}
