/** How far a plot reaches when nobody says it: beyond all bounds of the price, so that each of its tiers, steps and limits is to be seen. */
import type { Price } from "../../domain/price.ts";
import { Decimal, ZERO, decimal, maxDecimal, minDecimal, roundTo } from "../../kernel/decimal.ts";
import { amountBounds, quotient, tellingQuantities, widestRange } from "./price-breakpoints.ts";
import { priceCurves, withoutAmountModifiers } from "./price-curve.ts";

export type PlotRangeInput = { readonly price: Price; readonly currency: string };

/** How much of the range lies behind the last bound. */
const BEYOND = decimal("1.25");
const HALF = decimal("0.5");
/** Without any bound: the least quantity, and the amount that is worth showing. */
const PLAIN_QUANTITY = decimal("100");
const PLAIN_AMOUNT = decimal("10");
const PLAIN_QUANTITY_MAX = decimal("1000000000000");
const SHOWN_DIGITS = 2;

export function plotEnd({ price, currency }: PlotRangeInput): Decimal {
  const telling = tellingQuantities(price).reduce(maxDecimal, ZERO);
  const end = telling.isZero() ? plainEnd({ price, currency }) : telling.times(BEYOND);
  return roundedUp(reaching({ price, currency, end }));
}

/** Far enough for the limits on the amount as well, if the amount goes on rising as in the second half of the range. */
function reaching({ price, currency, end }: PlotRangeInput & { readonly end: Decimal }): Decimal {
  const middle = end.times(HALF);
  const [curve] = priceCurves({ price: withoutAmountModifiers(price), currency, from: middle, to: end });
  const [first, last] = [curve?.points[0], curve?.points.at(-1)];
  if (first === undefined || last === undefined || last.total.lte(first.total)) return end;
  const rise = last.total.minus(first.total);
  const reached = amountBounds(price).map((amount) =>
    end.plus(quotient(amount.minus(last.total).times(end.minus(middle)), rise)).times(BEYOND),
  );
  const far = reached.reduce(maxDecimal, end);
  const widest = widestRange(price);
  return widest === undefined ? far : minDecimal(far, maxDecimal(end, widest));
}

/** A power of ten at which the price comes to an amount that can be read. */
function plainEnd({ price, currency }: PlotRangeInput): Decimal {
  let end = PLAIN_QUANTITY;
  while (end.lt(PLAIN_QUANTITY_MAX)) {
    const [curve] = priceCurves({ price, currency, from: ZERO, to: end });
    const total = curve?.points.at(-1)?.total ?? ZERO;
    if (price.model === "flat" || total.gte(PLAIN_AMOUNT)) return end;
    end = end.times(10);
  }
  return PLAIN_QUANTITY;
}

function roundedUp(value: Decimal): Decimal {
  const unit = new Decimal(10).pow(value.toFixed(0).length - SHOWN_DIGITS);
  return roundTo(value.div(unit), 0, "up").times(unit);
}
