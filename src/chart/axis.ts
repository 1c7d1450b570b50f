/** An axis: which values get a tick, and where a value lies on the page. Ticks are exact; only a position is a number. */
import { Decimal, ZERO, divide, roundTo } from "../kernel/decimal.ts";

export type Axis = {
  readonly from: Decimal;
  readonly to: Decimal;
  readonly ticks: readonly Decimal[];
  /** Pixels from the page's left or top edge. */
  readonly at: (value: Decimal) => number;
};

type Pixels = { readonly start: number; readonly end: number };

/** Steps that people count in. */
const STEPS = ["1", "2", "2.5", "5", "10"] as const;

/** From one value to another, exactly. */
export function fixedAxis(
  range: { readonly from: Decimal; readonly to: Decimal },
  pixels: Pixels,
  ticks: number,
): Axis {
  const { from, to } = range;
  const step = stepOf(to.minus(from), ticks);
  const values: Decimal[] = [];
  const first = divide({ dividend: from, divisor: step, places: 0, mode: "ceiling" }).times(step);
  for (let value = first; value.lte(to); value = value.plus(step)) values.push(value);
  return { from, to, ticks: values, at: positionOf({ from, to, pixels }) };
}

/** From 0 (or below, where a value is) up to the first tick that reaches the greatest value. */
export function amountAxis(values: readonly Decimal[], pixels: Pixels, ticks: number): Axis {
  const least = values.reduce((a, b) => (b.lt(a) ? b : a), ZERO);
  const greatest = values.reduce((a, b) => (b.gt(a) ? b : a), ZERO);
  const span = greatest.minus(least);
  const step = stepOf(span.isZero() ? new Decimal(ticks) : span, ticks);
  const whole = (value: Decimal, mode: "floor" | "ceiling"): Decimal => roundTo(value.div(step), 0, mode).times(step);
  const from = whole(least, "floor");
  const to = span.isZero() ? step.times(ticks) : whole(greatest, "ceiling");
  return fixedAxis({ from, to }, pixels, ticks);
}

/** Powers of ten from the one at or below the least of some positive values up to the one at or above the greatest: equal ratios lie equally far apart. */
export function logAxis(values: readonly Decimal[], pixels: Pixels): Axis {
  const exponents = values.flatMap((value) => [Math.floor(logOf(value)), Math.ceil(logOf(value))]);
  const least = Math.min(...exponents);
  const greatest = Math.max(...exponents, least + 1);
  const ticks = Array.from({ length: greatest - least + 1 }, (_, index) => new Decimal(10).pow(least + index));
  const at = (value: Decimal): number =>
    pixels.start + ((logOf(value) - least) / (greatest - least)) * (pixels.end - pixels.start);
  return { from: new Decimal(10).pow(least), to: new Decimal(10).pow(greatest), ticks, at };
}

/** Exact for powers of ten, as it has to be for what lies on a tick. */
function logOf(value: Decimal): number {
  return Math.log10(value.toNumber());
}

/** A value as a label: `1,250,000.5`. */
export function labelOf(value: Decimal): string {
  const [whole = "", fraction] = value.toFixed().split(".");
  const grouped = whole.replace(/\B(?=(?:\d{3})+$)/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

function stepOf(span: Decimal, ticks: number): Decimal {
  const least = span.div(ticks);
  const magnitude = new Decimal(10).pow(least.e);
  const factor = STEPS.find((step) => magnitude.times(step).gte(least)) ?? "10";
  return magnitude.times(factor);
}

function positionOf({ from, to, pixels }: { from: Decimal; to: Decimal; pixels: Pixels }): (value: Decimal) => number {
  const span = to.minus(from);
  return (value) => pixels.start + value.minus(from).div(span).toNumber() * (pixels.end - pixels.start);
}
