/** A sink in a process of its own, for tests that kill it. Argument: JSON of `SinkChildInput`. Says "running" once it has started; SIGTERM drains. */
import { crashHook } from "../../src/app/sink/crash-points.ts";
import { exitCodeOf } from "../../src/kernel/errors.ts";
import { connectSinkWorld, startSink } from "../support/sink-world.ts";

export type SinkChildInput = {
  readonly natsUrl: string;
  readonly clickhouseUrl: string;
  readonly shards: number;
  readonly holder: string;
};

const input = JSON.parse(process.argv[2] ?? "{}") as SinkChildInput;
const world = await connectSinkWorld(input, input.shards);
const sink = startSink(world, {
  holder: input.holder,
  settings: { instance: "crash", leaseMs: 400, batchEventsMax: 25, batchWaitMs: 10, retryMaxMs: 200 },
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
