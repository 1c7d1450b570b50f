/** A sink in a process of its own, for tests that kill it. Argument: JSON of `SinkChildInput`. Says "running" once it has started; SIGTERM drains. */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { crashHook } from "../../src/app/sink/crash-points.ts";
import { filterCopies } from "../../src/files/filter-copies.ts";
import { exitCodeOf } from "../../src/kernel/errors.ts";
import { STARTS_FROM_COPIES } from "../support/sink-process.ts";
import { connectSinkWorld, startSink } from "../support/sink-world.ts";

export type SinkChildInput = {
  readonly natsUrl: string;
  readonly clickhouseUrl: string;
  readonly shards: number;
  readonly holder: string;
  readonly home: string;
};

const input = JSON.parse(process.argv[2] ?? "{}") as SinkChildInput;
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };
const noteStart = (details: object): void => {
  if ("copied" in details && details.copied !== 0) appendFileSync(join(input.home, STARTS_FROM_COPIES), "x");
};
const world = await connectSinkWorld(input, input.shards);
const sink = startSink(world, {
  holder: input.holder,
  settings: {
    instance: "crash",
    leaseMs: 400,
    batchEventsMax: 25,
    batchWaitMs: 10,
    retryMaxMs: 200,
    filterCopyEvery: 20,
  },
  deps: { filterCopies: filterCopies(join(input.home, "sink")), log: { ...SILENT, info: noteStart } },
  crash: crashHook(process.env["METERLINE_CRASH_AT"], () => process.kill(process.pid, "SIGKILL")),
});
process.once("SIGTERM", () => void sink.drain());
process.stdout.write("running\n");
try {
  await sink.done;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
await world.close();
