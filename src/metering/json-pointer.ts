/** JSON pointers (RFC 6901) into an event, compiled once and followed once per event and meter. */
import { assert } from "../kernel/assert.ts";
import { itemAt, JsonNumber, JsonObject, type JsonValue } from "../kernel/json-tree.ts";

/** The reference tokens, unescaped; none points to the whole. */
export type JsonPointer = readonly string[];

/** The catalog has checked the pointer already; anything else here is a broken invariant. */
export function parseJsonPointer(text: string): JsonPointer {
  if (text === "") return [];
  assert(text.startsWith("/") && !/~(?![01])/.test(text), "a meter's JSON pointer is malformed", { pointer: text });
  return text
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The value at the pointer; undefined where the event has none. */
export function followPointer(root: JsonValue, pointer: JsonPointer): JsonValue | undefined {
  let value: JsonValue | undefined = root;
  for (const token of pointer) {
    if (value instanceof JsonObject) value = value.get(token);
    else if (isArray(value)) value = itemAt(value, token);
    else return undefined;
  }
  return value;
}

function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return (
    typeof value === "object" && value !== null && !(value instanceof JsonNumber) && !(value instanceof JsonObject)
  );
}

export function pointerText(pointer: JsonPointer): string {
  return pointer.map((token) => `/${token.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
