import { expect, test } from "vitest";
import { leftText, plainProgress } from "../../../../cmd/output/progress.ts";

test.each([
  { done: 0, total: 10, elapsedMs: 5_000, text: "" },
  { done: 10, total: 10, elapsedMs: 5_000, text: "" },
  { done: 250_000, total: 1_000_000, elapsedMs: 10_000, text: ", about 30 s left" },
  { done: 100_000, total: 1_000_000, elapsedMs: 10_000, text: ", about 2 min left" },
  // Too early, and too little: 3 in the first seconds are the start and not the pace.
  { done: 300, total: 639, elapsedMs: 4_999, text: "" },
  { done: 3, total: 639, elapsedMs: 59_999, text: "" },
  { done: 12, total: 639, elapsedMs: 10_000, text: "" },
  { done: 13, total: 639, elapsedMs: 10_000, text: ", about 9 min left" },
  { done: 1_000, total: 1_000_000, elapsedMs: 60_000, text: ", about 16 h 39 min left" },
])("$done of $total after $elapsedMs ms: '$text'", ({ text, ...progress }) => {
  expect(leftText(progress)).toBe(text);
});

// Guarantee: the same line never comes twice: not while nothing moves, and not at the end either.
test("writes a line when something was done since the last one", () => {
  const lines: string[] = [];
  let now = 0;
  const progress = plainProgress(
    { label: "Counting", total: 100, unit: "messages" },
    { nowMs: () => now, write: (line) => lines.push(line) },
  );
  for (const [atMs, done] of [
    [1_999, 0],
    [2_000, 0],
    [4_000, 0],
    [4_500, 25],
    [6_000, 25],
    [8_500, 50],
    [9_000, 100],
    [11_000, 100],
  ] as const) {
    now = atMs;
    progress.update(done);
  }
  progress.stop();
  expect(lines).toEqual([
    "Counting: 0 of 100 messages\n",
    "Counting: 25 of 100 messages\n",
    "Counting: 50 of 100 messages, about 9 s left\n",
    "Counting: 100 of 100 messages\n",
  ]);
});
