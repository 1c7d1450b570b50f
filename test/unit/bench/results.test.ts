import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { readBenchOptions } from "../../bench/bench-options.ts";
import { BENCHMARKS } from "../../bench/benchmarks.ts";
import type { Bound } from "../../bench/benchmark.ts";
import { interleave } from "../../bench/interleave.ts";
import { median, percentile } from "../../bench/median.ts";
import { isWithin, plainRatio, ratioOf } from "../../bench/ratio.ts";
import { mergeRuns, readRuns, type RecordedRun } from "../../bench/recorded-run.ts";
import { recordedPages } from "../../bench/recorded-pages.ts";
import { benchmarksPage, resultText } from "../../bench/report.ts";

const DOCS = resolve(import.meta.dirname, "../../../docs");

function run(id: string, value: number, bounds: { target?: Bound; aim?: Bound } = {}): RecordedRun {
  return {
    ...{ id, title: `title of ${id}`, date: "2026-11-28", machine: "2 cores", rounds: 1, seconds: 9 },
    measurements: [{ name: "pipeline", unit: "events/s", values: [1, 3, 2] }],
    ratios: [plainRatio({ name: `ratio of ${id}`, value, ...bounds })],
    facts: { events: 5 },
  };
}

describe("a benchmark's numbers", () => {
  test("are medians and nearest ranks", () => {
    expect(median([9, 1, 3])).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([percentile(hundred, 0.99), percentile(hundred, 0.5), percentile([7], 0.99)]).toEqual([99, 50, 7]);
  });

  // Guarantee: a ratio is that of the medians; the range is that of the rounds, each with its own partner.
  test("make a ratio with its range", () => {
    expect(ratioOf({ name: "a ÷ b", of: [10, 30, 20], to: [10, 10, 40] })).toMatchObject({
      value: 2,
      lowest: 0.5,
      highest: 3,
      target: null,
    });
    expect(isWithin(2, { atLeast: 2 }) && isWithin(2, { atMost: 2 }) && isWithin(2, null)).toBe(true);
    expect(isWithin(1.9, { atLeast: 2 }) || isWithin(2.1, { atMost: 2 })).toBe(false);
  });

  // Guarantee: whatever drifts on the machine meets all sides: none is always the first.
  test("come from turns that begin with another side each round", async () => {
    const order: string[] = [];
    const input = { rounds: 3, sides: ["a", "b"] as const, unit: "x", say: () => undefined };
    const values = await interleave(input, (side, round) => {
      order.push(`${side}${round}`);
      return Promise.resolve(order.length);
    });
    expect(order).toEqual(["a0", "b0", "b1", "a1", "a2", "b2"]);
    expect(values).toEqual({ a: [1, 4, 5], b: [2, 3, 6] });
  });
});

describe("what is asked for", () => {
  test("is everything at full size into the page, or a quick look that leaves it alone", () => {
    expect(readBenchOptions([])).toMatchObject({ benchmarks: BENCHMARKS, identities: 100_000_000, write: true });
    const quick = readBenchOptions(["R2", "R1", "--events", "200000"]);
    expect(quick.benchmarks.map(({ id }) => id)).toEqual(["R1", "R2"]);
    expect(quick).toMatchObject({ events: 200_000, identities: 1_000_000, write: false });
  });

  test("has fewer rounds for a quick look, unless it is told how many or the page takes it in", () => {
    const rounds = (args: readonly string[], own = 5) => readBenchOptions(args).roundsOf({ rounds: own });
    expect([rounds([]), rounds(["R1"]), rounds(["R1", "--events", "200000", "--write"])]).toEqual([5, 5, 5]);
    expect([rounds(["--events", "200000"]), rounds(["--events", "200000"], 1)]).toEqual([3, 1]);
    expect(rounds(["--events", "200000", "--rounds", "7"])).toBe(7);
  });

  test("is a quick look into the page if told so", () => {
    expect(readBenchOptions(["R1", "--rounds", "7", "--write"])).toMatchObject({ write: true });
  });

  test("takes all that shows growth by one name, at a part of the sizes if told so", () => {
    const scale = readBenchOptions(["scale", "--scale", "0.05"]);
    expect(scale.benchmarks.map(({ id }) => id)).toEqual(["S1", "S2", "S3", "S4", "S5"]);
    expect(scale).toMatchObject({ scale: 0.05, write: false });
    expect(readBenchOptions(["scale"])).toMatchObject({ scale: 1, write: true });
  });

  test.each([[["R99"]], [["--events", "many"]], [["--rounds", "0"]], [["--scale", "2"]]])("refuses %j", (args) => {
    expect(() => readBenchOptions(args)).toThrow(/choose of|whole number|not above 1/);
  });

  test("has each benchmark of the table once", () => {
    const ids = [
      "R1",
      "R2",
      "R3",
      "R4",
      "R5",
      "R6",
      "R7",
      "R8",
      "R9",
      "R10",
      "R11",
      "P1",
      "P2",
      "S1",
      "S2",
      "S3",
      "S4",
      "S5",
    ];
    expect(BENCHMARKS.map(({ id }) => id).sort((a, b) => a.localeCompare(b))).toEqual(
      [...ids].sort((a, b) => a.localeCompare(b)),
    );
  });
});

describe("the recorded pages", () => {
  const runs = { benchmarks: readRuns(`${DOCS}/benchmarks.json`), scale: readRuns(`${DOCS}/scale.json`) };

  // Guarantee: a page is what was measured, and nothing else.
  test.each(Object.entries(recordedPages(runs)))(
    "docs/%s is what is recorded (npm run bench writes both)",
    (name, page) => {
      expect(readFileSync(`${DOCS}/${name}`, "utf8")).toBe(page);
    },
  );

  test("takes a newer result in place of the older one, in the order of the ids", () => {
    const merged = mergeRuns([run("R10", 1), run("R2", 1), run("P1", 1)], [run("R2", 2), run("R1", 3)]);
    expect(merged.map(({ id, ratios }) => [id, ratios[0]?.value])).toEqual([
      ["R1", 3],
      ["R2", 2],
      ["R10", 1],
      ["P1", 1],
    ]);
  });

  test("says of each ratio whether target and aim are reached", () => {
    const bounds = { target: { atLeast: 0.25 }, aim: { atLeast: 0.35 } };
    const page = benchmarksPage([run("R1", 0.2, bounds), run("R2", 0.3, bounds), run("R3", 0.4, bounds)]);
    expect(page).toContain("| R1 | ratio of R1 | 0.2 | 0.2–0.2 | ≥ 0.25 | ≥ 0.35 | no |");
    expect(page).toContain("| R2 | ratio of R2 | 0.3 | 0.3–0.3 | ≥ 0.25 | ≥ 0.35 | target |");
    expect(page).toContain("| R3 | ratio of R3 | 0.4 | 0.4–0.4 | ≥ 0.25 | ≥ 0.35 | aim |");
    expect(page).toContain("| pipeline | 2 | 1 | 3 | events/s |");
    expect(resultText(run("R1", 0.2, bounds))).toContain("ratio of R1");
  });
});
