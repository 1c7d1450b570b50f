/**
 * What part of an amount per billing period falls on a part of the period. With s(t) the share of the period that has passed at t, a part from a
 * to b gets R(amount · s(b)) − R(amount · s(a)), where R rounds: the parts of any division add up to R(amount), to the last digit, because each
 * begins where the one before ended.
 */
import { Decimal, decimalText, divide, type RoundingMode } from "./decimal.ts";
import { NS_PER_SECOND, type Instant } from "./instant.ts";
import { localDays, type Period } from "./period.ts";

export const PRORATIONS = ["none", "day", "second"] as const;
export type Proration = (typeof PRORATIONS)[number];
export type ProrationUnit = Exclude<Proration, "none">;

/** How many days or seconds of the period have passed at the part's beginning and at its end, and how many there are. */
export type ProrationShare = {
  readonly unit: ProrationUnit;
  readonly from: number;
  readonly to: number;
  readonly of: number;
};

export type ProrationShareInput = {
  readonly billing: Period;
  /** Within the billing period. */
  readonly part: Period;
  readonly unit: ProrationUnit;
  readonly timeZone: string;
};

/** A day of 23 or 25 hours is a day, and belongs whole to the part that holds when it begins. */
export function prorationShare({ billing, part, unit, timeZone }: ProrationShareInput): ProrationShare {
  const passed = (to: Instant): number =>
    unit === "day" ? localDays({ from: billing.from, to }, timeZone) : Number((to - billing.from) / NS_PER_SECOND);
  return { unit, from: passed(part.from), to: passed(part.to), of: passed(billing.to) };
}

export function isWhole({ from, to, of }: ProrationShare): boolean {
  return from === 0 && to === of;
}

/** `17 of 31 days`. */
export function shareText({ unit, from, to, of }: ProrationShare): string {
  return `${String(to - from)} of ${String(of)} ${unit}s`;
}

export type ProrateInput = {
  readonly amount: Decimal;
  readonly share: ProrationShare;
  /** Of R. */
  readonly places: number;
  readonly mode: RoundingMode;
};

export type Prorated = {
  readonly amount: Decimal;
  /** The two values that it is the difference of. */
  readonly until: Decimal;
  readonly before: Decimal;
};

export function prorate({ amount, share, places, mode }: ProrateInput): Prorated {
  const passed = (count: number): Decimal =>
    divide({ dividend: amount.times(new Decimal(count)), divisor: new Decimal(share.of), places, mode });
  const [until, before] = [passed(share.to), passed(share.from)];
  return { amount: until.minus(before), until, before };
}

/** `16 of 31 days of 60 EUR: 60 for the first 31, less 29.03 for the first 15`. */
export function prorationText({ amount, share, currency, prorated }: ProrationTextInput): string {
  const whole = `${shareText(share)} of ${decimalText(amount)} ${currency}`;
  if (share.from === 0) return whole;
  const { until, before } = prorated;
  return `${whole}: ${decimalText(until)} for the first ${String(share.to)}, less ${decimalText(before)} for the first ${String(share.from)}`;
}

export type ProrationTextInput = {
  readonly amount: Decimal;
  readonly share: ProrationShare;
  readonly currency: string;
  readonly prorated: Prorated;
};
