/**
 * Billing periods in an IANA time zone. The only file that imports the Temporal polyfill: it knows the zones' changes, so that a
 * period begins with the first instant of its local day even where midnight does not exist.
 */
import { Temporal } from "temporal-polyfill";
import { AppError } from "./errors.ts";
import { NS_PER_MINUTE, instantOf, instantText, type Instant } from "./instant.ts";

/** Half open: `from` belongs to it, `to` does not. */
export type Period = { readonly from: Instant; readonly to: Instant };

export type BillingSchedule = {
  /** IANA name, such as Europe/Berlin. */
  readonly timeZone: string;
  /** Day of the month on which a period begins, 1 to 31; in a shorter month its last day. */
  readonly anchorDay: number;
  readonly interval: "month";
};

/** What `--period` can say: a local month of each contract's zone, or two instants. */
export type PeriodArgument =
  { readonly kind: "month"; readonly localMonth: string } | { readonly kind: "range"; readonly period: Period };

/** Base windows: 15 minutes, the finest step that tiles every zone in use. */
export const WINDOW_NS = 15n * NS_PER_MINUTE;

const NANOSECONDS_PER_SECOND = 1_000_000_000;

const LOCAL_MONTH = /^\d{4}-(?:0[1-9]|1[0-2])$/;
/** Letters first: Temporal would also take a bare offset such as +05:00, which has no calendar of changes. */
const ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+\-/]*$/;

type MonthOfSchedule = BillingSchedule & { readonly localMonth: string };

/** A rating run asks for each contract, and most have the same schedule; the calendar takes 0.1 ms. */
const REMEMBERED_PERIODS_MAX = 1_000;
const rememberedPeriods = new Map<string, Period>();

/** The period of the schedule that contains the first instant of the local month `2026-10`. */
export function billingPeriodContaining(input: MonthOfSchedule): Period {
  const { timeZone, anchorDay, interval, localMonth } = input;
  const key = `${interval} ${String(anchorDay)} ${localMonth} ${timeZone}`;
  const known = rememberedPeriods.get(key);
  if (known !== undefined) return known;
  const period = periodContaining(input);
  if (rememberedPeriods.size >= REMEMBERED_PERIODS_MAX) rememberedPeriods.clear();
  rememberedPeriods.set(key, period);
  return period;
}

function periodContaining(input: MonthOfSchedule): Period {
  checkSchedule(input);
  const month = localMonthOf(input.localMonth);
  return billingPeriodAt(startOfDay(month.toPlainDate({ day: 1 }), input.timeZone), input);
}

/** The period of the schedule that contains the instant. */
export function billingPeriodAt(instant: Instant, schedule: BillingSchedule): Period {
  checkSchedule(schedule);
  const begins = monthOfPeriod(instant, schedule);
  const from = anchorInstant(begins, schedule);
  const to = anchorInstant(begins.add({ months: 1 }), schedule);
  for (const boundary of [from, to]) assertWindowBoundary(boundary, `the billing period in ${schedule.timeZone}`);
  return { from, to };
}

/** How many periods the one that contains `to` comes after the one that contains `from`; below zero when it comes before. */
export function billingPeriodsBetween(from: Instant, to: Instant, schedule: BillingSchedule): number {
  checkSchedule(schedule);
  const [first, last] = [monthOfPeriod(from, schedule), monthOfPeriod(to, schedule)];
  return (last.year - first.year) * 12 + last.month - first.month;
}

/** The local days that the period touches, whole or in part; none of an empty period. */
export function localDays({ from, to }: Period, timeZone: string): number {
  checkTimeZone(timeZone);
  if (to <= from) return 0;
  const dateOf = (instant: Instant): Temporal.PlainDate => plainDate(instant, timeZone);
  return dateOf(from).until(dateOf(to - 1n)).days + 1;
}

/** `2026-10-01`, the local day that holds the instant. */
export function localDate(instant: Instant, timeZone: string): string {
  checkTimeZone(timeZone);
  return plainDate(instant, timeZone).toString();
}

function plainDate(instant: Instant, timeZone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochNanoseconds(instant).toZonedDateTimeISO(timeZone).toPlainDate();
}

/** The first instant of a local date and time (`2026-10-01` or `2026-10-01T09:30`); in a gap the instant as far after it. */
export function localInstant(input: { readonly local: string; readonly timeZone: string }): Instant {
  checkTimeZone(input.timeZone);
  let local: Temporal.PlainDateTime;
  try {
    local = Temporal.PlainDateTime.from(input.local, { overflow: "reject" });
  } catch (cause) {
    throw invalid(
      "LOCAL_TIME_INVALID",
      `"${input.local}" is not a local date or time such as 2026-10-01 or 2026-10-01T09:30`,
      cause,
    );
  }
  // A date alone means the day's beginning, which is not midnight where midnight is skipped.
  if (!/[Tt ]/.test(input.local)) return startOfDay(local.toPlainDate(), input.timeZone);
  return local.toZonedDateTime(input.timeZone, { disambiguation: "compatible" }).epochNanoseconds;
}

/** Reads `2026-10` or `FROM/TO` (two RFC 3339 instants on window boundaries, the first before the second). */
export function parsePeriodArgument(text: string): PeriodArgument {
  if (LOCAL_MONTH.test(text)) return { kind: "month", localMonth: text };
  const [fromText, toText, ...rest] = text.split("/");
  if (fromText === undefined || toText === undefined || rest.length > 0) {
    throw invalid(
      "PERIOD_INVALID",
      `period is "${text}": write a month such as 2026-10, or two instants such as 2026-10-01T00:00:00Z/2026-11-01T00:00:00Z`,
    );
  }
  const period = { from: instantOf(fromText, "period from"), to: instantOf(toText, "period to") };
  assertWindowBoundary(period.from, "period from");
  assertWindowBoundary(period.to, "period to");
  if (period.from >= period.to)
    throw invalid("PERIOD_INVALID", `period is "${text}": its beginning must lie before its end`);
  return { kind: "range", period };
}

/** True on the boundaries of the 15-minute UTC windows. */
export function isWindowBoundary(instant: Instant): boolean {
  return instant % WINDOW_NS === 0n;
}

/** What two periods have in common, or undefined. */
export function intersectPeriods(a: Period, b: Period): Period | undefined {
  const from = a.from > b.from ? a.from : b.from;
  const to = a.to < b.to ? a.to : b.to;
  return from < to ? { from, to } : undefined;
}

export function periodContains(period: Period, instant: Instant): boolean {
  return period.from <= instant && instant < period.to;
}

/** `2026-10-01T00:00:00Z/2026-11-01T00:00:00Z`, as `parsePeriodArgument` reads it. */
export function periodText(period: Period): string {
  return `${instantText(period.from)}/${instantText(period.to)}`;
}

/** From `since` on, local time is UTC plus so many seconds. */
export type LocalOffset = { readonly since: Instant; readonly seconds: number };

/**
 * How local time runs in the period: the offset at its start, and each one that begins inside of it. Windows keep to one offset, so a zone whose
 * offset or change is not on a quarter of an hour throws `invalid`.
 */
export function localOffsets(period: Period, timeZone: string): readonly LocalOffset[] {
  checkTimeZone(timeZone);
  const offsets: LocalOffset[] = [];
  let at = Temporal.Instant.fromEpochNanoseconds(period.from).toZonedDateTimeISO(timeZone);
  for (;;) {
    const { epochNanoseconds: since, offsetNanoseconds } = at;
    assertWindowBoundary(
      since + BigInt(offsetNanoseconds),
      `the local time of ${timeZone} since ${instantText(since)}`,
    );
    assertWindowBoundary(since, `the local time of ${timeZone}`);
    const seconds = offsetNanoseconds / NANOSECONDS_PER_SECOND;
    if (offsets.at(-1)?.seconds !== seconds) offsets.push({ since, seconds });
    const next = at.getTimeZoneTransition("next");
    if (next === null || next.epochNanoseconds >= period.to) return offsets;
    at = next;
  }
}

/** True for an IANA zone that this runtime knows. */
export function isTimeZone(name: string): boolean {
  if (!ZONE_NAME.test(name)) return false;
  try {
    Temporal.Instant.fromEpochNanoseconds(0n).toZonedDateTimeISO(name);
    return true;
  } catch {
    return false;
  }
}

/** The month in which the period that contains the instant begins. */
function monthOfPeriod(instant: Instant, schedule: BillingSchedule): Temporal.PlainYearMonth {
  const local = Temporal.Instant.fromEpochNanoseconds(instant).toZonedDateTimeISO(schedule.timeZone);
  const month = local.toPlainDate().toPlainYearMonth();
  return instant >= anchorInstant(month, schedule) ? month : month.subtract({ months: 1 });
}

function anchorInstant(month: Temporal.PlainYearMonth, schedule: BillingSchedule): Instant {
  const day = Math.min(schedule.anchorDay, month.daysInMonth);
  return startOfDay(month.toPlainDate({ day }), schedule.timeZone);
}

function startOfDay(date: Temporal.PlainDate, timeZone: string): Instant {
  return date.toZonedDateTime(timeZone).epochNanoseconds;
}

function localMonthOf(text: string): Temporal.PlainYearMonth {
  if (LOCAL_MONTH.test(text)) return Temporal.PlainYearMonth.from(text);
  throw invalid("PERIOD_INVALID", `period is "${text}": write a month such as 2026-10`);
}

function checkSchedule(schedule: BillingSchedule): void {
  checkTimeZone(schedule.timeZone);
  if (!Number.isInteger(schedule.anchorDay) || schedule.anchorDay < 1 || schedule.anchorDay > 31) {
    throw invalid("ANCHOR_DAY_INVALID", `anchorDay is ${schedule.anchorDay}: write a day of the month from 1 to 31`);
  }
}

function checkTimeZone(timeZone: string): void {
  if (isTimeZone(timeZone)) return;
  throw invalid("TIME_ZONE_UNKNOWN", `timeZone is "${timeZone}": write an IANA zone such as Europe/Berlin or UTC`);
}

function assertWindowBoundary(instant: Instant, what: string): void {
  if (isWindowBoundary(instant)) return;
  throw invalid(
    "PERIOD_OFF_WINDOW",
    `${what} has the boundary ${instantText(instant)}: choose one on a quarter of an hour in UTC`,
  );
}

function invalid(code: string, message: string, cause?: unknown): AppError {
  return new AppError({ code, kind: "invalid", message, ...(cause !== undefined && { cause }) });
}
