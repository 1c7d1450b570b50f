/**
 * What proration changes about a task: a flat price is charged by each part's share, which its line says. Of a metered price the amounts that are
 * due per billing period, whatever is used, are those of its chain's share. Quantities (free units, bounds of tiers) and what a tier charges when it
 * is entered go with usage, and stay.
 */
import type { Price } from "../../domain/price.ts";
import { currencyExponent } from "../../kernel/currency.ts";
import { decimal, decimalText } from "../../kernel/decimal.ts";
import { isWhole, prorate, prorationShare, type Proration, type ProrationShare } from "../../kernel/proration.ts";
import type { RatingTask } from "./rating-plan.ts";

/** A pricing unit has no minor unit. */
const UNIT_PLACES = 18;

/** `proration` is that of the terms with which the billing period begins. */
export function prorateTask(task: RatingTask, proration: Proration): RatingTask {
  if (proration === "none") return task;
  const { billing, service, contract } = task.part;
  const share = prorationShare({
    billing,
    part: task.metered?.chain ?? service,
    unit: proration,
    timeZone: contract.definition.timeZone,
  });
  if (isWhole(share)) return task;
  if (task.metered === undefined) return { ...task, prorated: share };
  const { price } = task.price;
  const { minimumAmount, maximumAmount, discount } = price;
  if (minimumAmount === undefined && maximumAmount === undefined && discount?.amount === undefined) return task;
  return { ...task, price: { ...task.price, price: proratedBounds(price, { task, share }) }, prorated: share };
}

function proratedBounds(price: Price, { task, share }: { task: RatingTask; share: ProrationShare }): Price {
  const { currency, rounding: mode } = task.part.contract.definition;
  const places = task.price.unit === undefined ? currencyExponent(currency) : UNIT_PLACES;
  const shareOf = (amount: string): string =>
    decimalText(prorate({ amount: decimal(amount), share, places, mode }).amount);
  const { minimumAmount, maximumAmount, discount } = price;
  return {
    ...price,
    ...(minimumAmount !== undefined && { minimumAmount: shareOf(minimumAmount) }),
    ...(maximumAmount !== undefined && { maximumAmount: shareOf(maximumAmount) }),
    ...(discount?.amount !== undefined && { discount: { amount: shareOf(discount.amount) } }),
  };
}
