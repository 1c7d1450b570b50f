/**
 * A sink in a process of its own, as it is deployed: it can be killed, measured, held, and asked for what it inserts. Argument: JSON of `SinkChildInput`. A line of JSON per
 * committed batch, and one per answer to a command (`SinkNote`, `SinkCommand`). SIGTERM drains; it ends at once when whoever started it is gone.
 */
import { writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createContext } from "../../cmd/context.ts";
import { runSinkRole } from "../../cmd/commands/sink.ts";
import { stopSignal } from "../../cmd/stop-signal.ts";
import { loadSettings } from "../../src/config/settings.ts";
import type { BatchCounts } from "../../src/domain/sink-plan.ts";
import type { BenchAddresses } from "./bench-child.ts";
import { holdInserts, type KeptInserts } from "./held-inserts.ts";
import { machineMs } from "./machine-clock.ts";

export type SinkChildInput = BenchAddresses & {
  /** How long a batch waits for more; the setting's default unless said otherwise. */
  readonly batchWaitMs?: number;
};
export type ChildCommit = {
  /** Of the machine's clock, when the batch was committed. */
  readonly atMs: number;
  readonly last: number;
  readonly counts: BatchCounts;
  /** Of all verdicts. */
  readonly events: number;
  readonly residentBytes: number;
};
/** Each is answered once it is in effect. */
export type SinkCommand =
  { readonly type: "hold" | "release" | "take" } | { readonly type: "keep"; readonly inserts: KeptInserts };
export type SinkNote =
  | { readonly type: "committed"; readonly commit: ChildCommit }
  | {
      readonly type: "answer";
      /** Files of the bodies that were taken, for whoever asked to read and to remove. */
      readonly taken: readonly string[];
    };

const input = JSON.parse(process.argv[2] ?? "{}") as SinkChildInput;
const settings = loadSettings({
  METERLINE_HOME: input.home,
  METERLINE_LOG_LEVEL: "warn",
  METERLINE_BATCH_WAIT_MS: String(input.batchWaitMs ?? ""),
});
const context = createContext({ settings, json: true, name: "bench sink", addresses: input });
const inserts = holdInserts(context.clickhouse());

const note = (value: SinkNote): void => {
  writeSync(1, `${JSON.stringify(value)}\n`);
};

function takeInserts(): readonly string[] {
  return inserts.take().map((body, number) => {
    const path = join(input.home, `kept-insert-${number}`);
    writeFileSync(path, body);
    return path;
  });
}

function obey(command: SinkCommand): readonly string[] {
  if (command.type === "take") return takeInserts();
  if (command.type === "keep") inserts.keep(command.inserts);
  else inserts[command.type]();
  return [];
}

const commands = createInterface({ input: process.stdin });
commands.on("line", (line) => note({ type: "answer", taken: obey(JSON.parse(line) as SinkCommand) }));
process.stdin.once("end", () => process.exit(1));
const stopping = stopSignal();
stopping.addEventListener("abort", inserts.release);
await runSinkRole({ ...context, clickhouse: () => inserts.clickhouse }, stopping, {
  // As `up` has it, which holds its home's lock: a dead predecessor's lease is not waited for.
  instance: "bench",
  onCommitted: ({ plan, counts }) => {
    const atMs = machineMs();
    const { accepted, duplicate, conflict, rejected } = counts;
    const events = accepted + duplicate + conflict + rejected;
    const residentBytes = process.memoryUsage.rss();
    note({ type: "committed", commit: { atMs, last: plan.last, counts, events, residentBytes } });
  },
});
commands.close();
await context.close();
