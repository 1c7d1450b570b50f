/** A process of a benchmark beside its own: gets its input as JSON, and tells what it does in lines of JSON. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { BenchWorld } from "./bench-world.ts";

/** Part of the input of each of them. */
export type BenchAddresses = { readonly home: string; readonly natsUrl: string; readonly clickhouseUrl: string };

export type BenchChild = {
  readonly pid: number;
  /** Resolves when it has ended, however. */
  readonly closed: Promise<void>;
  readonly until: (isDone: () => boolean) => Promise<void>;
  readonly kill: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

export type BenchChildInput<Note> = {
  /** A file of this folder. */
  readonly module: string;
  /** Of its input, besides the addresses. */
  readonly options?: object;
  readonly onNote: (note: Note) => void;
};

const POLL_MS = 5;
const DEADLINE_MS = 30 * 60_000;

export function startBenchChild<Note>(
  { servers, onStop }: BenchWorld,
  { module, options, onNote }: BenchChildInput<Note>,
): BenchChild {
  const { home, natsUrl, clickhouseUrl } = servers;
  const addresses: BenchAddresses = { home, natsUrl, clickhouseUrl };
  const input = { ...addresses, ...options };
  const path = new URL(module, import.meta.url).pathname;
  const child = spawn(process.execPath, [path, JSON.stringify(input)], { stdio: ["ignore", "pipe", "inherit"] });
  createInterface({ input: child.stdout }).on("line", (line) => {
    onNote(JSON.parse(line) as Note);
  });
  let ended = false;
  const closed = once(child, "close").then(() => {
    ended = true;
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (!ended) child.kill(signal);
    await closed;
  };
  onStop(() => end("SIGTERM"));
  return {
    pid: child.pid ?? 0,
    closed,
    until: async (isDone) => {
      const deadline = performance.now() + DEADLINE_MS;
      while (!isDone()) {
        if (ended) throw new Error(`the process of ${module} ended`);
        if (performance.now() > deadline) throw new Error(`the process of ${module} does not get there`);
        await new Promise((done) => setTimeout(done, POLL_MS));
      }
    },
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
  };
}
