/**
 * The total of a price over a range of quantities, as the pricing engine itself charges it. Between two breakpoints the total is a straight line,
 * so three quantities inside give its limits at both ends exactly, also where it jumps there; that the three lie on a line is checked.
 */
import type { CurvePiece, PriceCurve } from "../../domain/price-curve.ts";
import type { Price } from "../../domain/price.ts";
import { assert } from "../../kernel/assert.ts";
import { decimal, decimalText, maxDecimal, type Decimal } from "../../kernel/decimal.ts";
import { AppError } from "../../kernel/errors.ts";
import { ratePrice } from "../../rating/rate-price.ts";
import type { Usage } from "../../rating/usage.ts";
import { amountBounds, quantityBreakpoints, quotient, type PlotRange } from "./price-breakpoints.ts";

export type PriceCurvesInput = PlotRange & { readonly price: Price; readonly currency: string };

/** Of a matrix with more cells the first ones are drawn. */
const CURVES_MAX = 6;
/** An endless quotient of a unit conversion is kept at 18 places: that far three quantities may lie beside their line. */
const STRAIGHT = decimal("0.000000001");
const QUARTER = decimal("0.25");

/** One curve; of a matrix one per cell, as if all of the usage were of that cell. */
export function priceCurves(input: PriceCurvesInput): readonly PriceCurve[] {
  const { price, from, to } = input;
  if (from.isNegative() || to.lte(from)) {
    throw new AppError({
      code: "PLOT_RANGE",
      kind: "invalid",
      message: `from is ${decimalText(from)} and to is ${decimalText(to)}: from must be 0 or more and lie below to`,
    });
  }
  if (price.model !== "matrix") return [curveOf({ ...input, label: "", usageOf: (quantity) => ({ quantity }) })];
  const cells = [
    ...price.cells.map(({ match }) => ({ match, label: matchText(match) })),
    ...(price.otherwise === undefined ? [] : [{ match: {}, label: "otherwise" }]),
  ];
  return cells
    .slice(0, CURVES_MAX)
    .map(({ match, label }) => curveOf({ ...input, label, usageOf: (quantity) => ({ cells: [{ match, quantity }] }) }));
}

type CurveInput = PriceCurvesInput & { readonly label: string; readonly usageOf: (quantity: Decimal) => Usage };
type Total = (quantity: Decimal) => Decimal;

function curveOf(input: CurveInput): PriceCurve {
  const { price, from, to, label } = input;
  const plain = withoutAmountModifiers(price);
  const inner = quantityBreakpoints(price, input);
  const bounds = piecesBetween([from, ...inner, to], totalOf({ ...input, price: plain }));
  const crossings = bounds.flatMap((piece) => amountBounds(price).flatMap((amount) => crossingOf(piece, amount)));
  const total = totalOf(input);
  const pieces = piecesBetween([from, ...inner, ...crossings, to], total);
  const quantities = [from, ...pieces.map((piece) => piece.to)];
  return { label, pieces, points: quantities.map((quantity) => ({ quantity, total: total(quantity) })) };
}

function totalOf({ price, currency, usageOf }: CurveInput): Total {
  return (quantity) => ratePrice({ price, currency, usage: usageOf(quantity) }).amount;
}

function piecesBetween(quantities: readonly Decimal[], total: Total): readonly CurvePiece[] {
  const sorted = quantities
    .toSorted((a, b) => a.comparedTo(b))
    .filter((bound, index, all) => all[index - 1]?.eq(bound) !== true);
  return sorted.slice(1).map((to, index) => pieceOf({ from: sorted[index] ?? to, to, total }));
}

function pieceOf({
  from,
  to,
  total,
}: {
  readonly from: Decimal;
  readonly to: Decimal;
  readonly total: Total;
}): CurvePiece {
  const step = to.minus(from).times(QUARTER);
  const [first, middle, last] = [1, 2, 3].map((quarter) => total(from.plus(step.times(quarter))));
  assert(first !== undefined && middle !== undefined && last !== undefined, "three quantities inside of a piece");
  const beside = first.plus(last).minus(middle.times(2)).abs();
  assert(
    beside.lte(maxDecimal(middle.abs(), decimal("1")).times(STRAIGHT)),
    `the price bends or jumps between ${decimalText(from)} and ${decimalText(to)}, where none of its bounds lies`,
  );
  return { from, to, start: first.times(2).minus(middle), end: last.times(2).minus(middle) };
}

/** Where a piece reaches an amount strictly inside of it. */
function crossingOf({ from, to, start, end }: CurvePiece, amount: Decimal): readonly Decimal[] {
  const rise = end.minus(start);
  if (rise.isZero()) return [];
  const crossing = from.plus(quotient(amount.minus(start).times(to.minus(from)), rise));
  return crossing.gt(from) && crossing.lt(to) ? [crossing] : [];
}

/** The price as far as its total depends on the quantity alone. */
export function withoutAmountModifiers(price: Price): Price {
  const { discount: _discount, maximumAmount: _maximum, minimumAmount: _minimum, ...plain } = price;
  return plain;
}

function matchText(match: Readonly<Record<string, string>>): string {
  return Object.entries(match)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}
