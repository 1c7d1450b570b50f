import { expect, it } from "vitest";
import { amountAxis, fixedAxis, labelOf, logAxis } from "../../../src/chart/axis.ts";
import { priceChart } from "../../../src/chart/price-chart.ts";
import { decimal, decimalText } from "../../../src/kernel/decimal.ts";

const PIXELS = { start: 100, end: 300 };
const VOLUME = {
  label: "",
  pieces: [
    { from: decimal("0"), to: decimal("10"), start: decimal("0"), end: decimal("20") },
    { from: decimal("10"), to: decimal("20"), start: decimal("15"), end: decimal("25") },
  ],
  points: [
    { quantity: decimal("0"), total: decimal("0") },
    { quantity: decimal("10"), total: decimal("20") },
    { quantity: decimal("20"), total: decimal("25") },
  ],
};

function chart(): string {
  return priceChart({ title: "A & B", currency: "EUR", curves: [VOLUME], from: decimal("0"), to: decimal("20") });
}

it("gives ticks that people count in, exactly", () => {
  const ticks = (from: string, to: string): string =>
    fixedAxis({ from: decimal(from), to: decimal(to) }, PIXELS, 5)
      .ticks.map(decimalText)
      .join(" ");
  expect(ticks("0", "0.0000013")).toBe("0 0.0000005 0.000001");
  expect(ticks("3", "47")).toBe("10 20 30 40");
  expect(amountAxis([decimal("103")], PIXELS, 5).ticks.map(decimalText)).toEqual(["0", "25", "50", "75", "100", "125"]);
  expect(amountAxis([decimal("0")], PIXELS, 4).ticks.map(decimalText)).toEqual(["0", "1", "2", "3", "4"]);
  expect(amountAxis([decimal("-5"), decimal("10")], PIXELS, 5).ticks.map(decimalText)[0]).toBe("-5");
});

it("gives equal ratios equal distances, between powers of ten", () => {
  const axis = logAxis([decimal("0.2"), decimal("70")], PIXELS);
  expect(axis.ticks.map(decimalText)).toEqual(["0.1", "1", "10", "100"]);
  expect(["0.1", "1", "100"].map((value) => Math.round(axis.at(decimal(value))))).toEqual([100, 167, 300]);
  expect(logAxis([decimal("10")], PIXELS).ticks.map(decimalText)).toEqual(["10", "100"]);
});

it("labels large and small values so that they can be read", () => {
  expect(["1234567.5", "1000", "0.0000015", "-25000"].map((value) => labelOf(decimal(value)))).toEqual([
    "1,234,567.5",
    "1,000",
    "0.0000015",
    "-25,000",
  ]);
});

// Guarantee: a jump is never drawn as a slope: what is charged is filled, what is only approached is open.
it("draws what is charged at a jump filled, and what is approached open", () => {
  const svg = chart();
  expect(svg).toContain("<title>at 10: 20 EUR</title>");
  expect(svg).toContain("<title>approached at 10: 15 EUR</title>");
  expect(svg).toContain("<title>at 10: 2 EUR per unit</title>");
  expect(svg).toContain("<title>approached at 10: 1.5 EUR per unit</title>");
  expect(svg.match(/class="jump/g)).toHaveLength(2);
});

it("stands alone, in both themes, with the same bytes each time", () => {
  expect(chart()).toBe(chart());
  expect(chart()).toContain("prefers-color-scheme:dark");
  expect(chart()).toContain("A &amp; B");
  expect(chart()).not.toMatch(/href|NaN|undefined|Infinity/);
});
