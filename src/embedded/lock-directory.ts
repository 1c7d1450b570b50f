/**
 * One owner per data directory: a file `lock` in it names the process. nats-server and the engine each would damage or refuse a directory that another one has
 * open, with messages that name neither the directory nor the owner; this says both, before anything is touched.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../kernel/errors.ts";
import { present } from "../kernel/assert.ts";
import { diskError } from "./disk-error.ts";
import { makeDirectory } from "./make-directory.ts";
import { isAlive, processIdentity, type ProcessIdentity } from "./process-identity.ts";

const ATTEMPTS_MAX = 5;

export type DirectoryLock = { readonly release: () => void };

export type LockDirectoryInput = {
  readonly directory: string;
  /** What lives in it, for the message: "ClickHouse", "NATS". */
  readonly owner: string;
};

/** Throws `DIRECTORY_IN_USE` when a living process holds the directory; takes over what a dead one left. */
export function lockDirectory(input: LockDirectoryInput): DirectoryLock {
  const path = join(input.directory, "lock");
  const mine = JSON.stringify(present(processIdentity(process.pid), "the identity of this process"));
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
  const holder = parseIdentity(seen);
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

function parseIdentity(text: string): ProcessIdentity | undefined {
  try {
    const value = JSON.parse(text) as Partial<ProcessIdentity>;
    return typeof value.pid === "number" && typeof value.startedAt === "string"
      ? { pid: value.pid, startedAt: value.startedAt }
      : undefined;
  } catch {
    return undefined;
  }
}

function inUse(input: LockDirectoryInput, lockText: string | undefined): AppError {
  const pid = parseIdentity(lockText ?? "")?.pid;
  return new AppError({
    code: "DIRECTORY_IN_USE",
    kind: "settings",
    message:
      `${input.owner}'s data directory ${input.directory} is in use by process ${pid ?? "unknown"}. ` +
      "Stop that instance, or give this one a directory of its own with METERLINE_HOME.",
    details: { directory: input.directory, pid },
  });
}
