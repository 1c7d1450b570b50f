import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { isAlive, processIdentity, startInStat } from "../../../src/embedded/process-identity.ts";

const stat = (state: string, threads: number): string =>
  `26859 (a (b) c) ${state} 26818 26805 25890 0 -1 4227084 1990 0 4 0 3 1 0 0 20 0 ${threads} 0 2386481 0 0 18446744073709551615 0 0`;

// Guarantee: nobody takes over files while a thread of their owner, which is killed, still has them open.
test.each([
  ["a process", stat("S", 1), "2386481"],
  ["a zombie whose threads are still ending", stat("Z", 2), "2386481"],
  ["a zombie that waits for its parent alone", stat("Z", 1), undefined],
])("%s: when it began", (_, text, startedAt) => {
  expect(startInStat(text)).toBe(startedAt);
});

test("this process is alive, and one that began at another time is not", () => {
  const self = processIdentity(process.pid);
  expect(self?.pid).toBe(process.pid);
  expect(self !== undefined && isAlive(self)).toBe(true);
  expect(isAlive({ pid: process.pid, startedAt: "another time" })).toBe(false);
});

test.runIf(process.platform === "linux")("the system's own file reads like the ones above", () => {
  expect(startInStat(readFileSync("/proc/self/stat", "utf8"))).toBe(processIdentity(process.pid)?.startedAt);
});
