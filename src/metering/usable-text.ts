import { CONTROL_CHARACTER } from "../domain/control-character.ts";
import { ATTRIBUTE_BYTES_MAX } from "../domain/usage-event.ts";
import type { JsonValue } from "../kernel/json-tree.ts";
import { exceedsBytes } from "../kernel/utf8.ts";

/** The text of an attribute; empty where it is absent or can't be one. */
export function usableText(value: JsonValue | undefined): string {
  return typeof value === "string" && !exceedsBytes(value, ATTRIBUTE_BYTES_MAX) && !CONTROL_CHARACTER.test(value)
    ? value
    : "";
}
