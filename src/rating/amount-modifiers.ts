/** Modifiers of the amount, after the model: `discount`, then `maximumAmount`, then `minimumAmount`. */
import type { Price } from "../domain/price.ts";
import { ZERO, decimal, decimalText, maxDecimal, minDecimal, type Decimal } from "../kernel/decimal.ts";
import type { BreakdownStep } from "./breakdown.ts";
import { amountText } from "./text.ts";

/** Gives the amount after it and the sentence about it; undefined if the price does not have it. */
type AmountModifier = (
  price: Price,
  amount: Decimal,
  currency: string,
) => { readonly after: Decimal; readonly text: string } | undefined;
type AmountStepKind = "discount" | "maximum_amount" | "minimum_amount";

const HUNDREDTH = decimal("0.01");

/** The order of this list is the order of application. */
const AMOUNT_MODIFIERS: readonly { readonly kind: AmountStepKind; readonly modify: AmountModifier }[] = [
  { kind: "discount", modify: discount },
  { kind: "maximum_amount", modify: maximumAmount },
  { kind: "minimum_amount", modify: minimumAmount },
];

export type ModifyAmountInput = { readonly price: Price; readonly amount: Decimal; readonly currency: string };

/** Applies those that the price has; one that changed nothing leaves no step. */
export function modifyAmount(input: ModifyAmountInput): {
  readonly amount: Decimal;
  readonly steps: readonly BreakdownStep[];
} {
  let amount = input.amount;
  const steps: BreakdownStep[] = [];
  for (const { kind, modify } of AMOUNT_MODIFIERS) {
    const result = modify(input.price, amount, input.currency);
    if (result === undefined || result.after.eq(amount)) continue;
    const change = result.after.minus(amount);
    amount = result.after;
    steps.push({ kind, amount: decimalText(change), after: decimalText(amount), text: result.text });
  }
  return { amount, steps };
}

function discount(price: Price, amount: Decimal, currency: string): { after: Decimal; text: string } | undefined {
  if (price.discount?.percent !== undefined) {
    const taken = amount.times(decimal(price.discount.percent)).times(HUNDREDTH);
    const after = amount.minus(taken);
    return { after, text: `Discount of ${price.discount.percent} %: ${amountText(taken.negated(), currency)}` };
  }
  if (price.discount?.amount === undefined) return undefined;
  // A discount takes a charge down to zero and never turns it into a credit.
  const taken = minDecimal(decimal(price.discount.amount), maxDecimal(amount, ZERO));
  return { after: amount.minus(taken), text: `Discount: ${amountText(taken.negated(), currency)}` };
}

function maximumAmount(price: Price, amount: Decimal, currency: string): { after: Decimal; text: string } | undefined {
  if (price.maximumAmount === undefined) return undefined;
  const maximum = decimal(price.maximumAmount);
  const after = minDecimal(amount, maximum);
  return {
    after,
    text: `Lowered to the maximum of ${amountText(maximum, currency)}: ${amountText(after.minus(amount), currency)}`,
  };
}

function minimumAmount(price: Price, amount: Decimal, currency: string): { after: Decimal; text: string } | undefined {
  if (price.minimumAmount === undefined) return undefined;
  const minimum = decimal(price.minimumAmount);
  const after = maxDecimal(amount, minimum);
  return {
    after,
    text: `Raised to the minimum of ${amountText(minimum, currency)}: +${amountText(after.minus(amount), currency)}`,
  };
}
