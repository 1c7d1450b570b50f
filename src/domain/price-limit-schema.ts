/** `where` and `when` of a price as people write them. Forms that mean the same become one, so that they have one content hash. */
import { z } from "zod";
import { shownValue } from "./decimal-field.ts";
import { checked, listOf, oneOf, strict } from "./file-fields.ts";
import { DIMENSION_BYTES_MAX } from "./meter.ts";
import { dimensionName } from "./meter-schema.ts";
import { minuteOfDay, weekOf, WEEKDAYS, type HoursSpan, type PriceHours } from "./price-hours.ts";
import type { DimensionCondition } from "./price-where.ts";
import { exceedsBytes } from "../kernel/utf8.ts";

/** The conditions of a price travel in the address of its queries, of which servers take some 16 KB. */
const CONDITION_VALUES_MAX = 50;
const CONDITION_BYTES_MAX = 2_000;
const HOURS_SPANS_MAX = 20;

const dimensionValue = checked(
  (value) => !exceedsBytes(value, DIMENSION_BYTES_MAX),
  `must be at most ${DIMENSION_BYTES_MAX} bytes`,
);

function oneOrMore<Element extends z.ZodType>(element: Element, max: number) {
  return z.preprocess(
    (value) => (Array.isArray(value) || value === undefined ? value : [value]),
    listOf(element).min(1, "is empty; write at least one").max(max, `must be at most ${max}`),
  );
}

const values = oneOrMore(dimensionValue, CONDITION_VALUES_MAX).transform((list) => [...new Set(list)].sort());

const condition = z
  .union([z.string(), z.looseObject({})], {
    error: (issue) =>
      typeof issue.input === "number" || typeof issue.input === "boolean"
        ? `is the ${typeof issue.input} ${String(issue.input)}; put it in quotes, "${String(issue.input)}"`
        : `is ${shownValue(issue.input)}; write a text, { in: [a, b] } or { not: [a, b] }`,
  })
  .pipe(
    z.preprocess(
      (value) => (typeof value === "string" ? { in: value } : value),
      strict({ in: values.exactOptional(), not: values.exactOptional() })
        .refine((value) => (value.in === undefined) !== (value.not === undefined), {
          message: "has both or neither of in and not; write one of them",
        })
        .transform((value): DimensionCondition => {
          if (value.not !== undefined) return { not: value.not };
          const [first = "", ...others] = value.in ?? [];
          return others.length === 0 ? first : { in: [first, ...others] };
        }),
    ),
  );

export const priceWhere = z
  .record(dimensionName, condition)
  .default({})
  .refine((where) => !exceedsBytes(JSON.stringify(conditionsOf(where)), CONDITION_BYTES_MAX), {
    message: `has more than ${CONDITION_BYTES_MAX} bytes of in and not; write several prices`,
  });

function conditionsOf(where: unknown): readonly unknown[] {
  return Object.values(where ?? {}).filter((value) => typeof value !== "string");
}

const CLOCK_RULE = 'must be a local time on a quarter of an hour, such as "08:00", from "00:00" to "24:00"';
const clock = checked((value) => /^(?:(?:[01]\d|2[0-3]):(?:00|15|30|45)|24:00)$/.test(value), CLOCK_RULE);

const span = strict({
  days: oneOrMore(oneOf(WEEKDAYS), WEEKDAYS.length).exactOptional(),
  from: clock.default("00:00"),
  to: clock.default("24:00"),
})
  .refine(({ from, to }) => from !== to && from !== "24:00", {
    message: "has no time between from and to; for whole days leave both out",
    path: ["to"],
  })
  .transform(({ days, from, to }): HoursSpan => ({
    days: WEEKDAYS.filter((day) => days?.includes(day) ?? true),
    from,
    to,
  }));

const spans = oneOrMore(span, HOURS_SPANS_MAX).transform((list) => list.toSorted(byStart));

/** Of a week the spans must leave something, in or out: a price that never charges was meant otherwise. */
export const priceHours = z
  .preprocess(
    (value) =>
      typeof value === "object" && value !== null && ("not" in value || "in" in value) ? value : { in: value },
    strict({ in: spans.exactOptional(), not: spans.exactOptional() }).refine(
      (value) => (value.in === undefined) !== (value.not === undefined),
      { message: "has both or neither of in and not; write one of them" },
    ),
  )
  .transform((value): PriceHours => (value.not === undefined ? { in: value.in ?? [] } : { not: value.not }))
  .refine((hours) => weekOf(hours).length > 0, { message: "leaves no hour of the week; take the price out" });

function byStart(a: HoursSpan, b: HoursSpan): number {
  const first = (span: HoursSpan) => WEEKDAYS.indexOf(span.days[0] ?? "mon") * 1_440 + minuteOfDay(span.from);
  return first(a) - first(b) || minuteOfDay(a.to) - minuteOfDay(b.to);
}
