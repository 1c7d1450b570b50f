/** The test folders as projects: quick pure ones first and in parallel, then real servers, then kills, one file at a time. */
import { resolve } from "node:path";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

/** Groups run one after the other, so that a test that measures a deadline doesn't share two cores with everything else. */
const FAST_GROUP = 0;
const INTEGRATION_GROUP = 1;
const CRASH_GROUP = 2;

/** Far more than any of them takes on a quiet machine: a busy one must not make a test fail. */
const FAST_TIMEOUT_MS = 120_000;
const SERVER_TIMEOUT_MS = 120_000;
/** Likewise for what is polled for. */
const POLL_TIMEOUT_MS = 30_000;

function fastProject(name: string): TestProjectInlineConfiguration {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      testTimeout: FAST_TIMEOUT_MS,
      sequence: { groupOrder: FAST_GROUP },
    },
  };
}

function serverProject(name: string, groupOrder: number, maxWorkers: number): TestProjectInlineConfiguration {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      pool: "forks",
      // For the processes that tests start, as `bin/meterline` does.
      env: { NODE_COMPILE_CACHE: resolve(import.meta.dirname, "node_modules/.cache/compiled") },
      maxWorkers,
      testTimeout: SERVER_TIMEOUT_MS,
      hookTimeout: SERVER_TIMEOUT_MS,
      expect: { poll: { timeout: POLL_TIMEOUT_MS } },
      sequence: { groupOrder },
    },
  };
}

export default defineConfig({
  test: {
    projects: [
      fastProject("unit"),
      fastProject("property"),
      fastProject("golden"),
      fastProject("tidy"),
      fastProject("simulation"),
      serverProject("integration", INTEGRATION_GROUP, 2),
      serverProject("crash", CRASH_GROUP, 2),
    ],
    reporters: ["default", "./test/support/plain-summary-reporter.ts"],
  },
});
