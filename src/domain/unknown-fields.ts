/** What to say about a field that a strict schema does not know: all there are, and the one that was probably meant. */
import { nearestName } from "../kernel/nearest-name.ts";

export function unknownFieldsMessage(fields: readonly string[], known: readonly string[]): string {
  const meant = fields.map((field) => nearestName(field, known)).filter((name) => name !== undefined);
  const hint = meant.length === 0 ? "" : `; did you mean ${meant.map((name) => `"${name}"`).join(", ")}?`;
  return `unknown field ${fields.map((field) => `"${field}"`).join(", ")}: the fields are ${known.join(", ")}${hint}`;
}
