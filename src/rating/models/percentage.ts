/**
 * `percentage`: a rate in percent of each event's amount, plus a fixed amount per event, within a minimum and a maximum per event
 * (both count the fixed amount in). The allowance is open until its events or its amount are used up, whichever comes first. An event
 * that lies wholly in it is free of everything; one that exceeds it pays the rate on the excess and the fixed amount in full.
 */
import type { PercentagePrice } from "../../domain/price.ts";
import { ONE, ZERO, decimal, decimalText, maxDecimal, minDecimal, type Decimal } from "../../kernel/decimal.ts";
import type { BreakdownStep } from "../breakdown.ts";
import type { PriceRater } from "../price-rater.ts";
import { amountText, unitsText } from "../text.ts";
import { eventsOf, quantityOf } from "../usage.ts";

const HUNDREDTH = decimal("0.01");

type PercentageTerms = {
  readonly rate: Decimal;
  readonly fixedAmount: Decimal;
  readonly minPerEvent: Decimal | undefined;
  readonly maxPerEvent: Decimal | undefined;
  /** An allowance of zero is none. */
  readonly freeEvents: Decimal | undefined;
  readonly freeAmount: Decimal | undefined;
};

/** Running sums: ten million events need no more memory than one. */
type PercentageSums = {
  paidEvents: Decimal;
  paidQuantity: Decimal;
  freeEvents: Decimal;
  freeQuantity: Decimal;
  raisedEvents: Decimal;
  raisedBy: Decimal;
  loweredEvents: Decimal;
  loweredBy: Decimal;
};

export function percentageRater(price: PercentagePrice, currency: string): PriceRater {
  const terms = termsOf(price);
  const sums: PercentageSums = {
    paidEvents: ZERO,
    paidQuantity: ZERO,
    freeEvents: ZERO,
    freeQuantity: ZERO,
    raisedEvents: ZERO,
    raisedBy: ZERO,
    loweredEvents: ZERO,
    loweredBy: ZERO,
  };
  return {
    portions: (usage) => (ratesSingleEvents(price) ? eventsOf(usage) : [quantityOf(usage)]),
    add: (quantity) => addEvent({ terms, sums, quantity }),
    charge: () => {
      const steps = stepsOf({ terms, sums, currency });
      const rated = sums.paidQuantity.times(terms.rate).times(HUNDREDTH);
      const fixed = sums.paidEvents.times(terms.fixedAmount);
      return { amount: rated.plus(fixed).plus(sums.raisedBy).minus(sums.loweredBy), steps };
    },
  };
}

/** True if the amount depends on the single events, so that totals over windows are not enough to rate it. */
export function ratesSingleEvents(price: PercentagePrice): boolean {
  return [price.fixedAmount, price.freeEvents, price.freeAmount, price.minPerEvent, price.maxPerEvent].some(
    (field) => field !== undefined,
  );
}

function termsOf(price: PercentagePrice): PercentageTerms {
  const allowance = (text: string | undefined): Decimal | undefined =>
    text === undefined || decimal(text).isZero() ? undefined : decimal(text);
  return {
    rate: decimal(price.rate),
    fixedAmount: decimal(price.fixedAmount ?? "0"),
    minPerEvent: price.minPerEvent === undefined ? undefined : decimal(price.minPerEvent),
    maxPerEvent: price.maxPerEvent === undefined ? undefined : decimal(price.maxPerEvent),
    freeEvents: allowance(price.freeEvents),
    freeAmount: allowance(price.freeAmount),
  };
}

function addEvent(input: { terms: PercentageTerms; sums: PercentageSums; quantity: Decimal }): void {
  const { terms, sums, quantity } = input;
  const free = freePartOf(input);
  sums.freeQuantity = sums.freeQuantity.plus(free.quantity);
  if (free.whole) {
    sums.freeEvents = sums.freeEvents.plus(ONE);
    return;
  }
  const paid = quantity.minus(free.quantity);
  sums.paidEvents = sums.paidEvents.plus(ONE);
  sums.paidQuantity = sums.paidQuantity.plus(paid);
  const charge = paid.times(terms.rate).times(HUNDREDTH).plus(terms.fixedAmount);
  if (terms.minPerEvent !== undefined && charge.lt(terms.minPerEvent)) {
    sums.raisedEvents = sums.raisedEvents.plus(ONE);
    sums.raisedBy = sums.raisedBy.plus(terms.minPerEvent.minus(charge));
  }
  if (terms.maxPerEvent !== undefined && charge.gt(terms.maxPerEvent)) {
    sums.loweredEvents = sums.loweredEvents.plus(ONE);
    sums.loweredBy = sums.loweredBy.plus(charge.minus(terms.maxPerEvent));
  }
}

/** How much of the next event the allowance covers, and whether that is all of it. */
function freePartOf(input: { terms: PercentageTerms; sums: PercentageSums; quantity: Decimal }): {
  quantity: Decimal;
  whole: boolean;
} {
  const { terms, sums, quantity } = input;
  if (terms.freeEvents === undefined && terms.freeAmount === undefined) return { quantity: ZERO, whole: false };
  const seen = sums.freeEvents.plus(sums.paidEvents);
  if (terms.freeEvents !== undefined && seen.gte(terms.freeEvents)) return { quantity: ZERO, whole: false };
  if (terms.freeAmount === undefined) return { quantity, whole: true };
  const left = maxDecimal(terms.freeAmount.minus(sums.freeQuantity), ZERO);
  if (left.isZero()) return { quantity: ZERO, whole: false };
  return { quantity: minDecimal(quantity, left), whole: quantity.lte(left) };
}

function stepsOf(input: { terms: PercentageTerms; sums: PercentageSums; currency: string }): readonly BreakdownStep[] {
  const { terms, sums, currency } = input;
  const steps: BreakdownStep[] = [];
  if (terms.freeEvents !== undefined || terms.freeAmount !== undefined) {
    const text = `Free by the allowance: ${decimalText(sums.freeQuantity)}`;
    steps.push({ kind: "allowance", quantity: decimalText(sums.freeQuantity), text });
  }
  const rated = sums.paidQuantity.times(terms.rate).times(HUNDREDTH);
  steps.push({
    kind: "percentage",
    quantity: decimalText(sums.paidQuantity),
    rate: decimalText(terms.rate),
    amount: decimalText(rated),
    text: `${decimalText(terms.rate)} % of ${decimalText(sums.paidQuantity)} = ${amountText(rated, currency)}`,
  });
  if (!terms.fixedAmount.isZero()) {
    const fixed = sums.paidEvents.times(terms.fixedAmount);
    steps.push({
      kind: "per_event",
      events: decimalText(sums.paidEvents),
      fixedAmount: decimalText(terms.fixedAmount),
      amount: decimalText(fixed),
      text: `${unitsText(sums.paidEvents, "event")} at ${amountText(terms.fixedAmount, currency)} each = ${amountText(fixed, currency)}`,
    });
  }
  return [...steps, ...boundSteps(input)];
}

function boundSteps(input: {
  terms: PercentageTerms;
  sums: PercentageSums;
  currency: string;
}): readonly BreakdownStep[] {
  const { terms, sums, currency } = input;
  const steps: BreakdownStep[] = [];
  if (terms.minPerEvent !== undefined && !sums.raisedBy.isZero()) {
    const text = `${unitsText(sums.raisedEvents, "event")} raised to the minimum of ${amountText(terms.minPerEvent, currency)}: +${amountText(sums.raisedBy, currency)}`;
    steps.push({
      kind: "minimum_per_event",
      events: decimalText(sums.raisedEvents),
      amount: decimalText(sums.raisedBy),
      text,
    });
  }
  if (terms.maxPerEvent !== undefined && !sums.loweredBy.isZero()) {
    const lowered = sums.loweredBy.negated();
    const text = `${unitsText(sums.loweredEvents, "event")} lowered to the maximum of ${amountText(terms.maxPerEvent, currency)}: ${amountText(lowered, currency)}`;
    steps.push({
      kind: "maximum_per_event",
      events: decimalText(sums.loweredEvents),
      amount: decimalText(lowered),
      text,
    });
  }
  return steps;
}
