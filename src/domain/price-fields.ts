/** The forms that the fields of a price are built from. Each message names the field, the value and the fix. */
import { z } from "zod";
import { decimal } from "../kernel/decimal.ts";
import { fieldName, shownValue } from "./decimal-field.ts";
import { unknownFieldsMessage } from "./unknown-fields.ts";

export type FieldContext = z.core.$RefinementCtx;

/** A strict object whose complaint names the unknown field and the known ones. */
export function strict<Shape extends z.core.$ZodLooseShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? unknownFieldsMessage(issue.keys, known)
        : `${fieldName(issue.path)} is ${shownValue(issue.input)}: write an object with the fields ${known.join(", ")}`,
  });
}

export function requireExactlyOne(value: Readonly<Record<string, unknown>>, context: FieldContext): void {
  if (Object.keys(value).length === 1) return;
  complain(context, [], `has ${Object.keys(value).join(" and ") || "no field"}: write exactly one of its fields`);
}

type NamedBound = readonly [field: string, value: string | undefined];

export function requireOrdered(context: FieldContext, bounds: { low: NamedBound; high: NamedBound }): void {
  const [lowField, low] = bounds.low;
  const [highField, high] = bounds.high;
  if (low === undefined || high === undefined || decimal(low).lte(decimal(high))) return;
  complain(context, [lowField], `${lowField} is "${low}": it must not be above ${highField} "${high}"`);
}

export function complain(context: FieldContext, path: PropertyKey[], message: string): void {
  context.addIssue({ code: "custom", path, message });
}

export function chooseOneOf(
  issue: { readonly path?: readonly PropertyKey[] | undefined; readonly input?: unknown },
  values: readonly string[],
): string {
  return `${fieldName(issue.path)} is ${shownValue(issue.input)}: choose one of ${values.join(", ")}`;
}
