/** Free units that roll over, on the line of their price: what it may use, and what it says is left of them. */
import type { Price } from "../../domain/price.ts";
import type { RatingInput } from "../../domain/rated-line.ts";
import { present } from "../../kernel/assert.ts";
import { decimal, type Decimal } from "../../kernel/decimal.ts";
import type { BreakdownStep } from "../../rating/breakdown.ts";
import { freeUnitsOf, freeUnitsStep, leftOver, leftOverStep, type FreeUnits } from "../../rating/rollover.ts";
import { withFreeUnits } from "../../rating/shared-allowance.ts";
import type { RatingTask } from "./rating-plan.ts";
import type { TaskRollover } from "./task-rollover.ts";

/** The task's price with all free units that it may use. */
export function priceWithRolledIn({ price: { price }, rollover }: RatingTask): Price {
  return rollover === undefined ? price : withFreeUnits(price, freeUnitsOf(unitsOf(rollover)));
}

export type ToldRollover = {
  readonly breakdown: readonly BreakdownStep[];
  readonly input: Pick<RatingInput, "rollover">;
};

/** Completes the breakdown of the charge of a task's whole chain so far. */
export function tellRollover({ rollover }: RatingTask, breakdown: readonly BreakdownStep[]): ToldRollover {
  if (rollover === undefined) return { breakdown, input: {} };
  const units = unitsOf(rollover);
  const { rolledIn, awaits } = rollover;
  const used = unitsUsed(breakdown);
  const told = { rolledIn, ...(awaits !== undefined && { awaits }) };
  const before = freeUnitsStep(units);
  if (!rollover.ends) return { breakdown: [before, ...breakdown], input: { rollover: told } };
  const discounted = breakdown.findIndex(({ kind }) => kind === "usage_discount");
  return {
    breakdown: [before, ...breakdown.toSpliced(discounted + 1, 0, leftOverStep(units, used))],
    input: { rollover: { ...told, left: leftOver(units, used) } },
  };
}

function unitsOf({ terms, freeUnits, granted, rolledIn, awaits }: TaskRollover): FreeUnits {
  const own = { granted, quantity: freeUnits };
  return { rollover: terms, own, rolledIn, ...(awaits !== undefined && { awaits }) };
}

/** As many as were charged for not at all. */
function unitsUsed(breakdown: readonly BreakdownStep[]): Decimal {
  const step = present(
    breakdown.find(({ kind }) => kind === "usage_discount"),
    "the step of the free units",
  );
  const { before, after } = step as Extract<BreakdownStep, { readonly kind: "usage_discount" }>;
  return decimal(before).minus(decimal(after));
}
