import { describe, expect, test } from "vitest";
import { growthChart } from "../../bench/growth-chart.ts";
import { growthSteps, type CostOf, type Growth } from "../../bench/growth.ts";
import { generatedSum, quantitySum, scaleEvents } from "../../bench/scale-events.ts";
import { scalePage } from "../../bench/scale-report.ts";

const SIZES = [1_000, 100_000, 1_000_000];

function growthOf(cost: (size: number) => number, of: CostOf = "all"): Growth {
  const points = SIZES.map((size) => ({ size, costs: [{ name: "query", unit: "ms", of, values: [cost(size)] }] }));
  return { axis: "customers", points };
}

function exponents(growth: Growth): readonly string[] {
  return growthSteps(growth).map(({ exponent, holds }) => `${exponent.toFixed(2)} ${holds ? "holds" : "is worse"}`);
}

describe("the growth of a cost", () => {
  test("has the exponent of its curve", () => {
    expect(exponents(growthOf(() => 7))).toEqual(["0.00 holds", "0.00 holds"]);
    expect(exponents(growthOf((size) => 3 * size))).toEqual(["1.00 holds", "1.00 holds"]);
    expect(exponents(growthOf((size) => size ** 2))).toEqual(["2.00 is worse", "2.00 is worse"]);
    expect(exponents(growthOf((size) => size * Math.log(size))).every((text) => text.endsWith("holds"))).toBe(true);
    expect(exponents(growthOf((size) => size ** 1.3)).every((text) => text.endsWith("is worse"))).toBe(true);
  });

  // Guarantee: what each event costs beside a size must not grow with it: n of them would cost n².
  test("of one event may only grow by the logarithm", () => {
    expect(exponents(growthOf((size) => size, "one event"))).toEqual(["1.00 is worse", "1.00 is worse"]);
    expect(exponents(growthOf((size) => Math.log(size), "one event")).every((text) => text.endsWith("holds"))).toBe(
      true,
    );
  });

  test("is taken from the medians, and a tenth more is noise", () => {
    const [small, large] = [10, 100].map((size) => ({
      size,
      costs: [{ name: "q", unit: "ms", of: "one event" as const, values: [size === 10 ? 1 : 2.19, 1, 900] }],
    }));
    // The logarithm doubles from 10 to 100; the medians are 1 and 2.19.
    const [step] = growthSteps({ axis: "x", points: [small, large].filter((point) => point !== undefined) });
    expect(step?.exponent).toBeCloseTo(Math.log10(2.19), 10);
    expect(step?.allowed).toBeCloseTo(Math.log10(2), 10);
    expect(step?.holds).toBe(true);
  });

  test("is shown with what is worse by name, and drawn", () => {
    const run = (growth: Growth) => ({
      ...{ id: "S2", title: "Customers", date: "2026-11-28", machine: "2 cores", rounds: 1, seconds: 9 },
      ...{ measurements: [], ratios: [], facts: { customers: 3 }, growth },
    });
    const page = scalePage([run(growthOf((size) => size ** 2))]);
    expect(page).toContain("- S2, query, from 1,000 to 100,000: 2.00, and n log n has 1.11");
    expect(page).toContain("| query | ms | all |");
    expect(page).toContain("![Customers: costs as multiples of those at the smallest size](scale/s2.svg)");
    expect(scalePage([run(growthOf((size) => size))])).toContain("None of the 2 steps between two sizes grows faster");
    const chart = growthChart({ title: "A & B", growth: growthOf((size) => size / 3), names: ["query"] });
    expect(chart).toContain("A &amp; B");
    expect(chart).toContain("<title>query at 100,000: 33,333 ms</title>");
    expect(chart).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe("events of which everything follows from their number", () => {
  test("have the sums that adding up gives", () => {
    const input = { from: 990, to: 2_345, round: "r", customers: 7, eventTypes: 3 };
    const events = [...scaleEvents(input)].map(
      ({ text }) => JSON.parse(text) as { data: { n: number }; subject: string },
    );
    const added = events.reduce((sum, { data }) => sum + data.n, 0);
    expect(quantitySum(input.from, input.to)).toBe(BigInt(added));
    expect(new Set(events.map(({ subject }) => subject)).size).toBe(7);
    // 1 + 2 + … + 1000 thousandths, and then 1 and 2.
    expect(generatedSum(1_002)).toBe("500.503");
  });
});
