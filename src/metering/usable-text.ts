import { ATTRIBUTE_BYTES_MAX } from "../domain/usage-event.ts";
import type { JsonValue } from "../kernel/json-tree.ts";
import { exceedsBytes } from "../kernel/utf8.ts";

/** Control characters and DEL: CloudEvents allows none in a string attribute. */
// eslint-disable-next-line no-control-regex -- the control characters are the point
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;

/** The text of an attribute; empty where it is absent or can't be one. */
export function usableText(value: JsonValue | undefined): string {
  return typeof value === "string" && !exceedsBytes(value, ATTRIBUTE_BYTES_MAX) && !CONTROL_CHARACTER.test(value)
    ? value
    : "";
}
