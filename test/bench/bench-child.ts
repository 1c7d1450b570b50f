/**
 * A process of a benchmark beside its own: gets its input as JSON, and tells what it does in lines of JSON on its stdout, written at once, so that one that is killed
 * has told all that it did: of what Node's channel between processes was given, a part dies with the process. Commands go to its stdin in the same way.
 */
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
  readonly tell: (command: object) => void;
  /** Throws when it has ended before: nothing more is to be waited for. */
  readonly until: (isDone: () => boolean) => Promise<void>;
  readonly kill: () => Promise<void>;
  /** Throws when it did not end well. */
  readonly stop: () => Promise<void>;
};

export type BenchChildInput<Note> = {
  /** A file of this folder. */
  readonly module: string;
  /** Of its input, besides the addresses. */
  readonly options?: object;
  readonly onNote: (note: Note) => void;
};

/** Of the world that it works in. */
export type ChildWorld = Pick<BenchWorld, "onStop"> & { readonly servers: BenchAddresses };

const POLL_MS = 5;
const DEADLINE_MS = 30 * 60_000;

export function startBenchChild<Note>(
  { servers, onStop }: ChildWorld,
  { module, options, onNote }: BenchChildInput<Note>,
): BenchChild {
  const { home, natsUrl, clickhouseUrl } = servers;
  const addresses: BenchAddresses = { home, natsUrl, clickhouseUrl };
  const input = { ...addresses, ...options };
  const path = new URL(module, import.meta.url).pathname;
  const child = spawn(process.execPath, [path, JSON.stringify(input)], { stdio: ["pipe", "pipe", "inherit"] });
  createInterface({ input: child.stdout }).on("line", (line) => {
    onNote(JSON.parse(line) as Note);
  });
  // That it has ended is told to whoever waits for its answer.
  child.stdin.on("error", () => undefined);
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const over = (): string => `the process of ${module} ended (${child.signalCode ?? `exit code ${child.exitCode}`})`;
  let ended = false;
  const closed = once(child, "close").then(() => {
    ended = true;
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (!isOver()) child.kill(signal);
    await closed;
  };
  onStop(() => end("SIGTERM"));
  return {
    pid: child.pid ?? 0,
    closed,
    tell: (command) => {
      child.stdin.write(`${JSON.stringify(command)}\n`);
    },
    until: async (isDone) => {
      const deadline = performance.now() + DEADLINE_MS;
      while (!isDone()) {
        if (ended) throw new Error(`${over()} while it was waited for; what it has said itself is on stderr`);
        if (performance.now() > deadline) throw new Error(`the process of ${module} does not get there`);
        await new Promise((done) => setTimeout(done, POLL_MS));
      }
    },
    kill: () => end("SIGKILL"),
    stop: async () => {
      await end("SIGTERM");
      if (child.exitCode !== null && child.exitCode !== 0) throw new Error(`${over()} when it was to stop`);
    },
  };
}
