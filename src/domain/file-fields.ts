/**
 * Fields of catalog files that several entities have, and the forms they are built from. Each message names the value and the fix, because it is
 * shown beside the file and the line.
 */
import { z } from "zod";
import { parseInstant } from "../kernel/instant.ts";
import { isWindowBoundary } from "../kernel/period.ts";
import { shownValue } from "./decimal-field.ts";
import { unknownFieldsMessage } from "./unknown-fields.ts";

const KEY_LENGTH_MAX = 128;
export const TEXT_LENGTH_MAX = 512;

export const key = checked(
  (value) => /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(value) && value.length <= KEY_LENGTH_MAX,
  `must begin with a letter or digit and hold only letters, digits, ".", "_" and "-" (at most ${KEY_LENGTH_MAX} characters)`,
);
export const text = checked(
  (value) => value.trim() !== "" && value.length <= TEXT_LENGTH_MAX,
  `must be a text of 1 to ${TEXT_LENGTH_MAX} characters`,
);
export const boundary = checked((value) => {
  const instant = parseInstant(value);
  return instant !== undefined && isWindowBoundary(instant);
}, 'must be a time with offset on a full quarter of an hour, such as "2026-01-01T00:00:00+01:00"');
export const flag = z.boolean({ error: (issue) => `is ${shownValue(issue.input)}; write true or false` });

/** A strict object whose complaint names the unknown field, the one that was probably meant, and the known ones. */
export function strict<Shape extends z.core.$ZodLooseShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === "unrecognized_keys") return unknownFieldsMessage(issue.keys, known);
      if (issue.input === undefined) return "is missing";
      return `is ${shownValue(issue.input)}; write an object with the fields ${known.join(", ")}`;
    },
  });
}

/** For a rule between fields that is checked beside the fields themselves, so that all problems come at once. Its fields may be wrong or missing. */
export function inAnyCase(path: string) {
  return {
    path: [path],
    when: ({ value }: { readonly value: unknown }) =>
      typeof value === "object" && value !== null && !Array.isArray(value),
  };
}

export function oneOf<const Values extends readonly string[]>(values: Values) {
  return z.enum(values, {
    error: (issue) =>
      issue.input === undefined
        ? "is missing"
        : `is ${shownValue(issue.input)}; write ${values.length === 1 ? "" : "one of "}${values.join(", ")}`,
  });
}

export function listOf<Element extends z.ZodType>(element: Element): z.ZodArray<Element> {
  return z.array(element, {
    error: (issue) => (issue.input === undefined ? "is missing" : `is ${shownValue(issue.input)}; write a list`),
  });
}

export function checked(holds: (value: string) => boolean, rule: string) {
  return z.string({ error: (issue) => notTextMessage(issue.input, rule) }).superRefine((value, context) => {
    if (!holds(value)) context.addIssue({ code: "custom", message: `is ${shownValue(value)}; ${rule}` });
  });
}

/** YAML reads an unquoted 2026 or true as no text at all. */
function notTextMessage(value: unknown, rule: string): string {
  if (value === undefined) return "is missing";
  if (typeof value === "number" || typeof value === "boolean")
    return `is the ${typeof value} ${String(value)}; put it in quotes, "${String(value)}"`;
  return `is ${shownValue(value)}; ${rule}`;
}
