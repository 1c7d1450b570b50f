/** What a process has used until now, as Linux tells it: the seconds of its threads on the cores, and the most memory that it had at once. */
import { readFileSync } from "node:fs";

const TICKS_PER_SECOND = 100;
/** Of `/proc/PID/stat` behind the name, which may have blanks in it: user and system time. */
const USER_FIELD = 11;

export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[USER_FIELD]) + Number(fields[USER_FIELD + 1])) / TICKS_PER_SECOND;
}

export function peakBytes(pid: number): number {
  const kib = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) * 1024;
}
