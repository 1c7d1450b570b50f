/** Keywords about the members of objects and the items of arrays. Each applies to its kind of value and lets every other pass. */
import { JsonObject, type JsonValue } from "../json-tree.ts";
import { below, fails, runNode, type Keyword, type KeywordContext, type SchemaNode } from "./schema-types.ts";
import { countCheck, countOf, shown } from "./value-keywords.ts";
import { isList, valueKey } from "./value-key.ts";

const properties: Keyword = (value, context) => {
  const nodes = nodesOf(value, context);
  if (nodes === undefined) return undefined;
  return (found, run) => {
    if (!(found instanceof JsonObject)) return undefined;
    for (const [name, node] of nodes) {
      const member = found.get(name);
      const failure = member === undefined ? undefined : below(name, runNode(node, member, run));
      if (failure !== undefined) return failure;
    }
    return undefined;
  };
};

const required: Keyword = (value, context) => {
  const names = namesOf(value, context);
  return names && ((found) => (found instanceof JsonObject ? missingOf(found, names) : undefined));
};

const additionalProperties: Keyword = (value, context) => {
  const node = context.sub(value, []);
  const listed = context.schema.get("properties");
  const known = new Set(listed instanceof JsonObject ? listed.names : []);
  return (found, run) => {
    if (!(found instanceof JsonObject)) return undefined;
    for (let at = 0; at < found.names.length; at += 1) {
      const name = found.names[at] ?? "";
      if (known.has(name)) continue;
      if (value === false) return { path: [name], message: "is not among the properties" };
      const failure = below(name, runNode(node, found.values[at] ?? null, run));
      if (failure !== undefined) return failure;
    }
    return undefined;
  };
};

const propertyNames: Keyword = (value, context) => {
  const node = context.sub(value, []);
  return (found, run) => {
    if (!(found instanceof JsonObject)) return undefined;
    for (const name of found.names) {
      const failure = runNode(node, name, run);
      if (failure !== undefined) return fails(`the name ${shown(JSON.stringify(name))} ${failure.message}`);
    }
    return undefined;
  };
};

const dependentRequired: Keyword = (value, context) => {
  if (!(value instanceof JsonObject)) return context.problem("must be an object of lists of names");
  const rules = value.names.map((name) => {
    const problem = (message: string): undefined => context.problem(message, [name]);
    return { name, names: namesOf(value.get(name) ?? null, { problem }) ?? [] };
  });
  return (found) => {
    if (!(found instanceof JsonObject)) return undefined;
    for (const { name, names } of rules) {
      const failure = found.indexOf(name) < 0 ? undefined : missingOf(found, names);
      if (failure !== undefined) return failure;
    }
    return undefined;
  };
};

const prefixItems: Keyword = (value, context) => {
  if (!isList(value) || value.length === 0) return context.problem("must be a list of schemas");
  const nodes = value.map((item, index) => context.sub(item, [index]));
  return (found, run) => {
    if (!isList(found)) return undefined;
    for (let at = 0; at < Math.min(nodes.length, found.length); at += 1) {
      const failure = below(String(at), runNode(nodes[at] as SchemaNode, found[at] as JsonValue, run));
      if (failure !== undefined) return failure;
    }
    return undefined;
  };
};

const items: Keyword = (value, context) => {
  if (isList(value)) return context.problem("must be a schema: a list of them is prefixItems in draft 2020-12");
  const node = context.sub(value, []);
  const prefix = context.schema.get("prefixItems");
  const from = prefix !== undefined && isList(prefix) ? prefix.length : 0;
  return (found, run) => {
    if (!isList(found)) return undefined;
    for (let at = from; at < found.length; at += 1) {
      const failure = below(String(at), runNode(node, found[at] as JsonValue, run));
      if (failure !== undefined) return failure;
    }
    return undefined;
  };
};

/** minContains and maxContains belong to it. */
const contains: Keyword = (value, context) => {
  const node = context.sub(value, []);
  const bound = (name: string, otherwise: number): number => {
    const given = context.schema.get(name);
    return given === undefined ? otherwise : (countOf(given, context) ?? otherwise);
  };
  const least = bound("minContains", 1);
  const most = bound("maxContains", Number.MAX_SAFE_INTEGER);
  return (found, run) => {
    if (!isList(found)) return undefined;
    const count = found.filter((item) => runNode(node, item, run) === undefined).length;
    if (count < least) return fails(`must contain at least ${String(least)} items that fit, has ${String(count)}`);
    return count > most
      ? fails(`must contain at most ${String(most)} items that fit, has ${String(count)}`)
      : undefined;
  };
};

const uniqueItems: Keyword = (value, context) => {
  if (typeof value !== "boolean") return context.problem("must be true or false");
  if (!value) return undefined;
  return (found) => {
    if (!isList(found)) return undefined;
    const keys = new Set<string>();
    for (let at = 0; at < found.length; at += 1) {
      const key = valueKey(found[at] as JsonValue);
      if (keys.has(key)) return { path: [String(at)], message: "is there twice" };
      keys.add(key);
    }
    return undefined;
  };
};

function sizeKeyword(least: boolean, of: "items" | "properties"): Keyword {
  return (value, context) => {
    const bound = countOf(value, context);
    if (bound === undefined) return undefined;
    const sizeOf = (found: JsonValue): number | undefined => {
      if (of === "items") return isList(found) ? found.length : undefined;
      return found instanceof JsonObject ? found.names.length : undefined;
    };
    return countCheck({ countOf: sizeOf, bound, least, unit: of });
  };
}

/** In the order in which they are checked. */
export const PART_KEYWORDS: Readonly<Record<string, Keyword>> = {
  required,
  properties,
  additionalProperties,
  propertyNames,
  dependentRequired,
  minProperties: sizeKeyword(true, "properties"),
  maxProperties: sizeKeyword(false, "properties"),
  minItems: sizeKeyword(true, "items"),
  maxItems: sizeKeyword(false, "items"),
  prefixItems,
  items,
  contains,
  uniqueItems,
};

/** Schemas by name. */
export function nodesOf(
  value: JsonValue,
  context: KeywordContext,
  sameValue?: "sameValue",
): readonly (readonly [string, SchemaNode])[] | undefined {
  if (!(value instanceof JsonObject)) return context.problem("must be an object of schemas");
  return value.names.map((name) => [name, context.sub(value.get(name) ?? null, [name], sameValue)]);
}

function namesOf(value: JsonValue, context: Pick<KeywordContext, "problem">): readonly string[] | undefined {
  if (isList(value) && value.every((name) => typeof name === "string")) return value;
  return context.problem("must be a list of names");
}

function missingOf(found: JsonObject, names: readonly string[]) {
  const missing = names.find((name) => found.indexOf(name) < 0);
  return missing === undefined ? undefined : { path: [missing], message: "is missing" };
}
