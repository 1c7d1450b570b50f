/** An event type whose data has to fit a JSON Schema (draft 2020-12). The schema is canonical JSON as a text, because numbers in it stay as written. */
import { canonicalJsonOf } from "../kernel/canonical-json-tree.ts";
import { parseExactJson } from "../kernel/exact-json.ts";
import { compileSchema, type CompiledSchema } from "../kernel/json-schema/compile-schema.ts";
import type { SchemaProblem } from "../kernel/json-schema/schema-types.ts";
import type { JsonValue } from "../kernel/json-tree.ts";

export type EventType = { readonly key: string; readonly schema: string };

/** Elements of a top-level array, which no schema is. */
const ELEMENTS_MAX = 1;

export function schemaText(schema: JsonValue): string {
  return canonicalJsonOf(schema);
}

/** The schema's exact tree; undefined for what is no JSON, or a list. */
export function schemaTree(text: string): JsonValue | undefined {
  const document = parseExactJson(text, ELEMENTS_MAX);
  if ("error" in document || document.kind === "array") return undefined;
  const [element] = document.elements;
  return element?.flaw === undefined ? element?.value : undefined;
}

export function compileEventSchema(text: string): CompiledSchema | { readonly problems: readonly SchemaProblem[] } {
  const tree = schemaTree(text);
  return tree === undefined
    ? { problems: [{ path: [], message: "must be a schema: an object, true or false" }] }
    : compileSchema(tree);
}
