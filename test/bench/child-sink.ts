/** Starts `sink-child.ts` and follows what it commits. */
import { startBenchChild, type BenchChild } from "./bench-child.ts";
import type { BenchWorld } from "./bench-world.ts";
import type { ChildCommit, SinkChildInput } from "./sink-child.ts";

export type ChildSink = BenchChild & {
  readonly commits: () => readonly ChildCommit[];
  /** Events in the batches so far. */
  readonly events: () => number;
};

export function startChildSink(world: BenchWorld, options: Pick<SinkChildInput, "batchWaitMs"> = {}): ChildSink {
  const commits: ChildCommit[] = [];
  let events = 0;
  const child = startBenchChild<ChildCommit>(world, {
    module: "sink-child.ts",
    options,
    onNote: (commit) => {
      commits.push(commit);
      events += commit.events;
    },
  });
  return { ...child, commits: () => commits, events: () => events };
}
