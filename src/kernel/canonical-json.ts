/**
 * Canonical JSON of plain data: keys sorted by code unit, no white space, `undefined` members left out. Two equal values have the same bytes,
 * which is what entity hashes, the journal chain and rated lines rest on. Numbers must be safe integers: quantities and amounts are texts.
 */
import { assert } from "./assert.ts";

/** All but printable ASCII without quotation mark and backslash: what may have to be escaped, as lone surrogates are. */
const MAYBE_ESCAPED = /[^ !#-[\]-~]/;

const kept = new WeakMap<object, string>();

/** Freezes what many values hold, such as a price that is part of thousands of lines, and keeps its text for as long as it lives. */
export function keptJson<Value extends object>(value: Value): Value {
  if (!kept.has(value)) {
    deepFreeze(value);
    kept.set(value, canonicalJson(value));
  }
  return value;
}

export function canonicalJson(value: unknown): string {
  if (typeof value === "string") return stringText(value);
  if (value !== null && typeof value === "object")
    return kept.get(value) ?? (Array.isArray(value) ? arrayText(value) : objectText(value));
  assert(typeof value !== "number" || Number.isSafeInteger(value), "canonical JSON holds whole numbers only", {
    value,
  });
  assert(value !== undefined && typeof value !== "bigint", "canonical JSON holds plain data only");
  return JSON.stringify(value);
}

function arrayText(items: readonly unknown[]): string {
  let text = "";
  for (const item of items) text += `${text === "" ? "[" : ","}${canonicalJson(item)}`;
  return text === "" ? "[]" : `${text}]`;
}

function objectText(value: object): string {
  const members = value as Readonly<Record<string, unknown>>;
  let text = "";
  for (const key of sortedKeys(value)) {
    const member = members[key];
    if (member !== undefined) text += `${text === "" ? "{" : ","}${stringText(key)}:${canonicalJson(member)}`;
  }
  return text === "" ? "{}" : `${text}}`;
}

function deepFreeze(value: object): void {
  for (const member of Object.values(value) as readonly unknown[])
    if (typeof member === "object" && member !== null) deepFreeze(member);
  Object.freeze(value);
}

/** Most texts have nothing to escape, and looking for it costs a third of `JSON.stringify`. */
function stringText(text: string): string {
  return MAYBE_ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** Most objects are written in order already, and looking costs less than sorting. */
function sortedKeys(value: object): readonly string[] {
  const keys = Object.keys(value);
  let before = "";
  for (const key of keys) {
    // Without a comparison of its own, `sort` goes by code unit, as `<` does.
    if (key < before) return keys.sort();
    before = key;
  }
  return keys;
}
