/** A part of a YAML document as exact JSON: numbers by their source text, so that none passes through binary floating point. */
import { isAlias, isMap, isNode, isScalar, isSeq, type Document } from "yaml";
import { JsonNumber, JsonObject, type JsonValue } from "../kernel/json-tree.ts";

export type ExactJson = { readonly value: JsonValue } | { readonly offset: number; readonly problem: string };

/** YAML has more forms of numbers than JSON: 0x1F, .5, +1, .inf. */
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** The document has been read as plain data before, so that its aliases are known not to multiply beyond measure. */
export function exactJsonOf(document: Document, node: unknown): ExactJson {
  if (isAlias(node)) return exactJsonOf(document, node.resolve(document));
  if (isScalar(node)) return scalarOf(node.value, { source: node.source, offset: node.range?.[0] ?? 0 });
  if (isSeq(node)) return listOf(document, node.items);
  if (isMap(node)) return objectOf(document, node.items);
  return { offset: isNode(node) ? (node.range?.[0] ?? 0) : 0, problem: "is no JSON" };
}

type ScalarPlace = { readonly source: string | undefined; readonly offset: number };

function scalarOf(value: unknown, { source, offset }: ScalarPlace): ExactJson {
  if (value === null || typeof value === "string" || typeof value === "boolean") return { value };
  if (source !== undefined && JSON_NUMBER.test(source)) return { value: new JsonNumber(source) };
  return { offset, problem: `is ${source ?? typeof value}; write the number as JSON does, such as 12.5` };
}

function listOf(document: Document, items: readonly unknown[]): ExactJson {
  const list: JsonValue[] = [];
  for (const item of items) {
    const result = exactJsonOf(document, item);
    if (!("value" in result)) return result;
    list.push(result.value);
  }
  return { value: list };
}

function objectOf(document: Document, pairs: readonly { readonly key: unknown; readonly value: unknown }[]): ExactJson {
  const object = new JsonObject();
  for (const { key, value } of pairs) {
    const result = value === null ? { value: null } : exactJsonOf(document, value);
    if (!("value" in result)) return result;
    if (!isScalar(key)) return { offset: 0, problem: "has a name that is no text" };
    object.add(key.source ?? String(key.value), result.value);
  }
  return { value: object };
}
