/** How far a plot reaches when nobody says it: beyond all bounds of the price, so that each of its tiers, steps and limits is to be seen. */
import type { Price } from "../../domain/price.ts";
import { Decimal, ZERO, decimal, maxDecimal, roundTo } from "../../kernel/decimal.ts";
import { amountBounds, quotient, tellingQuantities } from "./price-breakpoints.ts";
import { priceCurves, withoutAmountModifiers } from "./price-curve.ts";

export type PlotRangeInput = { readonly price: Price; readonly currency: string };

/** How much of the range lies behind the last bound. */
const BEYOND = decimal("1.25");
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

/** Far enough for the limits on the amount as well, where the last piece rises towards them. */
function reaching({ price, currency, end }: PlotRangeInput & { readonly end: Decimal }): Decimal {
  const plain = withoutAmountModifiers(price);
  const last = priceCurves({ price: plain, currency, from: ZERO, to: end })[0]?.pieces.at(-1);
  if (last === undefined || last.end.lte(last.start)) return end;
  const width = last.to.minus(last.from);
  const reached = amountBounds(price).map((amount) =>
    last.from.plus(quotient(amount.minus(last.start).times(width), last.end.minus(last.start))),
  );
  return reached.map((quantity) => quantity.times(BEYOND)).reduce(maxDecimal, end);
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
