/**
 * Schemas of decimal fields in files. Decimals are strings only: a YAML or JSON number would have passed through binary floating
 * point before we see it. Each message names the field, the value and the fix; the full path is in the issue.
 */
import { z } from "zod";
import { Decimal, decimal, decimalPlaces, decimalText, isDecimalText } from "../kernel/decimal.ts";

/** ClickHouse holds quantities as Decimal(38, 18): 18 places and 20 digits before the point. */
const PLACES_MAX = 18;
const INTEGER_DIGITS_MAX = 20;
const INTEGER_END = new Decimal(10).pow(INTEGER_DIGITS_MAX);
const SHOWN_LENGTH_MAX = 120;

type Issue = { readonly path?: readonly PropertyKey[] | undefined; readonly input?: unknown };

/** Any decimal. */
export const decimalField = decimalSchema([]);
/** 0 or more: amounts, rates per unit, allowances. */
export const nonNegativeDecimalField = decimalSchema([
  { holds: (value) => !value.isNegative() || value.isZero(), message: "must not be negative" },
]);
/** More than 0: sizes and divisors. */
export const positiveDecimalField = decimalSchema([
  { holds: (value) => value.gt(0), message: "must be greater than 0" },
]);
/** 0 to 100. */
export const percentField = decimalSchema([
  { holds: (value) => value.gte(0) && value.lte(100), message: 'must lie between "0" and "100", in percent' },
]);
/** A whole number of 0 or more. */
export const countField = decimalSchema([
  { holds: (value) => value.gte(0) && value.isInteger(), message: "must be a whole number of 0 or more" },
]);

/** The name of the field for a message: the last key of the path, with the index of a list element. */
export function fieldName(path: readonly PropertyKey[] | undefined): string {
  const last = path?.at(-1);
  if (last === undefined) return "the value";
  return typeof last === "number" ? `${String(path?.at(-2) ?? "element")}[${last}]` : String(last);
}

/** A value as a message shows it: short, and in quotes if it was text. */
export function shownValue(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= SHOWN_LENGTH_MAX ? text : `${text.slice(0, SHOWN_LENGTH_MAX)}…`;
}

/** A path as a reader writes it: `tiers[0].unitAmount`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => (typeof key === "number" ? `[${key}]` : `${index > 0 ? "." : ""}${String(key)}`))
    .join("");
}

type DecimalRule = { readonly holds: (value: Decimal) => boolean; readonly message: string };

function decimalSchema(rules: readonly DecimalRule[]): z.ZodString {
  const base: readonly DecimalRule[] = [
    { holds: (value) => decimalPlaces(value) <= PLACES_MAX, message: `must have at most ${PLACES_MAX} decimal places` },
    {
      holds: (value) => value.abs().lt(INTEGER_END),
      message: `must have at most ${INTEGER_DIGITS_MAX} digits before the point`,
    },
  ];
  let schema = z.string({ error: (issue) => wrongTypeMessage(issue) }).refine(isDecimalText, {
    abort: true,
    error: (issue) => `${fieldIs(issue)}: write a plain decimal such as "0.05"`,
  });
  for (const rule of [...base, ...rules]) {
    schema = schema.refine((text) => rule.holds(decimal(text)), {
      error: (issue) => `${fieldIs(issue)}: it ${rule.message}`,
    });
  }
  return schema;
}

function wrongTypeMessage(issue: Issue): string {
  const field = fieldName(issue.path);
  if (issue.input === undefined) return `${field} is missing: write a decimal string such as "0.05"`;
  if (typeof issue.input === "number" && Number.isFinite(issue.input)) {
    const text = decimalText(new Decimal(String(issue.input)));
    return `${field} is the number ${text}: put it in quotes, "${text}", so that it is read exactly`;
  }
  return `${fieldIs(issue)}: write a decimal string such as "0.05"`;
}

function fieldIs(issue: Issue): string {
  return `${fieldName(issue.path)} is ${shownValue(issue.input)}`;
}
