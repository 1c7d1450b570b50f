/** Starts `sink-child.ts` and follows what it commits. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { BenchWorld } from "./bench-world.ts";
import type { ChildCommit, SinkChildInput } from "./sink-child.ts";

export type ChildSink = {
  readonly pid: number;
  readonly commits: () => readonly ChildCommit[];
  /** Events in the batches so far. */
  readonly events: () => number;
  readonly until: (isDone: () => boolean) => Promise<void>;
  readonly kill: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

const CHILD = new URL("sink-child.ts", import.meta.url).pathname;
const POLL_MS = 5;
const DEADLINE_MS = 30 * 60_000;

export function startChildSink(
  { servers, onStop }: BenchWorld,
  options: Pick<SinkChildInput, "batchWaitMs"> = {},
): ChildSink {
  const { home, natsUrl, clickhouseUrl } = servers;
  const child = spawn(process.execPath, [CHILD, JSON.stringify({ home, natsUrl, clickhouseUrl, ...options })], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const commits: ChildCommit[] = [];
  let events = 0;
  createInterface({ input: child.stdout }).on("line", (line) => {
    const commit = JSON.parse(line) as ChildCommit;
    commits.push(commit);
    events += commit.events;
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
    commits: () => commits,
    events: () => events,
    until: async (isDone) => {
      const deadline = performance.now() + DEADLINE_MS;
      while (!isDone()) {
        if (ended) throw new Error("the sink's process ended");
        if (performance.now() > deadline) throw new Error("the sink's process does not get there");
        await new Promise((done) => setTimeout(done, POLL_MS));
      }
    },
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
  };
}
