/**
 * Canonical JSON of plain data: keys sorted by code unit, no white space, `undefined` members left out. Two equal values have the same bytes,
 * which is what entity hashes, the journal chain and rated lines rest on. Numbers must be safe integers: quantities and amounts are texts.
 */
import { assert } from "./assert.ts";

export function canonicalJson(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value !== null && typeof value === "object") return Array.isArray(value) ? arrayText(value) : objectText(value);
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
  // Without a comparison of its own, `sort` goes by code unit.
  for (const key of Object.keys(value).sort()) {
    const member = members[key];
    if (member !== undefined) text += `${text === "" ? "{" : ","}${JSON.stringify(key)}:${canonicalJson(member)}`;
  }
  return text === "" ? "{}" : `${text}}`;
}
