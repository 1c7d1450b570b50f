/** What a changed catalog does to each customer, and to the revenue of each currency. Amounts are exact; only a percentage is rounded for reading. */
import { ZERO, decimal, decimalText, divide, sumDecimals, type Decimal } from "../../kernel/decimal.ts";

/** One customer in one currency. */
export type CustomerEffect = {
  readonly customer: string;
  readonly currency: string;
  readonly before: Decimal;
  readonly after: Decimal;
};

export type ShownEffect = {
  readonly old: string;
  readonly new: string;
  readonly difference: string;
  /** Of the old amount, half up at two places; null where that was not above 0. */
  readonly percent: string | null;
};

export type CurrencyEffect = ShownEffect & {
  readonly currency: string;
  readonly customers: number;
  readonly changed: number;
};

const HUNDRED = decimal("100");
const PERCENT_PLACES = 2;

export function shownEffect({ before, after }: Pick<CustomerEffect, "before" | "after">): ShownEffect {
  const difference = after.minus(before);
  const percent = before.gt(ZERO)
    ? divide({ dividend: difference.times(HUNDRED), divisor: before, places: PERCENT_PLACES, mode: "half_up" })
    : null;
  return {
    old: decimalText(before),
    new: decimalText(after),
    difference: decimalText(difference),
    percent: percent === null ? (difference.isZero() ? "0" : null) : decimalText(percent),
  };
}

/** Largest shocks first: what rises from nothing, then by the share of the change up or down, then by the amount, then by name. */
export function byShock(a: CustomerEffect, b: CustomerEffect): number {
  const [shockOfA, shockOfB] = [shockOf(a), shockOf(b)];
  if (shockOfA === null && shockOfB !== null) return -1;
  if (shockOfB === null && shockOfA !== null) return 1;
  if (shockOfA !== null && shockOfB !== null) {
    // a / b is compared by multiplying: a quotient would have to be rounded.
    const shares = shockOfB.times(a.before).comparedTo(shockOfA.times(b.before));
    if (shares !== 0) return shares;
  }
  const amounts = differenceOf(b).abs().comparedTo(differenceOf(a).abs());
  if (amounts !== 0) return amounts;
  return nameOf(a) < nameOf(b) ? -1 : 1;
}

/** True if the new amount is above the old one by more than the limit in percent; from 0 every increase is. */
export function exceeds({ before, after }: CustomerEffect, maxIncrease: Decimal): boolean {
  if (after.lte(before)) return false;
  return before.lte(ZERO) || after.times(HUNDRED).gt(before.times(HUNDRED.plus(maxIncrease)));
}

export function currencyEffects(effects: readonly CustomerEffect[]): readonly CurrencyEffect[] {
  const byCurrency = Map.groupBy(effects, (effect) => effect.currency);
  return [...byCurrency.keys()].sort().map((currency) => {
    const own = byCurrency.get(currency) ?? [];
    const before = sumDecimals(own.map((effect) => effect.before));
    const after = sumDecimals(own.map((effect) => effect.after));
    const changed = own.filter((effect) => !effect.before.eq(effect.after)).length;
    return { currency, customers: own.length, changed, ...shownEffect({ before, after }) };
  });
}

/** The size of the change; null from nothing to something, 0 where nothing changes. */
function shockOf(effect: CustomerEffect): Decimal | null {
  const difference = differenceOf(effect);
  if (difference.isZero()) return ZERO;
  return effect.before.gt(ZERO) ? difference.abs() : null;
}

function differenceOf({ before, after }: CustomerEffect): Decimal {
  return after.minus(before);
}

function nameOf({ customer, currency }: CustomerEffect): string {
  return `${customer} ${currency}`;
}
