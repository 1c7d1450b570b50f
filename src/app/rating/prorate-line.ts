/**
 * A flat line's share of its price, where the contract prorates. The price is rated for the whole billing period first; the share is in whole minor
 * units, so that the lines of any division of the period add up to the price as it is rounded.
 */
import type { RatedLine } from "../../domain/rated-line.ts";
import { currencyExponent } from "../../kernel/currency.ts";
import { decimal, decimalText } from "../../kernel/decimal.ts";
import { moneyText } from "../../kernel/money.ts";
import { prorate, prorationText } from "../../kernel/proration.ts";
import type { BreakdownStep } from "../../rating/breakdown.ts";
import type { RatingTask } from "./rating-plan.ts";

export function prorateLine(line: RatedLine, { part, prorated: share }: RatingTask): RatedLine {
  if (share === undefined) return line;
  const { rounding: mode, currency } = part.contract.definition;
  const whole = decimal(line.amount);
  const prorated = prorate({ amount: whole, share, places: currencyExponent(currency), mode });
  const amount = decimalText(prorated.amount);
  const money = moneyText(prorated.amount, currency);
  const steps: readonly BreakdownStep[] = [
    {
      kind: "proration",
      amount: decimalText(prorated.amount.minus(whole)),
      text: prorationText({ amount: whole, share, currency, prorated }),
    },
    { kind: "rounding", exact: amount, rounded: money, mode, text: `Amount: ${money} ${currency}` },
  ];
  const breakdown = [...line.breakdown.filter((step) => step["kind"] !== "rounding"), ...steps];
  return { ...line, amount, amountRounded: amount, breakdown };
}
