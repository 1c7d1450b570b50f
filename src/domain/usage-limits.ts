/**
 * What a price's usage is limited to beyond single values of dimensions, in the form in which queries, rated lines and invoice lines have it. It needs
 * no zone data to be read: minutes of the local week, and the offsets at which local time ran in the period. The SQL functions of
 * `0017_usage_limits.sql` read the same canonical JSON.
 */
import { canonicalJson } from "../kernel/canonical-json.ts";
import { NS_PER_SECOND } from "../kernel/instant.ts";
import { localOffsets, type Period } from "../kernel/period.ts";
import { weekOf, weekText, type PriceHours, type WeekSpan } from "./price-hours.ts";
import { whereTexts, type PriceWhere } from "./price-where.ts";

export type UsageLimits = {
  readonly conditions?: readonly (readonly [dimension: string, kind: "in" | "not", values: readonly string[]])[];
  readonly week?: readonly WeekSpan[];
  /** Since these Unix seconds local time is UTC plus so many seconds. */
  readonly clock?: readonly (readonly [since: number, offset: number])[];
};

export type LimitedPrice = { readonly where: PriceWhere; readonly when?: PriceHours | undefined };
export type LimitsInput = { readonly price: LimitedPrice; readonly period: Period; readonly timeZone: string };

/** Single values of dimensions, and the other limits where there are some. */
export type PriceFilter = { readonly where: Readonly<Record<string, string>>; readonly limits?: UsageLimits };

export function filterOf({ price, period, timeZone }: LimitsInput): PriceFilter {
  const where: Record<string, string> = {};
  const conditions: [string, "in" | "not", readonly string[]][] = [];
  for (const [name, condition] of Object.entries(price.where))
    if (typeof condition === "string") where[name] = condition;
    else if ("in" in condition) conditions.push([name, "in", condition.in]);
    else conditions.push([name, "not", condition.not]);
  const limits: UsageLimits = {
    ...(conditions.length > 0 && { conditions: conditions.toSorted(([a], [b]) => (a < b ? -1 : 1)) }),
    ...(price.when !== undefined && hoursOf({ week: weekOf(price.when), period, timeZone })),
  };
  return { where, ...(Object.keys(limits).length > 0 && { limits }) };
}

export function hoursOf(input: { week: readonly WeekSpan[]; period: Period; timeZone: string }): UsageLimits {
  const clock = localOffsets(input.period, input.timeZone).map(
    ({ since, seconds }) => [Number(since / NS_PER_SECOND), seconds] as const,
  );
  return { week: input.week, clock };
}

/** Empty without limits. */
export function limitsText(limits: UsageLimits | undefined): string {
  return limits === undefined ? "" : canonicalJson(limits);
}

/** For people: `region not eu`, `Mon–Fri 08:00–20:00 local time`. */
export function limitsTexts({ conditions = [], week }: UsageLimits): readonly string[] {
  const where = Object.fromEntries(
    conditions.map(([name, kind, values]) => [name, kind === "in" ? { in: values } : { not: values }]),
  );
  return [...whereTexts(where), ...(week === undefined ? [] : [`${weekText(week)} local time`])];
}

export function limitsOfText(text: string): { readonly limits?: UsageLimits } {
  return text === "" ? {} : { limits: JSON.parse(text) as UsageLimits };
}
