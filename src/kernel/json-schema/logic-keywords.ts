/** Keywords that combine schemas about the same value. */
import { JsonObject } from "../json-tree.ts";
import { fails, runNode, type Keyword, type KeywordContext, type SchemaNode } from "./schema-types.ts";
import { nodesOf } from "./part-keywords.ts";
import { isList } from "./value-key.ts";
import type { JsonValue } from "../json-tree.ts";

const ref: Keyword = (value, context) => {
  if (typeof value !== "string") return context.problem("must be a text");
  const node = context.ref(value);
  return node && ((found, run) => runNode(node, found, run));
};

const allOf: Keyword = (value, context) => {
  const nodes = listOf(value, context);
  return nodes && ((found, run) => firstFailure(nodes, (node) => runNode(node, found, run)));
};

const anyOf: Keyword = (value, context) => {
  const nodes = listOf(value, context);
  if (nodes === undefined) return undefined;
  return (found, run) => {
    const failures = nodes.map((node) => runNode(node, found, run));
    if (failures.some((failure) => failure === undefined)) return undefined;
    // One alternative: what is wrong is wrong with it.
    return failures.length === 1
      ? failures[0]
      : fails(`must fit one of ${String(nodes.length)} schemas (anyOf), fits none`);
  };
};

const oneOf: Keyword = (value, context) => {
  const nodes = listOf(value, context);
  if (nodes === undefined) return undefined;
  return (found, run) => {
    const fitting = nodes.filter((node) => runNode(node, found, run) === undefined).length;
    if (fitting === 1) return undefined;
    return fails(`must fit exactly one of ${String(nodes.length)} schemas (oneOf), fits ${String(fitting)}`);
  };
};

const not: Keyword = (value, context) => {
  const node = context.sub(value, [], "sameValue");
  return (found, run) =>
    runNode(node, found, run) === undefined ? fails("must not fit the schema in not") : undefined;
};

/** then and else belong to it. */
const condition: Keyword = (value, context) => {
  const node = context.sub(value, [], "sameValue");
  const branch = (name: "then" | "else"): SchemaNode | undefined => {
    const schema = context.schema.get(name);
    return schema === undefined ? undefined : context.sub(schema, ["..", name], "sameValue");
  };
  const [then, otherwise] = [branch("then"), branch("else")];
  return (found, run) => {
    const next = runNode(node, found, run) === undefined ? then : otherwise;
    return next && runNode(next, found, run);
  };
};

const dependentSchemas: Keyword = (value, context) => {
  const nodes = nodesOf(value, context, "sameValue");
  if (nodes === undefined) return undefined;
  return (found, run) =>
    found instanceof JsonObject
      ? firstFailure(nodes, ([name, node]) => (found.indexOf(name) < 0 ? undefined : runNode(node, found, run)))
      : undefined;
};

/** Schemas for others to refer to. */
const definitions: Keyword = (value, context) => {
  nodesOf(value, context);
  return undefined;
};

/** In the order in which they are checked. */
export const LOGIC_KEYWORDS: Readonly<Record<string, Keyword>> = {
  $defs: definitions,
  definitions,
  $ref: ref,
  allOf,
  anyOf,
  oneOf,
  not,
  if: condition,
  dependentSchemas,
};

function listOf(value: JsonValue, context: KeywordContext): readonly SchemaNode[] | undefined {
  if (!isList(value) || value.length === 0) return context.problem("must be a list of schemas");
  return value.map((item, index) => context.sub(item, [index], "sameValue"));
}

function firstFailure<T>(list: readonly T[], failureOf: (item: T) => ReturnType<typeof runNode>) {
  for (const item of list) {
    const failure = failureOf(item);
    if (failure !== undefined) return failure;
  }
  return undefined;
}
