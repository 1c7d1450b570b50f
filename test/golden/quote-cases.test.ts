/**
 * Case files of amounts with their arithmetic in `why`. Our own always run; the larger published set runs where it lies beside the
 * repository, and the test's name says so where it does not.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { quoteCases } from "../../src/app/quote-cases.ts";
import { decimal, decimalText, roundTo } from "../../src/kernel/decimal.ts";

type GoldenCase = {
  readonly id: string;
  readonly why: string;
  readonly expect: {
    readonly amount?: string;
    readonly rounded?: string;
    readonly quantity?: string;
    readonly decimals?: number;
    readonly parts?: readonly string[];
  };
};

const FILES = ["pricing.json", "metering.json", "allocation.json"];
const OWN = join(import.meta.dirname, "cases");
const SHARED = join(import.meta.dirname, "../../../shared/golden");

function readCases(folder: string, file: string): readonly GoldenCase[] {
  return JSON.parse(readFileSync(join(folder, file), "utf8")) as readonly GoldenCase[];
}

function expectAnswer(golden: GoldenCase): void {
  const [answer] = quoteCases([golden]);
  const { amount, rounded, quantity, decimals, parts } = golden.expect;
  expect(amount ?? quantity ?? parts, "the case expects nothing").toBeDefined();
  if (amount !== undefined) expect(answer).toMatchObject({ id: golden.id, amount });
  // The published files write rounded amounts with and without trailing zeros.
  if (rounded !== undefined)
    expect(answer).toHaveProperty(
      "rounded",
      expect.toSatisfy((text: string) => decimal(text).eq(rounded)),
    );
  if (parts !== undefined) expect(answer).toMatchObject({ id: golden.id, parts });
  if (quantity !== undefined) {
    const exact = answer !== undefined && "quantity" in answer ? decimal(answer.quantity) : decimal("0");
    const shown = decimals === undefined ? exact : roundTo(exact, decimals, "half_up");
    expect(decimalText(shown)).toBe(decimalText(decimal(quantity)));
  }
}

describe.each(FILES)("own cases: %s", (file) => {
  const cases = readCases(OWN, file);
  it.each(cases.map((golden) => [golden.id, golden.why, golden] as const))("%s: %s", (_id, _why, golden) =>
    expectAnswer(golden),
  );
});

// One of the two blocks is defined, never a skipped one: a run says in plain words which files it read.
if (existsSync(SHARED)) {
  describe.each(FILES)("published cases: %s", (file) => {
    const cases = readCases(SHARED, file);
    it.each(cases.map((golden) => [golden.id, golden.why, golden] as const))("%s: %s", (_id, _why, golden) =>
      expectAnswer(golden),
    );
  });
} else {
  it("published cases do not lie beside this repository; the own cases above cover every model and aggregation", () => {
    expect(FILES.flatMap((file) => readCases(OWN, file)).length).toBeGreaterThan(40);
  });
}
