/** Starts `rating-child.ts` and follows it to its end, or kills it on the way. */
import { startBenchChild } from "./bench-child.ts";
import type { BenchWorld } from "./bench-world.ts";
import type { RatingChildNote } from "./rating-child.ts";

export type RatedByChild = {
  readonly runId: string;
  readonly lines: number;
  readonly peakBytes: number;
  readonly seconds: number;
};

type RateInput = { readonly period: string; readonly resume?: boolean };

export async function rateByChild(world: BenchWorld, input: RateInput): Promise<RatedByChild> {
  const startedMs = performance.now();
  let done: RatingChildNote | undefined;
  await runChild(world, input, (note) => {
    if (note.type === "done") done = note;
    return "go on";
  });
  if (done?.type !== "done") throw new Error("the rating run's process ended before it was done");
  return { ...done, seconds: (performance.now() - startedMs) / 1_000 };
}

/** SIGKILL as soon as it has told of so many lines: that many may be stored, and no run names them. */
export async function killWhileRating(
  world: BenchWorld,
  input: RateInput & { readonly atLines: number },
): Promise<void> {
  let killed = false;
  await runChild(world, input, (note) => {
    if (note.type === "progress" && note.lines >= input.atLines && note.lines < note.total) killed = true;
    return killed ? "kill" : "go on";
  });
  if (!killed) throw new Error(`the rating run was done before it could be killed at ${input.atLines} lines`);
}

async function runChild(
  world: BenchWorld,
  { period, resume = false }: RateInput,
  onNote: (note: RatingChildNote) => "go on" | "kill",
): Promise<void> {
  const child = startBenchChild<RatingChildNote>(world, {
    module: "rating-child.ts",
    options: { period, resume },
    onNote: (note) => {
      if (onNote(note) === "kill") void child.kill();
    },
  });
  await child.closed;
}
