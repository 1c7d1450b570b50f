/**
 * Instants: nanoseconds since the Unix epoch as bigint, the only form of time inside Meterline. Reading is hand-written because it
 * runs once per event: `Date` would cut nanoseconds, accept 2026-02-30 in some forms and cost several times as much.
 */
import { AppError } from "./errors.ts";

/** Nanoseconds since 1970-01-01T00:00:00Z, without leap seconds (as POSIX time, NATS and ClickHouse count). */
export type Instant = bigint;

export const NS_PER_MILLISECOND = 1_000_000n;
export const NS_PER_SECOND = 1_000_000_000n;
export const NS_PER_MINUTE = 60n * NS_PER_SECOND;
export const NS_PER_HOUR = 60n * NS_PER_MINUTE;
export const NS_PER_DAY = 24n * NS_PER_HOUR;

const SECONDS_PER_DAY = 86_400;
const DAYS_FROM_YEAR_0_TO_1970 = 719_528;
/** 400 years, after which the Gregorian calendar repeats. */
const DAYS_PER_ERA = 146_097;
/** 0000-01-01T00:00:00Z and 10000-01-01T00:00:00Z: what four digits of a year can write. */
const SECONDS_MIN = -DAYS_FROM_YEAR_0_TO_1970 * SECONDS_PER_DAY;
const SECONDS_END = 253_402_300_800;
/** `2026-10-03T08:15:30Z` is the shortest text; beyond the maximum there can only be zeros. */
const TEXT_LENGTH_MIN = 20;
const TEXT_LENGTH_MAX = 64;
const FRACTION_DIGITS = 9;
const NS_PER_SECOND_NUMBER = 1_000_000_000;

const ZERO_CODE = 48;
const NOT_A_NUMBER = -1;

/**
 * Reads an RFC 3339 date and time with `Z` or an offset, exactly to the nanosecond; undefined for anything else. Refused: a missing
 * offset, dates that do not exist, hour 24, leap seconds, a tenth fraction digit that is not zero, years outside 0000 to 9999 in UTC.
 */
export function parseInstant(text: string): Instant | undefined {
  if (text.length < TEXT_LENGTH_MIN || text.length > TEXT_LENGTH_MAX) return undefined;
  const localSeconds = parseLocalSeconds(text);
  if (localSeconds === undefined) return undefined;

  let position = 19;
  let nanoseconds = 0;
  if (text.charCodeAt(position) === 46) {
    const end = endOfDigits(text, position + 1);
    nanoseconds = parseFraction(text, position + 1, end);
    if (nanoseconds === NOT_A_NUMBER) return undefined;
    position = end;
  }
  const offsetSeconds = parseOffsetSeconds(text, position);
  if (offsetSeconds === undefined) return undefined;

  const seconds = localSeconds - offsetSeconds;
  if (seconds < SECONDS_MIN || seconds >= SECONDS_END) return undefined;
  return BigInt(seconds) * NS_PER_SECOND + BigInt(nanoseconds);
}

/** As `parseInstant`, but throws `invalid` naming the field. */
export function instantOf(text: string, field: string): Instant {
  const instant = parseInstant(text);
  if (instant !== undefined) return instant;
  throw new AppError({
    code: "INSTANT_INVALID",
    kind: "invalid",
    message: `${field} is "${text.slice(0, TEXT_LENGTH_MAX)}": write an existing date and time with its offset, such as 2026-10-03T08:15:30.250Z`,
  });
}

/** UTC text with no, 3, 6 or 9 fraction digits, as few as the instant needs: `2026-10-03T08:15:30.250Z`. */
export function instantText(instant: Instant): string {
  const remainder = Number(instant % NS_PER_SECOND);
  const nanoseconds = remainder < 0 ? remainder + NS_PER_SECOND_NUMBER : remainder;
  const seconds = Number(instant / NS_PER_SECOND) - (remainder < 0 ? 1 : 0);
  if (seconds < SECONDS_MIN || seconds >= SECONDS_END) {
    throw new AppError({
      code: "INSTANT_OUT_OF_RANGE",
      kind: "invalid",
      message: `the instant ${instant} ns lies outside of the years 0000 to 9999 and has no text form`,
    });
  }
  const day = Math.floor(seconds / SECONDS_PER_DAY);
  const second = seconds - day * SECONDS_PER_DAY;
  const hour = Math.floor(second / 3600);
  const minute = Math.floor(second / 60) % 60;
  return `${dateText(day)}T${padded(hour, 2)}:${padded(minute, 2)}:${padded(second % 60, 2)}${fractionText(nanoseconds)}Z`;
}

/** The two digits at the position as a number, or a negative number if they are not two digits. */
function twoDigits(text: string, position: number): number {
  const high = text.charCodeAt(position) - ZERO_CODE;
  const low = text.charCodeAt(position + 1) - ZERO_CODE;
  // A character code beyond the end is NaN, for which both comparisons are false as well.
  return high >= 0 && high <= 9 && low >= 0 && low <= 9 ? high * 10 + low : NOT_A_NUMBER;
}

function parseLocalSeconds(text: string): number | undefined {
  const century = twoDigits(text, 0);
  const yearOfCentury = twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  const second = twoDigits(text, 17);
  const minutes = parseMinutes(text, 11);
  if (!isSeparated(text) || century < 0 || yearOfCentury < 0) return undefined;
  if (minutes < 0 || second < 0 || second > 59) return undefined;
  const year = century * 100 + yearOfCentury;
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  return daysSinceEpoch(year, month, day) * SECONDS_PER_DAY + minutes * 60 + second;
}

function isSeparated(text: string): boolean {
  const separator = text.charCodeAt(10);
  return (
    text.charCodeAt(4) === 45 &&
    text.charCodeAt(7) === 45 &&
    (separator === 84 || separator === 116) &&
    text.charCodeAt(16) === 58
  );
}

/** Minutes of `hh:mm` at the position, up to 23:59; negative if it is something else. */
function parseMinutes(text: string, position: number): number {
  const hours = twoDigits(text, position);
  const minutes = twoDigits(text, position + 3);
  const valid = text.charCodeAt(position + 2) === 58 && hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59;
  return valid ? hours * 60 + minutes : NOT_A_NUMBER;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days of the proleptic Gregorian calendar since 1970-01-01, with years that begin in March so that the leap day comes last. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1;
  const monthsSinceMarch = month > 2 ? month - 3 : month + 9;
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  const dayOfMarchYear = Math.floor((153 * monthsSinceMarch + 2) / 5) + day - 1;
  // 0000-03-01 is day 60 of the leap year 0000.
  return marchYear * 365 + leapDays + dayOfMarchYear + 60 - DAYS_FROM_YEAR_0_TO_1970;
}

function endOfDigits(text: string, from: number): number {
  let end = from;
  while (end < text.length) {
    const digit = text.charCodeAt(end) - ZERO_CODE;
    if (digit < 0 || digit > 9) break;
    end += 1;
  }
  return end;
}

/** Nanoseconds from the fraction digits; negative if there are none or if some would be lost. */
function parseFraction(text: string, from: number, end: number): number {
  if (end === from) return NOT_A_NUMBER;
  let nanoseconds = 0;
  let place = NS_PER_SECOND_NUMBER / 10;
  for (let position = from; position < end; position += 1) {
    const digit = text.charCodeAt(position) - ZERO_CODE;
    if (position - from >= FRACTION_DIGITS) {
      if (digit !== 0) return NOT_A_NUMBER;
      continue;
    }
    nanoseconds += digit * place;
    place /= 10;
  }
  return nanoseconds;
}

function parseOffsetSeconds(text: string, position: number): number | undefined {
  const sign = text.charCodeAt(position);
  if (sign === 90 || sign === 122) return text.length === position + 1 ? 0 : undefined;
  if (sign !== 43 && sign !== 45) return undefined;
  if (text.length !== position + 6) return undefined;
  const minutes = parseMinutes(text, position + 1);
  if (minutes < 0) return undefined;
  return sign === 43 ? minutes * 60 : -minutes * 60;
}

/** The date of a day since 1970-01-01; the reverse of `daysSinceEpoch`, again with years that begin in March. */
function dateText(daysSince1970: number): string {
  const day = daysSince1970 + DAYS_FROM_YEAR_0_TO_1970 - 60;
  const era = Math.floor(day / DAYS_PER_ERA);
  const dayOfEra = day - era * DAYS_PER_ERA;
  const leapDays =
    Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / (DAYS_PER_ERA - 1));
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthsSinceMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const dayOfMonth = dayOfYear - Math.floor((153 * monthsSinceMarch + 2) / 5) + 1;
  const month = monthsSinceMarch < 10 ? monthsSinceMarch + 3 : monthsSinceMarch - 9;
  const year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0);
  return `${padded(year, 4)}-${padded(month, 2)}-${padded(dayOfMonth, 2)}`;
}

function padded(value: number, length: number): string {
  return String(value).padStart(length, "0");
}

function fractionText(nanoseconds: number): string {
  if (nanoseconds === 0) return "";
  const digits = padded(nanoseconds, FRACTION_DIGITS);
  if (digits.endsWith("000000")) return `.${digits.slice(0, 3)}`;
  return digits.endsWith("000") ? `.${digits.slice(0, 6)}` : `.${digits}`;
}
