/** Which fields of an entity differ, as a reader of the diff wants to see it. */
import { canonicalJson } from "../../kernel/canonical-json.ts";

const SHOWN_CHARACTERS_MAX = 160;

type Members = Readonly<Record<string, unknown>>;
type Keyed = Members & { readonly key: string };

/** `field: old → new` for each field that differs, down to the single amount: `prices.output.price.tiers[0].unitAmount: "2" → "3"`. */
export function changedFields(before: object, after: object): string[] {
  return differences("", before, after);
}

/** As the diff shows a value. */
export function shownField(value: unknown): string {
  const text = value === undefined ? "nothing" : canonicalJson(value);
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text;
}

export function equalFields(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return a === b;
  return canonicalJson(a) === canonicalJson(b);
}

function differences(path: string, before: unknown, after: unknown): string[] {
  if (equalFields(before, after)) return [];
  if (isMembers(before) && isMembers(after)) return ofMembers(path, before, after);
  if (isKeyedList(before) && isKeyedList(after)) return ofKeyedLists(path, before, after);
  if (isList(before) && isList(after) && before.length === after.length)
    return before.flatMap((item, index) => differences(`${path}[${index}]`, item, after[index]));
  return [`${path}: ${shownField(before)} → ${shownField(after)}`];
}

function ofMembers(path: string, before: Members, after: Members): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => differences(path === "" ? name : `${path}.${name}`, before[name], after[name]));
}

/** Elements with a key are compared by it, so that one more price is one line. Their order is told only where nothing else is. */
function ofKeyedLists(path: string, before: readonly Keyed[], after: readonly Keyed[]): string[] {
  const byKey = (list: readonly Keyed[]): Members => Object.fromEntries(list.map((item) => [item.key, item]));
  const found = ofMembers(path, byKey(before), byKey(after));
  if (found.length > 0) return found;
  const order = (list: readonly Keyed[]): string => list.map((item) => item.key).join(", ");
  return [`${path}: order ${order(before)} → ${order(after)}`];
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isKeyedList(value: unknown): value is readonly Keyed[] {
  return isList(value) && value.every((item) => isMembers(item) && typeof item["key"] === "string");
}
