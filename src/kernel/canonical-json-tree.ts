/**
 * Canonical JSON of an exact tree: names sorted by code unit, no white space, numbers as written. Two events with the same data have the
 * same text whatever their spacing and order of members; `1.0` and `1.00` differ, because nothing here decides what a number means.
 */
import type { CanonicalNames } from "./json-shape.ts";
import { JsonNumber, JsonObject, type JsonValue } from "./json-tree.ts";

export function canonicalJsonOf(value: JsonValue): string {
  if (typeof value === "string") return canonicalString(value);
  if (value instanceof JsonNumber) return value.text;
  if (value instanceof JsonObject) return canonicalObject(value);
  if (value === null) return "null";
  if (typeof value === "boolean") return value ? "true" : "false";
  let text = "[";
  for (const item of value) text += (text.length > 1 ? "," : "") + canonicalJsonOf(item);
  return `${text}]`;
}

function canonicalObject(object: JsonObject): string {
  const { values } = object;
  const { positions, labels } = namesOf(object);
  let text = "{";
  for (let at = 0; at < positions.length; at += 1)
    text += (labels[at] as string) + canonicalJsonOf(values[positions[at] as number] as JsonValue);
  return `${text}}`;
}

function namesOf({ shape, names }: JsonObject): CanonicalNames {
  return shape === undefined ? canonicalNames(names) : (shape.canonical ??= canonicalNames(names));
}

export function canonicalNames(names: readonly string[]): CanonicalNames {
  const sorted = [...names.entries()].toSorted(([, a], [, b]) => byCodeUnit(a, b));
  return {
    positions: sorted.map(([position]) => position),
    labels: sorted.map(([, name], at) => `${at > 0 ? "," : ""}${canonicalString(name)}:`),
  };
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

// eslint-disable-next-line no-control-regex -- the control characters are the point
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;

/** As JSON.stringify, which costs several times as much for the usual short text that needs no escape. */
function canonicalString(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}
