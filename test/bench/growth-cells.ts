/** A growth as a table: a row per cost, its medians at each size, and the exponents from each size to the next beside that of n log n. */
import { costNamed, growthSteps, type Growth, type GrowthStep } from "./growth.ts";
import { shown } from "./interleave.ts";
import { median } from "./median.ts";
import type { Cells } from "./report.ts";

export function growthCells(growth: Growth): Cells {
  const { axis, points } = growth;
  const names = points[0]?.costs.map(({ name }) => name) ?? [];
  const steps = growthSteps(growth);
  const ofName = (name: string): readonly GrowthStep[] => steps.filter((step) => step.name === name);
  const first = (name: string) => points[0] && costNamed(points[0], name);
  return [
    ["cost", names],
    ["unit", names.map((name) => first(name)?.unit ?? "")],
    ["of", names.map((name) => first(name)?.of ?? "")],
    ...points.map(
      (point) =>
        [`${axis}: ${shown(point.size)}`, names.map((name) => shown(median(costNamed(point, name).values)))] as const,
    ),
    [
      "exponents",
      names.map((name) =>
        ofName(name)
          .map(({ exponent }) => exponent.toFixed(2))
          .join(", "),
      ),
    ],
    [
      "n log n has",
      names.map((name) =>
        ofName(name)
          .map(({ allowed }) => allowed.toFixed(2))
          .join(", "),
      ),
    ],
    ["within", names.map((name) => (ofName(name).every(({ holds }) => holds) ? "yes" : "no"))],
  ];
}
