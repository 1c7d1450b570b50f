/** A sink in a process of its own, which can be killed and measured. Argument: JSON of `SinkChildInput`. A line of JSON per committed batch; SIGTERM drains. */
import { writeSync } from "node:fs";
import { createContext } from "../../cmd/context.ts";
import { runSinkRole } from "../../cmd/commands/sink.ts";
import { stopSignal } from "../../cmd/stop-signal.ts";
import { loadSettings } from "../../src/config/settings.ts";
import type { BenchAddresses } from "./bench-child.ts";
import { machineMs } from "./machine-clock.ts";

export type SinkChildInput = BenchAddresses & {
  /** How long a batch waits for more; the setting's default unless said otherwise. */
  readonly batchWaitMs?: number;
};
export type ChildCommit = {
  /** Of the machine's clock, when the batch was committed. */
  readonly atMs: number;
  readonly last: number;
  readonly events: number;
  readonly residentBytes: number;
};

const input = JSON.parse(process.argv[2] ?? "{}") as SinkChildInput;
const settings = loadSettings({
  METERLINE_HOME: input.home,
  METERLINE_LOG_LEVEL: "warn",
  METERLINE_BATCH_WAIT_MS: String(input.batchWaitMs ?? ""),
});
const context = createContext({ settings, json: true, name: "bench sink", addresses: input });
await runSinkRole(context, stopSignal(), {
  // As `up` has it, which holds its home's lock: a dead predecessor's lease is not waited for.
  instance: "bench",
  onCommitted: ({ plan, counts }) => {
    const atMs = machineMs();
    const { accepted, duplicate, conflict, rejected } = counts;
    const events = accepted + duplicate + conflict + rejected;
    const commit: ChildCommit = { atMs, last: plan.last, events, residentBytes: process.memoryUsage.rss() };
    writeSync(1, `${JSON.stringify(commit)}\n`);
  },
});
await context.close();
