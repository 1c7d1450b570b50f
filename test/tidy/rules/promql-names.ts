/**
 * Names in a PromQL expression that the catalogue does not have: metrics, and labels that none of the expression's metrics carries. No parser of
 * PromQL, only its words; what is grouped by or matched on is a word in front of a matcher or inside of `by (…)`.
 */
import type { MetricDefinition } from "../../../src/telemetry/catalogue/metric-definition.ts";

const METRIC = /\b(?:meterline|process|nodejs)_[a-zA-Z0-9_]+\b/g;
const GROUPING = /\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g;
const MATCHER = /[{,]\s*([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)/g;
const HISTOGRAM_PARTS = ["_bucket", "_sum", "_count"] as const;
/** Labels that Prometheus itself adds. */
const OF_PROMETHEUS = ["job", "instance"];

export function unknownNames(expr: string, catalogue: readonly MetricDefinition[]): readonly string[] {
  const metrics = [...new Set(expr.match(METRIC))];
  if (metrics.length === 0) return ["no metric of Meterline"];
  const found = metrics.map((name) => ({ name, definition: definitionOf(name, catalogue) }));
  const labels = new Set([...OF_PROMETHEUS, ...found.flatMap(({ name, definition }) => labelsOf(name, definition))]);
  return [
    ...found.filter(({ definition }) => definition === undefined).map(({ name }) => `metric ${name}`),
    ...labelsIn(expr)
      .filter((label) => !labels.has(label))
      .map((label) => `label ${label}`),
  ];
}

/** A histogram is only there in its parts, and nothing else has any. */
function definitionOf(name: string, catalogue: readonly MetricDefinition[]): MetricDefinition | undefined {
  return catalogue.find((metric) =>
    metric.kind === "histogram"
      ? HISTOGRAM_PARTS.some((part) => name === `${metric.name}${part}`)
      : name === metric.name,
  );
}

function labelsOf(name: string, definition: MetricDefinition | undefined): readonly string[] {
  const own = Object.keys(definition?.attributes ?? {});
  return name.endsWith("_bucket") ? [...own, "le"] : own;
}

function labelsIn(expr: string): readonly string[] {
  const grouped = [...expr.matchAll(GROUPING)].flatMap(([, list = ""]) => list.split(",").map((label) => label.trim()));
  const matched = [...expr.matchAll(MATCHER)].map(([, label = ""]) => label);
  return [...new Set([...grouped, ...matched])].filter((label) => label !== "");
}
