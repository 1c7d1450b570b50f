/**
 * Costs beside a size, both by their logarithm and each cost as a multiple of what it was at the smallest size, so that all units fit into one picture: a cost that grows with
 * the size runs parallel to the diagonal, one that does not grow is level.
 */
import { labelOf, logAxis, type Axis } from "../../src/chart/axis.ts";
import { CHART_STYLE, COLOURS } from "../../src/chart/chart-style.ts";
import { element, linePath, text, title } from "../../src/chart/svg.ts";
import { decimal } from "../../src/kernel/decimal.ts";
import { costNamed, type Growth } from "./growth.ts";
import { shown } from "./interleave.ts";
import { median } from "./median.ts";

export type GrowthChartInput = {
  readonly title: string;
  readonly growth: Growth;
  /** Of the costs that are drawn: as many as there are colours. */
  readonly names: readonly string[];
};

const WIDTH = 760;
const LEFT = 104;
const RIGHT = WIDTH - 48;
const LEGEND_TOP = 60;
const LEGEND_LINE = 20;
const PANEL_HEIGHT = 300;
const BELOW = 64;
const POINT_RADIUS = 4;

export function growthChart(input: GrowthChartInput): string {
  const { growth } = input;
  const names = input.names.slice(0, COLOURS.length);
  const top = LEGEND_TOP + (names.length + 1) * LEGEND_LINE + 24;
  const bottom = top + PANEL_HEIGHT;
  const height = bottom + BELOW;
  const lines = names.map((name) => multiplesOf(growth, name));
  const sizes = growth.points.map(({ size }) => size);
  const [least = 1] = sizes;
  const diagonal = sizes.map((size) => size / least);
  const x = logAxis(sizes.map(toDecimal), { start: LEFT, end: RIGHT });
  const y = logAxis([...lines.flat(), ...diagonal].map(toDecimal), { start: bottom, end: top });
  const grid = [
    ...y.ticks.flatMap((tick) => [
      element("path", {
        class: "grid",
        d: linePath([
          [LEFT, y.at(tick)],
          [RIGHT, y.at(tick)],
        ]),
      }),
      text({ class: "tick end", x: LEFT - 8, y: y.at(tick) + 4 }, `× ${labelOf(tick)}`),
    ]),
    ...x.ticks.map((tick) => text({ class: "tick middle", x: x.at(tick), y: bottom + 20 }, labelOf(tick))),
  ];
  const curves = names.flatMap((name, index) =>
    curve({ name, growth, multiples: lines[index] ?? [], colour: COLOURS[index] ?? "", x, y }),
  );
  const children = [
    element("title", {}, [input.title]),
    element("style", {}, [CHART_STYLE]),
    element("rect", { class: "page", width: WIDTH, height, rx: 8 }),
    text({ class: "title", x: LEFT, y: 32 }, input.title),
    ...names.flatMap((name, index) => legend({ name, line: index, className: `line ${COLOURS[index] ?? ""}` })),
    ...legend({ name: "as the size itself", line: names.length, className: "bound" }),
    ...grid,
    element("path", { class: "bound", d: linePath(placed({ sizes, multiples: diagonal, x, y })) }),
    ...curves,
    text({ class: "name middle", x: (LEFT + RIGHT) / 2, y: bottom + 46 }, growth.axis),
  ];
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    viewBox: `0 0 ${WIDTH} ${height}`,
    width: WIDTH,
    height,
    role: "img",
  };
  return `${element(
    "svg",
    attributes,
    children.map((child) => `\n${child}`),
  ).replace("</svg>", "\n</svg>")}\n`;
}

function multiplesOf(growth: Growth, name: string): readonly number[] {
  const costs = growth.points.map((point) => median(costNamed(point, name).values));
  return costs.map((cost) => cost / (costs[0] ?? cost));
}

type Placed = {
  readonly sizes: readonly number[];
  readonly multiples: readonly number[];
  readonly x: Axis;
  readonly y: Axis;
};

function placed({ sizes, multiples, x, y }: Placed): readonly (readonly [number, number])[] {
  return sizes.map((size, index) => [x.at(toDecimal(size)), y.at(toDecimal(multiples[index] ?? 1))]);
}

type CurveInput = {
  readonly name: string;
  readonly growth: Growth;
  readonly multiples: readonly number[];
  readonly colour: string;
  readonly x: Axis;
  readonly y: Axis;
};

function curve({ name, growth, multiples, colour, x, y }: CurveInput): readonly string[] {
  const points = placed({ sizes: growth.points.map(({ size }) => size), multiples, x, y });
  const dots = points.map(([cx, cy], index) => {
    const point = growth.points[index];
    const cost = point === undefined ? undefined : costNamed(point, name);
    const told = `${name} at ${shown(point?.size ?? 0)}: ${shown(median(cost?.values ?? []))} ${cost?.unit ?? ""}`;
    return element("circle", { class: `point ${colour}`, cx, cy, r: POINT_RADIUS }, [title(told)]);
  });
  return [element("path", { class: `line ${colour}`, d: linePath(points) }), ...dots];
}

function legend(entry: {
  readonly name: string;
  readonly line: number;
  readonly className: string;
}): readonly string[] {
  const y = LEGEND_TOP + entry.line * LEGEND_LINE;
  return [
    element("path", {
      class: entry.className,
      d: linePath([
        [LEFT, y - 4],
        [LEFT + 16, y - 4],
      ]),
    }),
    text({ class: "note", x: LEFT + 24, y }, entry.name),
  ];
}

function toDecimal(value: number) {
  return decimal(value.toPrecision(6).includes("e") ? value.toFixed(12) : value.toPrecision(6));
}
