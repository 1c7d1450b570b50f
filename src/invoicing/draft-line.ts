/** A line on its way to the invoice: what terms that span several lines have taken off it so far. */
import type { InvoiceLine, LineAdjustment } from "../domain/invoice.ts";
import { ZERO, decimal, decimalText, maxDecimal, minDecimal, sumDecimals, type Decimal } from "../kernel/decimal.ts";
import { moneyText } from "../kernel/money.ts";
import { allocate } from "./allocate.ts";

export type DraftLine = {
  readonly line: InvoiceLine;
  readonly adjustments: readonly LineAdjustment[];
  /** The line's amount after its adjustments. */
  readonly left: Decimal;
};

export function draftLine(line: InvoiceLine): DraftLine {
  return { line, adjustments: [], left: decimal(line.amount) };
}

export function sumLeft(lines: readonly DraftLine[]): Decimal {
  return sumDecimals(lines.map((line) => line.left));
}

export type TakeOffInput = {
  readonly lines: readonly DraftLine[];
  readonly isConcerned: (line: DraftLine) => boolean;
  /** In whole minor units, 0 or more. */
  readonly amount: Decimal;
  readonly currency: string;
  readonly as: Pick<LineAdjustment, "kind" | "key" | "name">;
  /** Where the amount comes from: `20 % of 130.00 EUR`. */
  readonly reason: string;
};

/**
 * Takes an amount off the concerned lines, each by its share of what is left of them, so that no line falls below zero. Of lines that are below
 * zero already nothing is taken; what they lower the sum by is not taken from the others either.
 */
export function takeOff(input: TakeOffInput): readonly DraftLine[] {
  const { lines, currency } = input;
  const concerned = lines.filter((line) => input.isConcerned(line));
  const amount = minDecimal(input.amount, maxDecimal(sumLeft(concerned), ZERO));
  if (amount.isZero()) return lines;
  const weights = concerned.map((line) => maxDecimal(line.left, ZERO));
  const shares = allocate({ total: amount, currency, weights });
  const shareOf = new Map(concerned.map((line, index) => [line, shares[index] ?? ZERO]));
  return lines.map((line) => {
    const share = shareOf.get(line) ?? ZERO;
    if (share.isZero()) return line;
    const text = `${input.reason}: ${moneyText(amount.negated(), currency)} ${currency}${share.eq(amount) ? "" : `, of which ${moneyText(share.negated(), currency)} ${currency} on this line`}`;
    const adjustment = { ...input.as, amount: decimalText(share.negated()), text };
    return { line: line.line, adjustments: [...line.adjustments, adjustment], left: line.left.minus(share) };
  });
}
