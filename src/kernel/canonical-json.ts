/**
 * Canonical JSON of plain data: keys sorted by code unit, no white space, `undefined` members left out. Two equal values have the same bytes,
 * which is what entity hashes, the journal chain and rated lines rest on. Numbers must be safe integers: quantities and amounts are texts.
 */
import { assert } from "./assert.ts";

export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(",")}}`;
  }
  assert(typeof value !== "number" || Number.isSafeInteger(value), "canonical JSON holds whole numbers only", {
    value,
  });
  assert(value !== undefined && typeof value !== "bigint", "canonical JSON holds plain data only");
  return JSON.stringify(value);
}
