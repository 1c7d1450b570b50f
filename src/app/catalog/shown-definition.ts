/** A definition as the diff compares it: a schema, which is stored as a text, as the tree that people wrote. */
import type { EntityDefinition, EntityKind } from "../../domain/catalog.ts";
import { schemaTree } from "../../domain/event-type.ts";
import { JsonNumber, JsonObject, type JsonValue } from "../../kernel/json-tree.ts";

export function shownDefinition(definition: EntityDefinition[EntityKind]): object {
  if (!("schema" in definition)) return definition;
  return { ...definition, schema: shownTree(schemaTree(definition.schema) ?? null) };
}

/** Canonical JSON, which shows it, has whole numbers only; others stand there as texts. */
function shownTree(value: JsonValue): unknown {
  if (value instanceof JsonNumber) return /^-?\d{1,15}$/.test(value.text) ? Number(value.text) : `number ${value.text}`;
  if (value instanceof JsonObject)
    return Object.fromEntries(value.names.map((name, index) => [name, shownTree(value.values[index] ?? null)]));
  return Array.isArray(value) ? (value as readonly JsonValue[]).map(shownTree) : value;
}
