/** What every price model is to the engine: it takes quantities one after the other, in bounded memory, and states its charge. */
import { ZERO, type Decimal } from "../kernel/decimal.ts";
import type { BreakdownStep } from "./breakdown.ts";
import { quantityOf, type Usage } from "./usage.ts";

export type Charge = {
  /** Exact. */
  readonly amount: Decimal;
  readonly steps: readonly BreakdownStep[];
};

/** Made fresh for each calculation. */
export type PriceRater = {
  /** The quantities that the model charges one by one: a total, single events, or one per cell. */
  readonly portions: (usage: Usage) => Iterable<Decimal>;
  /** Takes the next portion, after the quantity modifiers. */
  readonly add: (portion: Decimal) => void;
  readonly charge: () => Charge;
};

/** A rater for the models that depend on the total quantity alone. */
export function totalRater(chargeTotal: (quantity: Decimal) => Charge): PriceRater {
  let total: Decimal = ZERO;
  return {
    portions: (usage) => [quantityOf(usage)],
    add: (portion) => {
      total = total.plus(portion);
    },
    charge: () => chargeTotal(total),
  };
}
