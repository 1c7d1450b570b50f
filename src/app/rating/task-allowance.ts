/**
 * The free units that a price shares with others of its contract. They are used up in the order in which the prices are named, and counted like
 * the usage of the price that takes them: over its chain. What the prices before it have used is measured by queries of its own, so that every
 * price is still rated without the lines of another.
 */
import { measureText, type Measure } from "../../domain/meter.ts";
import { effectiveTerms, type Allowance } from "../../domain/contract-terms.ts";
import type { Price } from "../../domain/price.ts";
import type { ContractPart } from "./contract-parts.ts";
import type { RatingTask } from "./rating-plan.ts";
import { addsUp, shapeOf } from "./usage-shape.ts";

export type TaskAllowance = {
  readonly terms: Allowance;
  /** Of the prices named before this one, in that order. */
  readonly earlier: readonly RatingTask[];
};

/** All tasks are of this part. */
export function withAllowances(tasks: readonly RatingTask[], part: ContractPart): readonly RatingTask[] {
  const { allowances = [] } = effectiveTerms(part.rateCard.definition, part.contract.definition);
  return tasks.map((task) => {
    const terms = allowances.find(({ prices }) => prices.includes(task.price.key));
    if (terms === undefined || task.metered === undefined) return task;
    const before = terms.prices.slice(0, terms.prices.indexOf(task.price.key));
    const earlier = before.flatMap((key) => tasks.filter(({ price }) => price.key === key));
    return { ...task, allowance: { terms, earlier } };
  });
}

/** An apply refuses it; a run must not leave free units out in silence. */
export function allowanceProblem({ part, price, metered, allowance }: RatingTask): string | null {
  const why = allowance === undefined ? null : whyNoAllowance(price.price, metered);
  if (why === null) return null;
  const { key, version } = part.contract;
  return `contract ${key} version ${String(version)}, price ${price.key}: it can't share free units: ${why}`;
}

/** Why a price can't share free units; null if it can. */
export function whyNoAllowance(price: Price, measure: Measure | undefined): string | null {
  if (price.model === "flat") return "a flat price has no usage";
  if (shapeOf(price) !== "total") return `${price.model} looks at ${shapeOf(price)}, not at one quantity`;
  if (measure !== undefined && !addsUp(measure)) return `usage by ${measureText(measure)} does not add up`;
  const modifier = price.usageDiscount !== undefined ? "usageDiscount" : "unitConversion";
  return price[modifier] === undefined ? null : `it has ${modifier}; take that out, so that its units are the meter's`;
}
