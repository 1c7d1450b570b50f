/**
 * The quantities at which the total of a price may bend or jump, computed from the price's own bounds and never by sampling. What a discount,
 * a maximum or a minimum adds lies at an amount and not at a quantity: those are the `amountBounds`.
 */
import type { Price } from "../../domain/price.ts";
import { ONE, ZERO, decimal, decimalText, divide, maxDecimal, type Decimal } from "../../kernel/decimal.ts";
import { AppError } from "../../kernel/errors.ts";

/** More jumps than this are a grey area in a picture, and no curve. */
const STEPS_MAX = 500;
/** Places of a quantity or amount that does not end: where a rate of 3 % reaches a maximum, for example. */
const ENDLESS_PLACES = 30;

const HUNDRED = decimal("100");
const HALF = decimal("0.5");

export type PlotRange = { readonly from: Decimal; readonly to: Decimal };

/** All of them that lie within the range, in no particular order. */
export function quantityBreakpoints(price: Price, range: PlotRange): readonly Decimal[] {
  const inside = (bound: Decimal): boolean => bound.gt(range.from) && bound.lt(range.to);
  return allBreakpoints(price, range).filter(inside);
}

function allBreakpoints(price: Price, range: PlotRange): readonly Decimal[] {
  const { divideBy, rounding } = conversionOf(price);
  // A quantity in whole units makes steps; between them nothing changes, whatever the model is.
  if (rounding !== undefined) {
    const offset = rounding.startsWith("half") ? HALF : ZERO;
    return stepsOf({ first: offset.times(divideBy), size: divideBy, ...range });
  }
  const { free, kept } = usageDiscountOf(price);
  if (kept.isZero()) return [];
  // A bound of the model as a quantity before the discount of the usage, and before the conversion.
  const asUsed = (bound: Decimal): Decimal => quotient(bound, kept).plus(free).times(divideBy);
  return [free.times(divideBy), ...modelBounds(price).map(asUsed), ...packageBounds(price, { asUsed, ...range })];
}

/** The bounds that a range has to reach beyond in order to show the price whole, as quantities that are used. */
export function tellingQuantities(price: Price): readonly Decimal[] {
  const { divideBy, rounding } = conversionOf(price);
  const { free, kept } = usageDiscountOf(price);
  const bounds = [...modelBounds(price), ...packagesShown(price)];
  const telling = kept.isZero() ? [] : bounds.map((bound) => quotient(bound, kept).plus(free).times(divideBy));
  const units = rounding === undefined ? [] : [divideBy.times(4)];
  return [...telling, ...units, free.times(divideBy).times(2)].filter((quantity) => quantity.gt(ZERO));
}

/** How far from 0 a range can reach with no more steps than can be seen; undefined without steps. A tenth is left for rounding it up. */
export function widestRange(price: Price): Decimal | undefined {
  const { divideBy, rounding } = conversionOf(price);
  const shown = decimal(String(STEPS_MAX * 0.9));
  if (rounding !== undefined) return divideBy.times(shown);
  return price.model === "package" ? decimal(price.packageSize).times(divideBy).times(shown) : undefined;
}

/** Amounts of the model, before its discount, at which one of the modifiers of the amount begins or ends to act. */
export function amountBounds(price: Price): readonly Decimal[] {
  const bounds: Decimal[] = [];
  if (price.discount?.amount !== undefined) bounds.push(decimal(price.discount.amount));
  for (const limit of [price.maximumAmount, price.minimumAmount]) {
    if (limit === undefined) continue;
    const before = beforeDiscount(price, decimal(limit));
    if (before !== undefined) bounds.push(before);
  }
  return bounds;
}

/** Which amount the discount turns into this one; none where it takes everything. */
function beforeDiscount({ discount }: Price, amount: Decimal): Decimal | undefined {
  if (discount?.amount !== undefined) return amount.plus(decimal(discount.amount));
  const kept = HUNDRED.minus(decimal(discount?.percent ?? "0"));
  return kept.isZero() ? undefined : quotient(amount.times(HUNDRED), kept);
}

/** Bounds of the model in the quantity that reaches it. */
function modelBounds(price: Price): readonly Decimal[] {
  switch (price.model) {
    case "graduated":
    case "volume":
    case "graduated_percentage":
      return price.tiers.flatMap((tier) => (tier.upTo === null ? [] : [decimal(tier.upTo)]));
    case "percentage":
      return percentageBounds(price);
    default:
      return [];
  }
}

/** A quantity is one event here: its allowance ends, and its minimum and maximum are reached. */
function percentageBounds(price: Extract<Price, { model: "percentage" }>): readonly Decimal[] {
  const allowance = decimal(price.freeAmount ?? "0");
  const rate = decimal(price.rate);
  const fixed = decimal(price.fixedAmount ?? "0");
  if (rate.isZero()) return [allowance];
  const limits = [price.minPerEvent, price.maxPerEvent].flatMap((limit) =>
    limit === undefined ? [] : [decimal(limit)],
  );
  return [allowance, ...limits.map((limit) => quotient(limit.minus(fixed).times(HUNDRED), rate).plus(allowance))];
}

function packageBounds(
  price: Price,
  { asUsed, ...range }: PlotRange & { readonly asUsed: (bound: Decimal) => Decimal },
): readonly Decimal[] {
  if (price.model !== "package") return [];
  const first = asUsed(freeUnitsOf(price));
  const second = asUsed(freeUnitsOf(price).plus(decimal(price.packageSize)));
  return stepsOf({ first, size: second.minus(first), ...range });
}

/** The end of the fourth package. */
function packagesShown(price: Price): readonly Decimal[] {
  return price.model === "package" ? [freeUnitsOf(price).plus(decimal(price.packageSize).times(4))] : [];
}

function freeUnitsOf(price: Extract<Price, { model: "package" }>): Decimal {
  return decimal(price.freeUnits ?? "0");
}

/** The multiples of a size after a first one, as far as they lie in the range. */
function stepsOf({ first, size, from, to }: PlotRange & { readonly first: Decimal; readonly size: Decimal }) {
  const left = divide({ dividend: maxDecimal(from.minus(first), ZERO), divisor: size, places: 0, mode: "floor" });
  const start = first.plus(left.times(size));
  const widest = start.plus(size.times(STEPS_MAX));
  if (to.gt(widest)) {
    throw new AppError({
      code: "PLOT_TOO_WIDE",
      kind: "invalid",
      message: `to is ${decimalText(to)}: from ${decimalText(from)} up to there the price has more than ${STEPS_MAX} steps; plot up to ${decimalText(widest)} at most`,
    });
  }
  const steps: Decimal[] = [];
  for (let step = start; step.lt(to); step = step.plus(size)) steps.push(step);
  return steps;
}

function conversionOf({ unitConversion }: Price): {
  readonly divideBy: Decimal;
  readonly rounding: string | undefined;
} {
  const { divideBy, rounding } = unitConversion ?? {};
  return {
    divideBy: divideBy === undefined ? ONE : decimal(divideBy),
    rounding: rounding === "none" ? undefined : rounding,
  };
}

function usageDiscountOf({ usageDiscount }: Price): { readonly free: Decimal; readonly kept: Decimal } {
  return {
    free: decimal(usageDiscount?.freeUnits ?? "0"),
    kept: HUNDRED.minus(decimal(usageDiscount?.percent ?? "0")).div(HUNDRED),
  };
}

export function quotient(dividend: Decimal, divisor: Decimal): Decimal {
  return divide({ dividend, divisor, places: ENDLESS_PLACES, mode: "half_up" });
}
