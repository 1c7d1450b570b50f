/** One YAML or JSON file (JSON is YAML too) with the place of everything in it. */
import { isMap, isNode, isScalar, LineCounter, parseDocument, visit, type Document } from "yaml";
import type { JsonValue } from "../kernel/json-tree.ts";
import { decodeUtf8 } from "../kernel/utf8.ts";
import { exactJsonOf } from "./exact-json-of-yaml.ts";

export type CatalogDocument = {
  /** As plain data; undefined when the file is no YAML at all. */
  readonly content: unknown;
  readonly problems: readonly { readonly at: string; readonly problem: string }[];
  /** `file:line:column` of a value; of a missing one, of what should hold it. */
  readonly at: (path: readonly PropertyKey[]) => string;
  /** A value as exact JSON, numbers as they are written; or what in it is no JSON. */
  readonly exact: (path: readonly PropertyKey[]) => { readonly value: JsonValue } | NotJson;
};
type NotJson = { readonly at: string; readonly problem: string };

/** The name of a field that plain objects cannot have. */
const PROTO = "__proto__";

export function parseCatalogDocument(bytes: Uint8Array, name: string): CatalogDocument {
  const text = decodeUtf8(bytes);
  if (text === undefined) return unreadable(name, "the file is not valid UTF-8");
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const placeAt = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const problems = document.errors.map((error) => ({
    at: placeAt(error.pos[0]),
    problem: error.message.split("\n")[0]?.replace(/ at line \d+, column \d+:?$/, "") ?? error.message,
  }));
  // A field that is there twice leaves the rest readable.
  if (document.errors.some((error) => error.code !== "DUPLICATE_KEY")) return { ...unreadable(name, ""), problems };
  visit(document, {
    Pair: (_, { key }) => {
      if (isScalar(key) && key.value === PROTO)
        problems.push({ at: placeAt(key.range?.[0] ?? 0), problem: `${PROTO} cannot be a field or a name` });
    },
  });
  try {
    return {
      content: document.toJS(),
      problems,
      at: (path) => placeAt(offsetOf(document, path)),
      exact: (path) => {
        const result = exactJsonOf(document, document.getIn(path, true));
        return "value" in result ? result : { at: placeAt(result.offset), problem: result.problem };
      },
    };
  } catch (error) {
    // Aliases that multiply beyond measure.
    return unreadable(name, error instanceof Error ? error.message : String(error));
  }
}

function unreadable(name: string, problem: string): CatalogDocument {
  const at = `${name}:1:1`;
  return { content: undefined, problems: [{ at, problem }], at: () => at, exact: () => ({ at, problem }) };
}

/** A field stands where its name stands, an element of a list where it begins. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent: unknown = document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    const key = isMap(parent)
      ? parent.items.find((pair) => isScalar(pair.key) && pair.key.value === last)?.key
      : undefined;
    const node: unknown = key ?? document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}
