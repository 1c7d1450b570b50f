/** Equality as JSON Schema defines it: objects by their members in any order, numbers by their value. Equal values have the same key. */
import { JsonNumber, JsonObject, type JsonValue } from "../json-tree.ts";
import { exactNumber, numberKey } from "./exact-number.ts";

export function valueKey(value: JsonValue): string {
  if (value instanceof JsonNumber) {
    const number = exactNumber(value.text);
    // One that is too large to read equals no other but what is written like it.
    return number === undefined ? value.text : numberKey(number);
  }
  if (value instanceof JsonObject) {
    const names = value.names.toSorted((a, b) => (a < b ? -1 : 1));
    return `{${names.map((name) => `${JSON.stringify(name)}:${valueKey(value.get(name) ?? null)}`).join(",")}}`;
  }
  if (isList(value)) return `[${value.map(valueKey).join(",")}]`;
  return JSON.stringify(value);
}

export function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

export const TYPES = ["null", "boolean", "object", "array", "number", "string", "integer"] as const;
export type TypeName = (typeof TYPES)[number];

/** The type as JSON has it; an integer is a number here. */
export function typeOf(value: JsonValue): Exclude<TypeName, "integer"> {
  if (value === null) return "null";
  if (typeof value === "boolean" || typeof value === "string") return typeof value as "boolean" | "string";
  if (value instanceof JsonNumber) return "number";
  return value instanceof JsonObject ? "object" : "array";
}
