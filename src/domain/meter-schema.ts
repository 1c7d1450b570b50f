/** A meter as people write it in files. */
import { z } from "zod";
import { bucket, holdFor, withBucketRules } from "./bucket-fields.ts";
import { recurring, uniqueOver, withCarriedRules, withoutDefaults } from "./carried-fields.ts";
import { decimalField, shownValue } from "./decimal-field.ts";
import { checked, flag, inAnyCase, key, listOf, oneOf, strict, TEXT_LENGTH_MAX } from "./file-fields.ts";
import {
  AGGREGATIONS,
  CONDITION_BOUNDS,
  CONDITION_TEXTS_MAX,
  CONDITIONS_MAX,
  DIMENSIONS_MAX,
  PERCENTILE_PLACES,
  type MeterCondition,
} from "./meter.ts";
import { parseExpression } from "./value-expression/parse-expression.ts";
import { isRetractionType } from "./usage-retraction.ts";

export const eventType = checked(
  (value) => value.trim() !== "" && value.length <= TEXT_LENGTH_MAX && !isRetractionType(value),
  `must be a text of 1 to ${TEXT_LENGTH_MAX} characters, and not one of the types that take usage back`,
);
export const dimensionName = checked(
  (value) => /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(value) && value.length <= 64,
  'must begin with a letter or "_" and hold only letters, digits, "_", "." and "-" (at most 64 characters)',
);
const POINTER = /^(\/([^~/]|~[01])*)+$/;
const VALUE_RULE =
  'must be a JSON pointer into the event, such as "/data/outputTokens", or an expression, such as "/data/a + 2 * /data/b"';
const pointer = checked(
  (value) => POINTER.test(value),
  'must be a JSON pointer into the event, such as "/data/outputTokens"',
);

/** What no pointer has that is written without quotes in an expression, and every expression of more than one part. */
const COMPUTED = /[\s()+*,"]/;

/** A pointer, or an expression; one that is only a pointer in quotes is that pointer. */
const value = z
  .string({ error: (issue) => `is ${shownValue(issue.input)}; ${VALUE_RULE}` })
  .transform((text, context): { readonly value: string } | { readonly expression: string } => {
    if (!COMPUTED.test(text) && POINTER.test(text)) return { value: text };
    const parsed = parseExpression(text);
    if (!("problem" in parsed)) return parsed.kind === "pointer" ? { value: parsed.pointer } : { expression: text };
    const why = COMPUTED.test(text) ? `at character ${parsed.position} ${parsed.problem}` : VALUE_RULE;
    context.addIssue({ code: "custom", message: `is ${shownValue(text)}; ${why}` });
    return z.NEVER;
  });

/** A whole number may stand without quotes; with a fraction it would have passed through binary floating point. */
export const percentile = z
  .preprocess(
    (value) => (Number.isInteger(value) ? String(value) : value),
    checked(isPercentile, `must lie between 0 and 100, such as 95 or "99.9" (at most ${PERCENTILE_PLACES} places)`),
  )
  .exactOptional();

function isPercentile(value: string): boolean {
  return new RegExp(`^(?:0|[1-9]\\d?)(?:\\.\\d{1,${PERCENTILE_PLACES}})?$`).test(value) && /[1-9]/.test(value);
}

const conditionText = z.string({
  error: (issue) =>
    typeof issue.input === "number" || typeof issue.input === "boolean"
      ? `is the ${typeof issue.input} ${String(issue.input)}; put it in quotes, "${String(issue.input)}"`
      : `is ${shownValue(issue.input)}; write a text`,
});
const texts = z.preprocess(
  (value) => (Array.isArray(value) || value === undefined ? value : [value]),
  listOf(conditionText)
    .min(1, "is empty; write at least one text")
    .max(CONDITION_TEXTS_MAX, `must be at most ${CONDITION_TEXTS_MAX} texts`),
);
/** A text alone is the only one that fits. Forms that mean the same become one, so that they have one content hash. */
const condition = z
  .preprocess(
    (value) => (typeof value === "object" && value !== null && !Array.isArray(value) ? value : { in: value }),
    strict({
      in: texts.exactOptional(),
      not: texts.exactOptional(),
      exists: flag.exactOptional(),
      gt: decimalField.exactOptional(),
      gte: decimalField.exactOptional(),
      lt: decimalField.exactOptional(),
      lte: decimalField.exactOptional(),
    }).refine((value) => Object.keys(value).length > 0, {
      message: `is empty; write a text, or some of in, not, exists, ${CONDITION_BOUNDS.join(", ")}`,
    }),
  )
  .transform((value): MeterCondition => ({
    ...value,
    ...(value.in !== undefined && { in: [...new Set(value.in)].sort() }),
    ...(value.not !== undefined && { not: [...new Set(value.not)].sort() }),
  }));

const fields = strict({
  key,
  eventType,
  aggregation: oneOf(AGGREGATIONS),
  value: value.optional(),
  percentile,
  bucket,
  holdFor,
  recurring,
  uniqueOver,
  where: z.record(pointer, condition).exactOptional(),
  dimensions: z.record(dimensionName, pointer).default({}),
  whenMissing: oneOf(["reject", "skip"]).default("reject"),
});

export const meter = withCarriedRules(withBucketRules(fields))
  .refine(({ aggregation, value }) => aggregation !== "unique_count" || value === undefined || "value" in value, {
    ...inAnyCase("value"),
    message: "must be a JSON pointer: unique_count tells texts apart, which an expression has none of",
  })
  .refine(({ aggregation, value }) => aggregation !== "count" || value === undefined, {
    ...inAnyCase("value"),
    message: "must be absent: count counts events",
  })
  .refine(({ aggregation, value }) => aggregation === "count" || value !== undefined, {
    ...inAnyCase("value"),
    message: "is missing: every aggregation but count needs a JSON pointer to its value",
  })
  .refine(({ aggregation, percentile }) => (aggregation === "percentile") === (percentile !== undefined), {
    ...inAnyCase("percentile"),
    message: "belongs to the aggregation percentile, which cannot do without, such as 95",
  })
  .refine(({ where }) => Object.keys(where ?? {}).length <= CONDITIONS_MAX, {
    ...inAnyCase("where"),
    message: `must be at most ${CONDITIONS_MAX} conditions`,
  })
  .refine(({ dimensions }) => Object.keys(dimensions ?? {}).length <= DIMENSIONS_MAX, {
    ...inAnyCase("dimensions"),
    message: `must be at most ${DIMENSIONS_MAX}`,
  })
  .transform(({ value: read, ...rest }) => ({ ...withoutDefaults(rest), ...read }));
