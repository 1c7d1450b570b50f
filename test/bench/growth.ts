/**
 * How a cost grows with a size. Between two points the exponent is log(cost ratio) ÷ log(size ratio): 0 is a cost that does not grow, 1 one that grows with the
 * size. n log n is no fixed exponent: between the same two points it has the one that is computed here beside it.
 */
import type { Measurement } from "./benchmark.ts";
import { median } from "./median.ts";

/** What a cost belongs to: the whole of the size (a query over all of it), or one event beside so much of it. */
export type CostOf = "all" | "one event";
export type ScaleCost = Measurement & { readonly of: CostOf };
export type ScalePoint = { readonly size: number; readonly costs: readonly ScaleCost[] };
export type Growth = {
  /** "events stored", "customers" … */
  readonly axis: string;
  /** From the smallest to the largest, each with the same costs. */
  readonly points: readonly ScalePoint[];
};

export type GrowthStep = {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly exponent: number;
  /** That of n log n. */
  readonly allowed: number;
  readonly holds: boolean;
};

/** Two measurements of the same thing differ by less than this share of each other, on a machine that has other work. */
const NOISE = 0.1;

export function growthSteps({ points }: Growth): readonly GrowthStep[] {
  const names = points[0]?.costs.map(({ name }) => name) ?? [];
  return names.flatMap((name) =>
    points.slice(1).map((point, index) => growthStep({ name, before: points[index] ?? point, after: point })),
  );
}

type StepInput = { readonly name: string; readonly before: ScalePoint; readonly after: ScalePoint };

function growthStep({ name, before, after }: StepInput): GrowthStep {
  const first = costNamed(before, name);
  const second = costNamed(after, name);
  const distance = Math.log(after.size / before.size);
  const ratio = median(second.values) / median(first.values);
  const logarithms = Math.log(Math.log(after.size) / Math.log(Math.max(before.size, Math.E))) / distance;
  const allowed = (second.of === "all" ? 1 : 0) + Math.max(logarithms, 0);
  const exponent = Math.log(ratio) / distance;
  const holds = exponent <= allowed + Math.log(1 + NOISE) / distance;
  return { name, from: before.size, to: after.size, exponent, allowed, holds };
}

export function costNamed(point: ScalePoint, name: string): ScaleCost {
  const cost = point.costs.find((one) => one.name === name);
  if (cost === undefined) throw new Error(`the point of ${point.size} has no "${name}"`);
  return cost;
}
