import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { METRICS } from "../../src/telemetry/catalogue/metric-catalogue.ts";
import type { MetricDefinition } from "../../src/telemetry/catalogue/metric-definition.ts";
import { unknownNames } from "./rules/promql-names.ts";

type Panel = {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string; readonly refId: string }[];
};
type Dashboard = {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
};

const PATH = join(import.meta.dirname, "../../dashboards/meterline.json");
const CATALOGUE: readonly MetricDefinition[] = Object.values(METRICS);
const GRID_COLUMNS = 24;
/** Grafana's own variables. */
const BUILT_IN = ["__rate_interval"];

const dashboard = JSON.parse(readFileSync(PATH, "utf8")) as Dashboard;
const charts = dashboard.panels.filter(({ type }) => type !== "row");
const queries = charts.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const));

/** What PromQL would not let through either: brackets that do not close, and quotes that stay open. */
function isBalanced(expr: string): boolean {
  const bare = expr.replace(/"[^"]*"/g, "");
  const open: string[] = [];
  for (const sign of bare.match(/[()[\]{}"]/g) ?? []) {
    if ("([{".includes(sign)) open.push(sign);
    else if ("([{"[")]}".indexOf(sign)] !== open.pop()) return false;
  }
  return open.length === 0;
}

describe("the dashboard", () => {
  test("has charts, and each of them asks for something", () => {
    expect(charts.length).toBeGreaterThan(20);
    for (const { title, targets } of charts) expect([title, targets?.length ?? 0]).not.toEqual([title, 0]);
  });

  // Guarantee: no chart stays empty because a metric or a label is named otherwise.
  test.each(queries)("%s asks only for what there is: %s", (_title, expr) => {
    expect(unknownNames(expr, CATALOGUE)).toEqual([]);
    expect(isBalanced(expr)).toBe(true);
  });

  test("shows every metric of the catalogue", () => {
    const text = queries.map(([, expr]) => expr).join("\n");
    const missing = CATALOGUE.filter(({ name }) => !new RegExp(`\\b${name}(?:_bucket|_sum|_count)?\\b`).test(text));
    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  test("uses only variables that it has, and fills them from metrics that there are", () => {
    const names = [...dashboard.templating.list.map(({ name }) => name), ...BUILT_IN];
    const used = queries.flatMap(([, expr]) => [...expr.matchAll(/\$\{?(\w+)/g)].map(([, name = ""]) => name));
    expect(used.filter((name) => !names.includes(name))).toEqual([]);
    const definitions = dashboard.templating.list.flatMap(({ definition }) => definition ?? []);
    expect(definitions.length).toBe(2);
    for (const definition of definitions) expect(unknownNames(definition, CATALOGUE)).toEqual([]);
  });

  test("names in a legend only labels that its query keeps", () => {
    for (const { title, targets = [] } of charts) {
      for (const { expr, legendFormat } of targets) {
        const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = ""]) => label);
        const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = ""]) => list.split(", "));
        const lost = shown.filter((label) => grouped.length > 0 && !grouped.includes(label));
        expect([title, expr, lost]).toEqual([title, expr, []]);
      }
    }
  });

  test("has panels with ids of their own that do not lie on each other", () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(GRID_COLUMNS);
      for (const cell of cellsOf(gridPos)) {
        expect([title, taken.get(cell)]).toEqual([title, undefined]);
        taken.set(cell, title);
      }
    }
  });
});

test("the check of brackets finds what does not close", () => {
  expect([isBalanced("sum(a"), isBalanced("sum(a]"), isBalanced('a{b="c}'), isBalanced('a{b="("}[5m]')]).toEqual([
    false,
    false,
    false,
    true,
  ]);
});

function cellsOf({ x, y, w, h }: Panel["gridPos"]): readonly string[] {
  const columns = Array.from({ length: w }, (_, index) => x + index);
  return Array.from({ length: h }, (_, index) => y + index).flatMap((line) =>
    columns.map((column) => `${String(column)}/${String(line)}`),
  );
}
