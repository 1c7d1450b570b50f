/**
 * Whether data that fits a JSON Schema can have anything at a pointer. Only what is certain counts: a name that `properties` does not have where
 * `additionalProperties` is false, and a type that has no such parts. Whatever other keywords say, the answer is then that it can.
 */
import { JsonObject, type JsonValue } from "../kernel/json-tree.ts";

/** Tokens are those of the pointer below the data, unescaped. The first one that cannot be, from 0; -1 when all can. */
export function impossibleToken(schema: JsonValue, tokens: readonly string[]): number {
  let part: JsonValue | undefined = schema;
  for (const [index, token] of tokens.entries()) {
    if (part === false) return index;
    if (!(part instanceof JsonObject)) return -1;
    if (!hasParts(part.get("type"))) return index;
    const properties: JsonValue | undefined = part.get("properties");
    const own: JsonValue | undefined = properties instanceof JsonObject ? properties.get(token) : undefined;
    // In a list the token is an index: items are not looked into.
    if (own === undefined && mayBeList(part.get("type"))) return -1;
    part = own ?? part.get("additionalProperties");
    if (part === undefined) return -1;
    if (part === false) return index;
  }
  return -1;
}

function typesOf(type: JsonValue | undefined): readonly JsonValue[] | undefined {
  if (type === undefined) return undefined;
  return Array.isArray(type) ? (type as readonly JsonValue[]) : [type];
}

function hasParts(type: JsonValue | undefined): boolean {
  return typesOf(type)?.some((one) => one === "object" || one === "array") ?? true;
}

function mayBeList(type: JsonValue | undefined): boolean {
  return typesOf(type)?.includes("array") ?? true;
}
