import { expect, test } from "vitest";
import { leftText } from "../../../../cmd/output/progress.ts";

test.each([
  { done: 0, total: 10, elapsedMs: 5_000, text: "" },
  { done: 10, total: 10, elapsedMs: 5_000, text: "" },
  { done: 250_000, total: 1_000_000, elapsedMs: 10_000, text: ", about 30 s left" },
  { done: 100_000, total: 1_000_000, elapsedMs: 10_000, text: ", about 2 min left" },
  { done: 1_000, total: 1_000_000, elapsedMs: 10_000, text: ", about 2 h 47 min left" },
])("$done of $total after $elapsedMs ms: '$text'", ({ text, ...progress }) => {
  expect(leftText(progress)).toBe(text);
});
