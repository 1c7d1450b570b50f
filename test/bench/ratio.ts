/** A over B: the ratio of the medians, and between which values it lay in single rounds, because a machine is never twice the same. */
import type { Bound, Ratio } from "./benchmark.ts";
import { median } from "./median.ts";

export type RatioInput = {
  readonly name: string;
  readonly of: readonly number[];
  readonly to: readonly number[];
  readonly target?: Bound;
  readonly aim?: Bound;
};

export function ratioOf({ name, of, to, target, aim }: RatioInput): Ratio {
  const single = of.map((value, round) => value / (to[round] ?? Number.NaN));
  return {
    name,
    value: median(of) / median(to),
    lowest: Math.min(...single),
    highest: Math.max(...single),
    target: target ?? null,
    aim: aim ?? null,
  };
}

/** Of something that is measured once, or is compared with a fixed number. */
export function plainRatio(input: Omit<RatioInput, "of" | "to"> & { readonly value: number }): Ratio {
  return ratioOf({ ...input, of: [input.value], to: [1] });
}

export function isWithin(value: number, bound: Bound | null): boolean {
  if (bound === null) return true;
  return "atLeast" in bound ? value >= bound.atLeast : value <= bound.atMost;
}
