/**
 * Discounts over several lines. They stack in the order in which the contract lists them, each on what the ones before have left. A percentage is
 * taken of the lines' sum and rounded once; an amount is taken once per billing period; either is split over the lines by exact shares.
 */
import { concerns, type Discount } from "../domain/contract-terms.ts";
import { present } from "../kernel/assert.ts";
import { canonicalJson } from "../kernel/canonical-json.ts";
import { ZERO, decimal, maxDecimal } from "../kernel/decimal.ts";
import { instantOf } from "../kernel/instant.ts";
import { moneyText, roundMoney } from "../kernel/money.ts";
import { billingPeriodsBetween } from "../kernel/period.ts";
import type { BillingTerms, TermsPart } from "./billing-terms.ts";
import { sumLeft, takeOff, type DraftLine } from "./draft-line.ts";
import { periodAmount } from "./period-amount.ts";

const HUNDREDTH = decimal("0.01");

export function applyDiscounts(lines: readonly DraftLine[], terms: BillingTerms): readonly DraftLine[] {
  return heldDiscounts(terms).reduce((left, held) => applyDiscount(left, held, terms), lines);
}

/** A discount as the contract versions of the billing period have it: for lines of which version it is about which prices. */
type HeldDiscount = { readonly discount: Discount; readonly byVersion: ReadonlyMap<number, Discount> };
type Held = { readonly part: TermsPart; readonly discount: Discount };

/** In the order of the contract; what only a later version has comes behind. */
function heldDiscounts(terms: BillingTerms): readonly HeldDiscount[] {
  const all = terms.parts.flatMap((part) =>
    (part.terms.discounts ?? []).filter((discount) => holds(discount, terms)).map((discount) => ({ part, discount })),
  );
  return [...Map.groupBy(all, ({ discount }) => discount.key).values()].flatMap((ofKey) => {
    // A percentage goes with its own lines; an amount is one for the billing period, also when a version in the middle changes it.
    const groups = Map.groupBy(ofKey, ({ discount: { percent, prices } }) =>
      percent === undefined ? "amount" : canonicalJson([percent, prices ?? null]),
    );
    return [...groups.values()].map((group) => heldDiscount(group));
  });
}

function heldDiscount(group: readonly Held[]): HeldDiscount {
  const byVersion = new Map(group.map(({ part, discount }) => [part.contractVersion, discount]));
  return { discount: present(group[0], "a version with the discount").discount, byVersion };
}

/** From the billing period that contains `from` on, for a number of periods or for those that begin before `until`. */
function holds({ from, periods, until }: Discount, { billing, schedule, contractFrom }: BillingTerms): boolean {
  const begins = from === undefined ? contractFrom : instantOf(from, "from");
  const number = billingPeriodsBetween(begins, billing.from, schedule);
  if (number < 0 || (periods !== undefined && number >= periods)) return false;
  return until === undefined || billing.from < instantOf(until, "until");
}

function applyDiscount(
  lines: readonly DraftLine[],
  { discount, byVersion }: HeldDiscount,
  terms: BillingTerms,
): readonly DraftLine[] {
  const { currency } = terms;
  const isConcerned = ({ line }: DraftLine): boolean => {
    const own = byVersion.get(line.contractVersion);
    return own !== undefined && concerns(own, line.price);
  };
  const name = discount.name ?? discount.key;
  const taken = { lines, isConcerned, currency, as: { kind: "discount" as const, key: discount.key, name } };
  if (discount.percent !== undefined) {
    const base = maxDecimal(sumLeft(lines.filter(isConcerned)), ZERO);
    const exact = base.times(decimal(discount.percent)).times(HUNDREDTH);
    const amount = roundMoney(exact, currency, terms.rounding);
    const reason = `${name}, ${discount.percent} % of ${moneyText(base, currency)} ${currency}`;
    return takeOff({ ...taken, amount, reason });
  }
  const stated = periodAmount(terms, ({ contractVersion }) => byVersion.get(contractVersion)?.amount);
  if (stated === undefined) return lines;
  const { amount, shares } = stated;
  const how = shares.length === 0 ? " per billing period" : ` (${shares.join("; ")})`;
  return takeOff({ ...taken, amount, reason: `${name}, ${moneyText(amount, currency)} ${currency}${how}` });
}
