/**
 * JSON Schema (draft 2020-12) over exact JSON. Validators that are around read values through JSON.parse, so that 0.1, 1e400 and integers of twenty digits
 * are other numbers to them than to the producer; here every keyword sees the text that was sent. What can't be done exactly or in bounded time is
 * refused by name when the schema is compiled: references to elsewhere, regular expressions, formats, and what depends on annotations. No code
 * is made from a schema or a value.
 */
import { JsonObject, type JsonValue } from "../json-tree.ts";
import { nearestName } from "../nearest-name.ts";
import { LOGIC_KEYWORDS } from "./logic-keywords.ts";
import { PART_KEYWORDS } from "./part-keywords.ts";
import {
  fails,
  runNode,
  type Keyword,
  type KeywordContext,
  type SchemaFailure,
  type SchemaNode,
  type SchemaProblem,
} from "./schema-types.ts";
import { VALUE_KEYWORDS } from "./value-keywords.ts";

export type CompiledSchema = {
  /** What is wrong with a value, the first in a fixed order; undefined when nothing is. `stepsMax` bounds the work. */
  readonly check: (value: JsonValue, stepsMax: number) => SchemaFailure | undefined;
};

const DRAFT = "https://json-schema.org/draft/2020-12/schema";
const NODES_MAX = 5_000;

const CHECKED: Readonly<Record<string, Keyword>> = { ...LOGIC_KEYWORDS, ...VALUE_KEYWORDS, ...PART_KEYWORDS };
/** They say something to people, or belong to a keyword that reads them itself. */
const SILENT = [
  ...[
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
  ],
  ...["then", "else", "minContains", "maxContains"],
];
const REFUSED: Readonly<Record<string, string>> = {
  pattern:
    "is not supported: a regular expression may take for ever over somebody's text; use enum, const, minLength or maxLength",
  patternProperties:
    "is not supported: a regular expression may take for ever over somebody's text; use properties or propertyNames",
  format: "is not supported: it asserts nothing in draft 2020-12, leave it out",
  unevaluatedProperties: "is not supported; use additionalProperties",
  unevaluatedItems: "is not supported; use items",
  dependencies: "is not of draft 2020-12; use dependentRequired or dependentSchemas",
  additionalItems: "is not of draft 2020-12; use items",
};
const KNOWN = [...Object.keys(CHECKED), ...SILENT];

type Compiling = {
  readonly root: JsonValue;
  readonly nodes: Map<string, SchemaNode>;
  readonly problems: SchemaProblem[];
};
type SchemaPath = readonly (string | number)[];

/** The schema ready for use, or everything that is wrong with it. */
export function compileSchema(root: JsonValue): CompiledSchema | { readonly problems: readonly SchemaProblem[] } {
  const compiling: Compiling = { root, nodes: new Map(), problems: [] };
  const node = compileNode(compiling, root, []);
  const circle = circleIn([...compiling.nodes.values()]);
  if (circle !== undefined)
    compiling.problems.push({ path: [], message: `${circle.pointer} refers to itself without going into the value` });
  if (compiling.problems.length > 0) return { problems: compiling.problems };
  return {
    check: (value, stepsMax) => {
      const run = { stepsLeft: stepsMax };
      const failure = runNode(node, value, run);
      // An alternative that was cut short says nothing about the others either.
      return run.stepsLeft < 0 ? fails(`takes more than ${String(stepsMax)} steps to check`) : failure;
    },
  };
}

function compileNode(compiling: Compiling, schema: JsonValue, path: SchemaPath): SchemaNode {
  const pointer = pointerOf(path);
  const known = compiling.nodes.get(pointer);
  if (known !== undefined) return known;
  const node: SchemaNode = { checks: [], sameValue: [], pointer };
  compiling.nodes.set(pointer, node);
  if (compiling.nodes.size > NODES_MAX) {
    if (compiling.nodes.size === NODES_MAX + 1)
      compiling.problems.push({ path: [], message: `has more than ${String(NODES_MAX)} schemas in it` });
  } else if (schema === false) node.checks.push(() => fails("is not allowed"));
  else if (schema instanceof JsonObject) compileKeywords(compiling, { node, schema, path });
  else if (schema !== true) compiling.problems.push({ path, message: "must be a schema: an object, true or false" });
  return node;
}

type Place = { readonly node: SchemaNode; readonly schema: JsonObject; readonly path: SchemaPath };

function compileKeywords(compiling: Compiling, place: Place): void {
  const { node, schema, path } = place;
  for (const name of schema.names) {
    const message = nameProblem(name, schema.get(name) ?? null, path);
    if (message !== undefined) compiling.problems.push({ path: [...path, name], message });
  }
  for (const [name, keyword] of Object.entries(CHECKED)) {
    const value = schema.get(name);
    const check = value === undefined ? undefined : keyword(value, contextOf(compiling, place, name));
    if (check !== undefined) node.checks.push(check);
  }
}

function nameProblem(name: string, value: JsonValue, path: SchemaPath): string | undefined {
  if (name === "$schema" && value !== DRAFT) return `must be "${DRAFT}": no other draft is read`;
  if (name === "$id" && path.length > 0) return "is not supported below the schema itself";
  if (KNOWN.includes(name)) return undefined;
  const meant = nearestName(name, KNOWN);
  return REFUSED[name] ?? `is no keyword that is supported${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}

function contextOf(compiling: Compiling, { node, schema, path }: Place, keyword: string): KeywordContext {
  const below = (rest: SchemaPath): SchemaPath =>
    rest[0] === ".." ? [...path, ...rest.slice(1)] : [...path, keyword, ...rest];
  const problem = (message: string, rest: SchemaPath = []): undefined => {
    compiling.problems.push({ path: below(rest), message });
  };
  return {
    schema,
    problem,
    sub: (value, rest, sameValue) => {
      const child = compileNode(compiling, value, below(rest));
      if (sameValue !== undefined) node.sameValue.push(child);
      return child;
    },
    ref: (reference) => {
      const target = targetOf(compiling.root, reference);
      if (target === undefined)
        return problem("must name a schema in this one, such as #/$defs/name: nothing is fetched from elsewhere");
      const found = compileNode(compiling, target.schema, target.path);
      node.sameValue.push(found);
      return found;
    },
  };
}

function targetOf(
  root: JsonValue,
  reference: string,
): { readonly schema: JsonValue; readonly path: SchemaPath } | undefined {
  const tokens = tokensOf(reference);
  let schema: JsonValue | undefined = root;
  const path: (string | number)[] = [];
  for (const token of tokens ?? []) {
    const index: number | undefined = Array.isArray(schema) && /^\d{1,6}$/.test(token) ? Number(token) : undefined;
    path.push(index ?? token);
    if (schema instanceof JsonObject) schema = schema.get(token);
    else schema = index === undefined ? undefined : (schema as readonly JsonValue[])[index];
  }
  return tokens === undefined || schema === undefined ? undefined : { schema, path };
}

/** The tokens of a JSON pointer in a fragment; undefined for every other reference. */
function tokensOf(reference: string): readonly string[] | undefined {
  if (reference === "#") return [];
  if (!reference.startsWith("#/")) return undefined;
  try {
    const tokens = decodeURIComponent(reference.slice(2)).split("/");
    return tokens.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
  } catch {
    return undefined;
  }
}

function pointerOf(path: SchemaPath): string {
  return `#${path.map((token) => `/${String(token).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("")}`;
}

/** A node that is reached from itself over nodes that look at the same value. */
function circleIn(nodes: readonly SchemaNode[]): SchemaNode | undefined {
  const done = new Set<SchemaNode>();
  const open = new Set<SchemaNode>();
  const visit = (node: SchemaNode): SchemaNode | undefined => {
    if (open.has(node)) return node;
    if (done.has(node)) return undefined;
    open.add(node);
    for (const next of node.sameValue) {
      const found = visit(next);
      if (found !== undefined) return found;
    }
    open.delete(node);
    done.add(node);
    return undefined;
  };
  for (const node of nodes) {
    const found = visit(node);
    if (found !== undefined) return found;
  }
  return undefined;
}
