/** Prints the outcome of a whole run as its very last line, alone and without colour, for people who scroll and for machines. */
import { writeSync } from "node:fs";
import type { Reporter, SerializedError, TestModule } from "vitest/node";

export type RunCounts = { readonly passed: number; readonly failed: number; readonly skipped: number };

/** A file or a hook that fails counts as a failure of its own: its tests never ran, and no count of tests would show it. */
export function countOutcomes(modules: readonly TestModule[], unhandled: readonly SerializedError[]): RunCounts {
  const counts = { passed: 0, failed: unhandled.length, skipped: 0 };
  for (const module of modules) {
    counts.failed += module.errors().length > 0 ? 1 : 0;
    for (const suite of module.children.allSuites()) counts.failed += suite.errors().length > 0 ? 1 : 0;
    for (const test of module.children.allTests()) {
      const state = test.result().state;
      counts[state === "pending" ? "skipped" : state] += 1;
    }
  }
  return counts;
}

export function summaryLine(counts: RunCounts): string {
  const skipped = counts.skipped > 0 ? `, ${String(counts.skipped)} skipped` : "";
  return `${String(counts.passed)} passed, ${String(counts.failed)} failed${skipped}`;
}

export default class PlainSummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const line = summaryLine(countOutcomes(modules, unhandled));
    // At exit, because the default reporter writes its own summary through a buffer.
    process.once("exit", () => writeSync(1, `${line}\n`));
  }
}
