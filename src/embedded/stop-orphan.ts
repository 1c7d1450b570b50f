/**
 * Ends the nats-server that an instance of this home left behind when it was killed. Such a child outlives its parent; it still holds the port and the files.
 * Only a process is touched whose pid stands in this home's own pid file and whose command line names this home's own configuration file.
 */
import { readFileSync, rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { commandLine, isAlive, processIdentity } from "./process-identity.ts";

const GRACE_MS = 15_000;
const POLL_MS = 25;

export type StopOrphanInput = { readonly pidFile: string; readonly configFile: string };

/** The pid that was ended, or undefined when there was none. The caller holds the directory's lock. */
export async function stopOrphan(input: StopOrphanInput): Promise<number | undefined> {
  const pid = readPid(input.pidFile);
  const identity = pid === undefined ? undefined : processIdentity(pid);
  if (identity === undefined || commandLine(identity.pid)?.includes(input.configFile) !== true) {
    rmSync(input.pidFile, { force: true });
    return undefined;
  }
  process.kill(identity.pid, "SIGTERM");
  for (let waitedMs = 0; waitedMs < GRACE_MS && isAlive(identity); waitedMs += POLL_MS) await delay(POLL_MS);
  if (isAlive(identity)) process.kill(identity.pid, "SIGKILL");
  for (let waitedMs = 0; waitedMs < GRACE_MS && isAlive(identity); waitedMs += POLL_MS) await delay(POLL_MS);
  rmSync(input.pidFile, { force: true });
  return identity.pid;
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, "utf8").trim());
    return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}
