/**
 * Which process a pid means. A pid alone is reused after a while, so files that name one also keep when that process began;
 * a mismatch means that the process written down is gone.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

export type ProcessIdentity = { readonly pid: number; readonly startedAt: string };

/** The identity of a living process, or undefined when there is none with that pid. */
export function processIdentity(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === "linux" ? startOnLinux(pid) : askPs(pid, "lstart=");
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return processIdentity(identity.pid)?.startedAt === identity.startedAt;
}

/** The command line of a living process with its arguments separated by spaces; undefined when it is gone. */
export function commandLine(pid: number): string | undefined {
  if (process.platform !== "linux") return askPs(pid, "command=");
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return undefined;
  }
}

function startOnLinux(pid: number): string | undefined {
  try {
    return startInStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return undefined;
  }
}

/**
 * When a process began, in ticks since the start of Linux: field 22 of its /proc/<pid>/stat, counted after the command name, which may hold blanks and
 * brackets. A zombie counts as gone, and has none, unless threads of it are still ending (field 20): they keep its files open, and with them the locks on them.
 */
export function startInStat(stat: string): string | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, threads, startedAt] = [fields[0], fields[17], fields[19]];
  return state === "Z" && Number(threads) <= 1 ? undefined : startedAt;
}

function askPs(pid: number, column: string): string | undefined {
  try {
    const answer = execFileSync("ps", ["-o", column, "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return answer.trim() === "" ? undefined : answer.trim();
  } catch {
    return undefined;
  }
}
