/** Starts `rating-child.ts` and follows it to its end, or kills it on the way. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { BenchWorld } from "./bench-world.ts";
import type { RatingChildInput, RatingChildNote } from "./rating-child.ts";

export type RatedByChild = {
  readonly runId: string;
  readonly lines: number;
  readonly peakBytes: number;
  readonly seconds: number;
};

const CHILD = new URL("rating-child.ts", import.meta.url).pathname;

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
  { servers, onStop }: BenchWorld,
  { period, resume = false }: RateInput,
  onNote: (note: RatingChildNote) => "go on" | "kill",
): Promise<void> {
  const { home, natsUrl, clickhouseUrl } = servers;
  const input: RatingChildInput = { home, natsUrl, clickhouseUrl, period, resume };
  const child = spawn(process.execPath, [CHILD, JSON.stringify(input)], { stdio: ["ignore", "pipe", "inherit"] });
  onStop(() => {
    child.kill("SIGKILL");
    return Promise.resolve();
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (onNote(JSON.parse(line) as RatingChildNote) === "kill") child.kill("SIGKILL");
  });
  await once(child, "close");
}
