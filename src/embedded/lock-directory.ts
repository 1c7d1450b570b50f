/**
 * One owner per data directory: a file `lock` in it names the process. nats-server and the engine each would damage or refuse a directory that another one has
 * open, with messages that name neither the directory nor the owner; this says both, before anything is touched.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "../kernel/errors.ts";
import { present } from "../kernel/assert.ts";
import { diskError } from "./disk-error.ts";
import { makeDirectory } from "./make-directory.ts";
import { isAlive, processIdentity, type ProcessIdentity } from "./process-identity.ts";

const ATTEMPTS_MAX = 5;
const WAIT_POLL_MS = 25;
/** A ClickHouse has 10 s each for its answers and its queries, and then the engine a second. */
const ENDING_MS = 30_000;

export type DirectoryLock = { readonly release: () => void };

export type LockDirectoryInput = {
  readonly directory: string;
  /** What lives in it, for the message: "ClickHouse", "NATS". */
  readonly owner: string;
  /** The process without which this one ends by itself: a holder whose parent is gone gives the directory back before long. */
  readonly parent?: ProcessIdentity | undefined;
};

type Holder = ProcessIdentity & { readonly parent?: ProcessIdentity };

/** Throws `DIRECTORY_IN_USE` when a living process holds the directory; takes over what a dead one left. */
export function lockDirectory(input: LockDirectoryInput): DirectoryLock {
  const path = join(input.directory, "lock");
  const self: Holder = present(processIdentity(process.pid), "the identity of this process");
  const mine = JSON.stringify({ ...self, parent: input.parent });
  const draft = `${path}.${process.pid}`;
  try {
    makeDirectory(input.directory);
  } catch (error) {
    throw diskError(error, input.directory) ?? error;
  }
  try {
    writeFileSync(draft, mine);
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (tryLink(draft, path))
        return {
          release: () => {
            releaseLock(path, mine);
          },
        };
      setAsideIfStale(path, input);
    }
  } catch (error) {
    throw diskError(error, input.directory) ?? error;
  } finally {
    rmSync(draft, { force: true });
  }
  throw inUse(input, readText(path));
}

export type LockDirectoryWhenLeftInput = LockDirectoryInput & {
  /** How long to wait for a holder that is ending; unless said otherwise, longer than a ClickHouse takes for that at most. */
  readonly graceMs?: number;
  /** Called once, with the holder's pid, when there is one to wait for. */
  readonly onWait?: (pid: number) => void;
};

/**
 * Like `lockDirectory`, but a holder that ends by itself, because its parent was killed, is waited for. One whose parent lives is refused at once, and
 * so is one that has not ended within the time.
 */
export async function lockDirectoryWhenLeft(input: LockDirectoryWhenLeftInput): Promise<DirectoryLock> {
  const untilMs = performance.now() + (input.graceMs ?? ENDING_MS);
  let isTold = false;
  for (;;) {
    try {
      return lockDirectory(input);
    } catch (error) {
      const holder = parseHolder(readText(join(input.directory, "lock")) ?? "");
      if (!isInUse(error) || (holder !== undefined && !isEnding(holder)) || performance.now() > untilMs) throw error;
      if (holder !== undefined && !isTold) {
        input.onWait?.(holder.pid);
        isTold = true;
      }
    }
    await delay(WAIT_POLL_MS);
  }
}

function isInUse(error: unknown): boolean {
  return error instanceof AppError && error.code === "DIRECTORY_IN_USE";
}

function isEnding({ parent }: Holder): boolean {
  return parent !== undefined && !isAlive(parent);
}

/** A hard link fails when the name exists: creation and content in one step, so nobody reads a half-written lock. */
function tryLink(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Two starters may find the same stale file: whoever moves it away checks that it moved what it had read, and puts a fresh one back. */
function setAsideIfStale(path: string, input: LockDirectoryInput): void {
  const seen = readText(path);
  if (seen === undefined) return;
  const holder = parseHolder(seen);
  if (holder !== undefined && isAlive(holder)) throw inUse(input, seen);
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (readText(aside) !== seen) tryLink(aside, path);
  rmSync(aside, { force: true });
}

function releaseLock(path: string, mine: string): void {
  if (readText(path) === mine) rmSync(path, { force: true });
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    const value = JSON.parse(text) as Partial<Holder>;
    if (!isIdentity(value)) return undefined;
    const { pid, startedAt, parent } = value;
    return { pid, startedAt, ...(isIdentity(parent) && { parent }) };
  } catch {
    return undefined;
  }
}

function isIdentity<T extends Partial<ProcessIdentity>>(value: T | undefined): value is T & ProcessIdentity {
  return typeof value?.pid === "number" && typeof value.startedAt === "string";
}

function inUse(input: LockDirectoryInput, lockText: string | undefined): AppError {
  const pid = parseHolder(lockText ?? "")?.pid;
  return new AppError({
    code: "DIRECTORY_IN_USE",
    kind: "settings",
    message:
      `${input.owner}'s data directory ${input.directory} is in use by process ${pid ?? "unknown"}. ` +
      "Stop that instance, or give this one a directory of its own with METERLINE_HOME.",
    details: { directory: input.directory, pid },
  });
}
