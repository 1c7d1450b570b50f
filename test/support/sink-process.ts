/** Starts `test/crash/sink-child.ts` and tells how it ended. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { SinkChildInput } from "../crash/sink-child.ts";

export type SinkEnd = { readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly stderr: string };
export type SinkProcess = {
  readonly ended: Promise<SinkEnd>;
  kill(): Promise<SinkEnd>;
  /** Stops the process where it is, as a laptop's lid or a stalled machine would. */
  pause(): void;
  resume(): void;
  drain(): Promise<SinkEnd>;
};

/** A file of the home with a byte for each start that began with a copy of the identity filter. */
export const STARTS_FROM_COPIES = "starts-from-copies";
const CHILD = new URL("../crash/sink-child.ts", import.meta.url).pathname;
const END_MS = 60_000;
let starts = 0;

/** Resolves once the child runs; `crashAt` is a crash point at which it kills itself. */
export async function startSinkProcess(input: Omit<SinkChildInput, "holder">, crashAt?: string): Promise<SinkProcess> {
  starts += 1;
  const env = { ...process.env, ...(crashAt !== undefined && { METERLINE_CRASH_AT: crashAt }) };
  const argument = JSON.stringify({ ...input, holder: `crash#${process.pid}-${starts}` });
  const child = spawn(process.execPath, [CHILD, argument], { env, stdio: ["ignore", "pipe", "pipe"] });
  const ended = endOf(child);
  await Promise.race([once(child.stdout, "data"), ended]);
  const endBy = async (signal: NodeJS.Signals): Promise<SinkEnd> => {
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), END_MS);
    const end = await ended;
    clearTimeout(timer);
    return end;
  };
  return {
    ended,
    kill: () => endBy("SIGKILL"),
    drain: () => endBy("SIGTERM"),
    pause: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
  };
}

async function endOf(child: ChildProcess): Promise<SinkEnd> {
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString("utf8")).slice(-4_000);
  });
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { code, signal, stderr };
}
