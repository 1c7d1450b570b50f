import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ROOT } from "./tracked-files.ts";

const HEAD = 'import { beforeAll, expect, test } from "vitest";\n';
const GOOD = `${HEAD}test("a", () => expect(1).toBe(1));\ntest("b", () => expect(2).toBe(2));\n`;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "meterline-summary-"));
  symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"));
});
afterEach(() => rmSync(directory, { recursive: true }));

type Run = { readonly status: number | null; readonly lastLine: string | undefined };

function runTests(files: Readonly<Record<string, string>>): Run {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  const reporter = join(ROOT, "test/support/plain-summary-reporter.ts");
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const args = [vitest, "run", "--root", directory, "--reporter=default", `--reporter=${reporter}`];
  const env = { ...process.env, CI: "true", VITEST: undefined, VITEST_WORKER_ID: undefined };
  const run = spawnSync(process.execPath, args, { cwd: directory, encoding: "utf8", env, input: "" });
  return { status: run.status, lastLine: run.stdout.trimEnd().split("\n").at(-1) };
}

test("the last line counts what ran, alone and without colour", () => {
  expect(runTests({ "good.test.ts": GOOD })).toEqual({ status: 0, lastLine: "2 passed, 0 failed" });
}, 60_000);

test("a failed test and one that does not run are counted", () => {
  const off = `test.runIf(false)("d", () => expect(1).toBe(1));\n`;
  const mixed = `${HEAD}test("c", () => expect(1).toBe(2));\n${off}`;
  const run = runTests({ "good.test.ts": GOOD, "mixed.test.ts": mixed });
  expect(run).toEqual({ status: 1, lastLine: "2 passed, 1 failed, 1 skipped" });
}, 60_000);

// Guarantee: a file that never got to its tests can't end in "0 failed".
test("a file that doesn't load counts as a failure", () => {
  const run = runTests({ "good.test.ts": GOOD, "broken.test.ts": `${HEAD}throw new Error("no");\n` });
  expect(run).toEqual({ status: 1, lastLine: "2 passed, 1 failed" });
}, 60_000);
