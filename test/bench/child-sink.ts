/** Starts `sink-child.ts`, which goes on until it is stopped, follows what it commits, and tells it when to hold and what to keep. */
import { readFileSync, rmSync } from "node:fs";
import { startBenchChild, type BenchChild, type ChildWorld } from "./bench-child.ts";
import type { KeptInserts } from "./held-inserts.ts";
import type { ChildCommit, SinkChildInput, SinkCommand, SinkNote } from "./sink-child.ts";

export type ChildSink = Omit<BenchChild, "tell"> & {
  readonly commits: () => readonly ChildCommit[];
  /** Events in the batches so far. */
  readonly events: () => number;
  /** Those of them that count. */
  readonly accepted: () => number;
  /** Once it resolves, the sink waits before its next insert, until it is released. */
  readonly hold: () => Promise<void>;
  readonly release: () => Promise<void>;
  /** From now on the bodies of its inserts are kept. */
  readonly keepInserts: (inserts: KeptInserts) => Promise<void>;
  /** The kept ones since the last call, oldest first. */
  readonly takeInserts: () => Promise<readonly Uint8Array[]>;
};

export function startChildSink(world: ChildWorld, options: Pick<SinkChildInput, "batchWaitMs"> = {}): ChildSink {
  const commits: ChildCommit[] = [];
  const answers: (readonly string[])[] = [];
  let events = 0;
  let accepted = 0;
  let asked = 0;
  const { tell, ...child } = startBenchChild<SinkNote>(world, {
    module: "sink-child.ts",
    options,
    onNote: (note) => {
      if (note.type === "answer") answers.push(note.taken);
      else {
        commits.push(note.commit);
        events += note.commit.events;
        accepted += note.commit.counts.accepted;
      }
    },
  });
  const ask = async (command: SinkCommand): Promise<readonly string[]> => {
    const number = asked;
    asked += 1;
    tell(command);
    await child.until(() => answers.length > number);
    return answers[number] ?? [];
  };
  return {
    ...child,
    commits: () => commits,
    events: () => events,
    accepted: () => accepted,
    hold: async () => {
      await ask({ type: "hold" });
    },
    release: async () => {
      await ask({ type: "release" });
    },
    keepInserts: async (inserts) => {
      await ask({ type: "keep", inserts });
    },
    takeInserts: async () => (await ask({ type: "take" })).map(readAway),
  };
}

function readAway(path: string): Uint8Array {
  const bytes = readFileSync(path);
  rmSync(path);
  return bytes;
}
