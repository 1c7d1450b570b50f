/** The chart of a price: above the total, below it the price per unit, over the same quantities. An SVG that needs nothing else. */
import type { CurvePiece, PriceCurve } from "../domain/price-curve.ts";
import { decimal, roundTo, type Decimal } from "../kernel/decimal.ts";
import { amountAxis, fixedAxis, labelOf, type Axis } from "./axis.ts";
import { CHART_STYLE, COLOURS } from "./chart-style.ts";
import { bendsAt, curveMarks, differ, jumpsAt, type Measure } from "./curve-marks.ts";
import { element, linePath, text } from "./svg.ts";

export type PriceChartInput = {
  readonly title: string;
  readonly currency: string;
  /** At least one, all of the same range. */
  readonly curves: readonly PriceCurve[];
  readonly from: Decimal;
  readonly to: Decimal;
};

const WIDTH = 760;
const HEIGHT = 616;
const LEFT = 104;
const RIGHT = WIDTH - 32;
const PANELS = { total: { top: 118, bottom: 342 }, unit: { top: 392, bottom: 552 } } as const;
const X_TICKS = 6;
const TOTAL_TICKS = 5;
const UNIT_TICKS = 4;
const LABEL_GAP = 8;
/** Labels of bounds nearer to each other than this would lie over each other. */
const BOUND_LABEL_PIXELS = 64;
const BOUNDS_MAX = 40;
const BOUND_LABEL_PLACES = 4;
/** A fee by unit of next to nothing has no end: the lower panel shows what comes after this share of the range. */
const UNIT_SHOWN_FROM = decimal("0.08");

const TOTAL: Measure = { value: (total) => total, isStraight: () => true };
const PER_UNIT: Measure = {
  value: (total, quantity) => (quantity.isZero() ? undefined : total.div(quantity)),
  isStraight: ({ from, to, start, end }) => !differ(start.times(to), end.times(from)),
};

export function priceChart(input: PriceChartInput): string {
  const { curves, currency, from, to } = input;
  const x = fixedAxis({ from, to }, { start: LEFT, end: RIGHT }, X_TICKS);
  const total = PANELS.total;
  const unit = PANELS.unit;
  const totalAxis = amountAxis(totalsOf(curves), { start: total.bottom, end: total.top }, TOTAL_TICKS);
  const unitAxis = amountAxis(unitPricesOf(input), { start: unit.bottom, end: unit.top }, UNIT_TICKS);
  const children = [
    element("style", {}, [CHART_STYLE]),
    element("rect", { class: "page", width: WIDTH, height: HEIGHT, rx: 8 }),
    text({ class: "title", x: LEFT, y: 32 }, input.title),
    ...legend(curves),
    ...panel({ input, name: "total", measure: TOTAL, x, y: totalAxis, heading: `Total, ${currency}`, unit: currency }),
    ...panel({
      input,
      name: "unit",
      measure: PER_UNIT,
      x,
      y: unitAxis,
      heading: `Per unit, ${currency}`,
      unit: `${currency} per unit`,
    }),
    ...x.ticks.map((tick) => text({ class: "tick middle", x: x.at(tick), y: unit.bottom + 20 }, labelOf(tick))),
    text({ class: "name middle", x: (LEFT + RIGHT) / 2, y: unit.bottom + 46 }, "Quantity"),
  ];
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    width: WIDTH,
    height: HEIGHT,
    role: "img",
  };
  const described = element("title", {}, [input.title]);
  return `${element(
    "svg",
    attributes,
    [described, ...children].map((child) => `\n${child}`),
  ).replace("</svg>", "\n</svg>")}\n`;
}

type PanelInput = {
  readonly input: PriceChartInput;
  readonly name: keyof typeof PANELS;
  readonly measure: Measure;
  readonly x: Axis;
  readonly y: Axis;
  readonly heading: string;
  readonly unit: string;
};

function panel({ input, name, measure, x, y, heading, unit }: PanelInput): readonly string[] {
  const { top, bottom } = PANELS[name];
  const clip = element("clipPath", { id: name }, [
    element("rect", { x: LEFT - 6, y: top - 6, width: RIGHT - LEFT + 12, height: bottom - top + 12 }),
  ]);
  const grid = y.ticks.flatMap((tick) => [
    element("path", {
      class: tick.isZero() ? "base" : "grid",
      d: linePath([
        [LEFT, y.at(tick)],
        [RIGHT, y.at(tick)],
      ]),
    }),
    text({ class: "tick end", x: LEFT - LABEL_GAP, y: y.at(tick) + 4 }, labelOf(tick)),
  ]);
  const marks = input.curves.flatMap((curve, index) =>
    curveMarks({ curve, measure, x, y, unit, colour: colourOf(index) }),
  );
  return [
    clip,
    text({ class: "name", x: LEFT, y: top - (name === "total" ? 34 : 14) }, heading),
    ...grid,
    ...boundLines({ curves: input.curves, x, top, bottom, labelled: name === "total" }),
    element("g", { "clip-path": `url(#${name})` }, marks),
  ];
}

type BoundLinesInput = {
  readonly curves: readonly PriceCurve[];
  readonly x: Axis;
  readonly top: number;
  readonly bottom: number;
  readonly labelled: boolean;
};

/** A thin line at each bound of the price, with its quantity where there is room. */
function boundLines({ curves, x, top, bottom, labelled }: BoundLinesInput): readonly string[] {
  const [curve] = curves;
  if (curve === undefined || curves.length > 1) return [];
  const inner = curve.points.slice(1, -1).filter((_, index) => jumpsAt(curve, index + 1) || bendsAt(curve, index + 1));
  if (inner.length > BOUNDS_MAX) return [];
  const bounds = inner.map((point) => point.quantity);
  let labelEnd = Number.NEGATIVE_INFINITY;
  return bounds.flatMap((bound) => {
    const at = x.at(bound);
    const line = element("path", {
      class: "bound",
      d: linePath([
        [at, top],
        [at, bottom],
      ]),
    });
    if (!labelled || at - labelEnd < BOUND_LABEL_PIXELS) return [line];
    labelEnd = at;
    return [line, text({ class: "tick middle", x: at, y: top - 10 }, boundLabel(bound))];
  });
}

function legend(curves: readonly PriceCurve[]): readonly string[] {
  const y = 56;
  if (curves.length === 1 && !curves.some((curve) => curve.points.some((_, index) => jumpsAt(curve, index)))) return [];
  if (curves.length === 1) {
    return [
      element("circle", { class: `point ${colourOf(0)}`, cx: LEFT + 4, cy: y - 4, r: 4 }),
      text({ class: "note", x: LEFT + 16, y }, "charged at this quantity"),
      element("circle", { class: `open ${colourOf(0)}`, cx: LEFT + 200, cy: y - 4, r: 4 }),
      text({ class: "note", x: LEFT + 212, y }, "approached, but not charged"),
    ];
  }
  const width = (RIGHT - LEFT) / curves.length;
  return curves.flatMap(({ label }, index) => [
    element("path", {
      class: `line ${colourOf(index)}`,
      d: linePath([
        [LEFT + width * index, y - 4],
        [LEFT + width * index + 16, y - 4],
      ]),
    }),
    text({ class: "note", x: LEFT + width * index + 22, y }, label),
  ]);
}

/** Where a bound does not end, or is too long to be read, the sign says that it is cut. */
function boundLabel(bound: Decimal): string {
  const short = roundTo(bound, BOUND_LABEL_PLACES, "half_up");
  return short.eq(bound) ? labelOf(bound) : `≈ ${labelOf(short)}`;
}

function totalsOf(curves: readonly PriceCurve[]): readonly Decimal[] {
  return curves.flatMap(({ pieces, points }) => [
    ...points.map((point) => point.total),
    ...pieces.flatMap((piece) => [piece.start, piece.end]),
  ]);
}

/** At all bounds that lie far enough from nothing, and where the shown part begins. */
function unitPricesOf({ curves, from, to }: PriceChartInput): readonly Decimal[] {
  const shownFrom = from.isZero() ? to.times(UNIT_SHOWN_FROM) : from;
  const shown = (total: Decimal, quantity: Decimal): readonly Decimal[] =>
    quantity.gte(shownFrom) ? [total.div(quantity)] : [];
  return curves.flatMap(({ pieces, points }) => [
    ...points.flatMap((point) => shown(point.total, point.quantity)),
    ...pieces.flatMap((piece) => [...shown(piece.start, piece.from), ...shown(piece.end, piece.to)]),
    ...pieces
      .filter((piece) => piece.from.lte(shownFrom) && piece.to.gte(shownFrom))
      .map((piece) => totalIn(piece, shownFrom).div(shownFrom)),
  ]);
}

function totalIn({ from, to, start, end }: CurvePiece, quantity: Decimal): Decimal {
  return start.plus(end.minus(start).times(quantity.minus(from)).div(to.minus(from)));
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length] ?? "one";
}
