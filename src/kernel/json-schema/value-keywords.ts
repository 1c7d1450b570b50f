/** Keywords about a value by itself: its type, equality, numbers and texts. */
import { JsonNumber, type JsonValue } from "../json-tree.ts";
import { compareNumbers, exactNumber, isInteger, isMultipleOf, type ExactNumber } from "./exact-number.ts";
import { fails, type Keyword, type KeywordContext, type SchemaCheck } from "./schema-types.ts";
import { isList, TYPES, typeOf, valueKey, type TypeName } from "./value-key.ts";

const SHOWN_CHARACTERS_MAX = 64;
const UNREADABLE = fails("has an exponent of more than 18 digits");

const type: Keyword = (value, context) => {
  const names = isList(value) ? value : [value];
  if (names.length === 0 || !names.every(isTypeName))
    return context.problem(`must be one or a list of ${TYPES.join(", ")}`);
  const allowed = new Set<TypeName>(names);
  const message = `must be ${names.map((name) => (name === "null" ? name : `a${/^[aio]/.test(name) ? "n" : ""} ${name}`)).join(" or ")}`;
  return (found) => {
    const is = typeOf(found);
    if (allowed.has(is)) return undefined;
    if (!(found instanceof JsonNumber) || !allowed.has("integer")) return fails(`${message}, is ${is}`);
    const number = exactNumber(found.text);
    if (number === undefined) return UNREADABLE;
    return isInteger(number) ? undefined : fails(`${message}, is ${shown(found.text)}`);
  };
};

const enumeration: Keyword = (value, context) => {
  if (!isList(value)) return context.problem("must be a list of values");
  const keys = new Set(value.map(valueKey));
  const message = `must be one of ${shown(value.map(valueKey).join(", "))}`;
  return (found) => (keys.has(valueKey(found)) ? undefined : fails(message));
};

const constant: Keyword = (value) => {
  const key = valueKey(value);
  return (found) => (valueKey(found) === key ? undefined : fails(`must be ${shown(key)}`));
};

type Holds = (value: ExactNumber, bound: ExactNumber) => boolean;

function numberKeyword(name: string, holds: Holds): Keyword {
  return (value, context) => {
    const bound = numberOf(value, context);
    if (bound === undefined) return undefined;
    const message = `must be ${name} ${(value as JsonNumber).text}`;
    return (found) => {
      if (!(found instanceof JsonNumber)) return undefined;
      const number = exactNumber(found.text);
      if (number === undefined) return UNREADABLE;
      return holds(number, bound) ? undefined : fails(message);
    };
  };
}

const multipleOf: Keyword = (value, context) => {
  const divisor = numberOf(value, context);
  if (divisor === undefined) return undefined;
  if (divisor.negative || divisor.digits === "") return context.problem("must be a number greater than 0");
  return numberKeyword("a multiple of", isMultipleOf)(value, context);
};

function lengthKeyword(name: string, holds: (length: number, bound: number) => boolean): Keyword {
  return (value, context) => {
    const bound = countOf(value, context);
    if (bound === undefined) return undefined;
    const message = `must have ${name} ${String(bound)} characters`;
    return (found) => (typeof found !== "string" || holds(codePoints(found), bound) ? undefined : fails(message));
  };
}

/** In the order in which they are checked. */
export const VALUE_KEYWORDS: Readonly<Record<string, Keyword>> = {
  type,
  enum: enumeration,
  const: constant,
  multipleOf,
  minimum: numberKeyword("at least", (value, bound) => compareNumbers(value, bound) >= 0),
  exclusiveMinimum: numberKeyword("greater than", (value, bound) => compareNumbers(value, bound) > 0),
  maximum: numberKeyword("at most", (value, bound) => compareNumbers(value, bound) <= 0),
  exclusiveMaximum: numberKeyword("less than", (value, bound) => compareNumbers(value, bound) < 0),
  minLength: lengthKeyword("at least", (length, bound) => length >= bound),
  maxLength: lengthKeyword("at most", (length, bound) => length <= bound),
};

/** A count, such as of items: an integer from 0, in any notation. */
export function countOf(value: JsonValue, context: Pick<KeywordContext, "problem">): number | undefined {
  const number = value instanceof JsonNumber ? exactNumber(value.text) : undefined;
  const count = number !== undefined && isInteger(number) && !number.negative ? Number((value as JsonNumber).text) : -1;
  return Number.isSafeInteger(count) && count >= 0 ? count : context.problem("must be an integer from 0");
}

/** A check of how many there are, which applies to values that have such a count. */
export function countCheck(input: {
  readonly countOf: (value: JsonValue) => number | undefined;
  readonly bound: number;
  readonly least: boolean;
  readonly unit: string;
}): SchemaCheck {
  const { bound, least, unit } = input;
  const message = `must have at ${least ? "least" : "most"} ${String(bound)} ${unit}`;
  return (value) => {
    const count = input.countOf(value);
    if (count === undefined) return undefined;
    return (least ? count >= bound : count <= bound) ? undefined : fails(message);
  };
}

export function shown(text: string): string {
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text;
}

function numberOf(value: JsonValue, context: KeywordContext): ExactNumber | undefined {
  const number = value instanceof JsonNumber ? exactNumber(value.text) : undefined;
  return number ?? context.problem("must be a number with an exponent of at most 18 digits");
}

function isTypeName(value: JsonValue): value is TypeName {
  return TYPES.some((name) => name === value);
}

/** Code points, as JSON Schema counts characters. */
function codePoints(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0xdc00 || code > 0xdfff) count += 1;
  }
  return count;
}
