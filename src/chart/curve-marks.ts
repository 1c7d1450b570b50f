/**
 * One curve in one panel: its lines, and its points. Where it jumps, a filled point stands at what is charged and open points at what is only
 * approached, with a dashed line between them; where it only bends there is a small point.
 */
import type { CurvePiece, PriceCurve } from "../domain/price-curve.ts";
import { decimal, maxDecimal, type Decimal } from "../kernel/decimal.ts";
import { labelOf, type Axis } from "./axis.ts";
import { element, linePath, title } from "./svg.ts";

/** What is drawn of a curve: the total itself, or the total by unit. Undefined where there is none, as by unit of nothing. */
export type Measure = {
  readonly value: (total: Decimal, quantity: Decimal) => Decimal | undefined;
  /** True if it is a straight line over the piece. */
  readonly isStraight: (piece: CurvePiece) => boolean;
};

export type CurveMarksInput = {
  readonly curve: PriceCurve;
  readonly measure: Measure;
  readonly x: Axis;
  readonly y: Axis;
  /** Class of the curve's colour. */
  readonly colour: string;
  /** Behind a value in what a pointer is told. */
  readonly unit: string;
};

const SAMPLE_PIXELS = 2;
const POINT_RADIUS = 4;
const BEND_RADIUS = 3;
/** Points that stand close together get smaller, and below the least radius there are none: their jumps are lines still. */
const GAP_PER_RADIUS = 3;
const RADIUS_MIN = 1.5;
/** A jump or a bend of a smaller share comes from an endless quotient, not from the price. */
const NOTHING = decimal("0.000000000001");

export function curveMarks(input: CurveMarksInput): readonly string[] {
  const lines = input.curve.pieces.map((piece) =>
    element("path", { class: `line ${input.colour}`, d: linePath(pieceLine(input, piece)) }),
  );
  return [...lines, ...input.curve.points.flatMap((_, index) => pointMarks(input, index))];
}

function pieceLine({ measure, x, y }: CurveMarksInput, piece: CurvePiece): readonly (readonly [number, number])[] {
  const straight = measure.isStraight(piece);
  const samples = straight ? 1 : Math.max(1, Math.ceil((x.at(piece.to) - x.at(piece.from)) / SAMPLE_PIXELS));
  const length = piece.to.minus(piece.from);
  const rise = piece.end.minus(piece.start);
  return Array.from({ length: samples + 1 }, (_, index) => {
    const share = decimal(String(index)).div(samples);
    const quantity = piece.from.plus(length.times(share));
    // The same for each unit is the same for the first one.
    const value =
      measure.value(piece.start.plus(rise.times(share)), quantity) ??
      (straight ? measure.value(piece.end, piece.to) : undefined);
    // By unit of nothing a fee is beyond every amount: its line comes in from above.
    return value === undefined ? undefined : ([x.at(quantity), Math.max(y.at(value), -1)] as const);
  }).filter((point) => point !== undefined);
}

function pointMarks(input: CurveMarksInput, index: number): readonly string[] {
  const { curve, x, y, colour } = input;
  const point = curve.points[index];
  if (point === undefined) return [];
  const { quantity } = point;
  const here = valueAt(input, point.total, quantity);
  const before = valueAt(input, curve.pieces[index - 1]?.end, quantity);
  const after = valueAt(input, curve.pieces[index]?.start, quantity);
  const approached = [before, after].filter(
    (value) => value !== undefined && here !== undefined && differ(value, here),
  ) as Decimal[];
  if (here === undefined) return [];
  const room = roomAround(input, index) / GAP_PER_RADIUS;
  if (approached.length === 0)
    return bendsAt(curve, index) ? [dot(input, { quantity, value: here, radius: Math.min(BEND_RADIUS, room) })] : [];
  const ends = [here, ...approached].toSorted((a, b) => a.comparedTo(b));
  const [lowest, highest] = [ends[0] ?? here, ends.at(-1) ?? here];
  return [
    element("path", {
      class: `jump ${colour}`,
      d: linePath([
        [x.at(quantity), y.at(lowest)],
        [x.at(quantity), Math.max(y.at(highest), -1)],
      ]),
    }),
    ...approached.map((value) => dot(input, { quantity, value, radius: Math.min(POINT_RADIUS, room), open: true })),
    dot(input, { quantity, value: here, radius: Math.min(POINT_RADIUS, room) }),
  ];
}

/** Pixels to the nearer of the neighbouring points. */
function roomAround({ curve, x }: CurveMarksInput, index: number): number {
  const at = (place: number): number | undefined => {
    const point = curve.points[place];
    return point === undefined ? undefined : x.at(point.quantity);
  };
  const here = at(index) ?? 0;
  return Math.min(
    here - (at(index - 1) ?? Number.NEGATIVE_INFINITY),
    (at(index + 1) ?? Number.POSITIVE_INFINITY) - here,
  );
}

type Dot = { readonly quantity: Decimal; readonly value: Decimal; readonly radius: number; readonly open?: boolean };

function dot({ x, y, colour, unit }: CurveMarksInput, { quantity, value, radius, open }: Dot): string {
  const at = { class: `${open === true ? "open" : "point"} ${colour}`, cx: x.at(quantity), cy: y.at(value), r: radius };
  const told = `${open === true ? "approached at" : "at"} ${labelOf(quantity)}: ${labelOf(value)} ${unit}`;
  // What lies above the panel has left it.
  return value.gt(y.to) || radius < RADIUS_MIN ? "" : element("circle", at, [title(told)]);
}

function valueAt({ measure }: CurveMarksInput, total: Decimal | undefined, quantity: Decimal): Decimal | undefined {
  return total === undefined ? undefined : measure.value(total, quantity);
}

/** True where the slope of the total changes. */
export function bendsAt({ pieces }: PriceCurve, index: number): boolean {
  const [before, after] = [pieces[index - 1], pieces[index]];
  if (before === undefined || after === undefined) return false;
  const slope = (piece: CurvePiece): Decimal => piece.end.minus(piece.start).div(piece.to.minus(piece.from));
  return differ(slope(before), slope(after));
}

/** True where what is charged is not what is approached from one of the sides. */
export function jumpsAt({ pieces, points }: PriceCurve, index: number): boolean {
  const total = points[index]?.total;
  const approached = [pieces[index - 1]?.end, pieces[index]?.start];
  return approached.some((limit) => limit !== undefined && total !== undefined && differ(limit, total));
}

export function differ(a: Decimal, b: Decimal): boolean {
  return a.minus(b).abs().gt(maxDecimal(a.abs(), b.abs()).times(NOTHING));
}
