/** What a schema is compiled into: for each place of it a list of checks, and what they need while they run. */
import type { JsonObject, JsonValue } from "../json-tree.ts";

/** Where in the value and what is wrong there. */
export type SchemaFailure = { readonly path: readonly string[]; readonly message: string };

/** Each look of a place of the schema at a place of the value is a step; so a schema that branches can't take for ever. */
export type SchemaRun = { stepsLeft: number };

export type SchemaCheck = (value: JsonValue, run: SchemaRun) => SchemaFailure | undefined;

export type SchemaNode = {
  readonly checks: SchemaCheck[];
  /** Nodes that look at the same place of the value: a circle of them would never end. */
  readonly sameValue: SchemaNode[];
  readonly pointer: string;
};

export type SchemaProblem = { readonly path: readonly (string | number)[]; readonly message: string };

/** What compiling a keyword may ask for. */
export type KeywordContext = {
  /** The schema that the keyword stands in. */
  readonly schema: JsonObject;
  /** A subschema below the keyword. `sameValue`: it looks at the value that this schema looks at. */
  readonly sub: (value: JsonValue, path: readonly (string | number)[], sameValue?: "sameValue") => SchemaNode;
  /** The schema that a reference names; undefined when it names none, which is a problem then. */
  readonly ref: (reference: string) => SchemaNode | undefined;
  readonly problem: (message: string, path?: readonly (string | number)[]) => undefined;
};

export type Keyword = (value: JsonValue, context: KeywordContext) => SchemaCheck | undefined;

const OUT_OF_STEPS: SchemaFailure = { path: [], message: "takes too many steps to check" };

export function runNode(node: SchemaNode, value: JsonValue, run: SchemaRun): SchemaFailure | undefined {
  run.stepsLeft -= 1;
  if (run.stepsLeft < 0) return OUT_OF_STEPS;
  for (const check of node.checks) {
    const failure = check(value, run);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

export function fails(message: string): SchemaFailure {
  return { path: [], message };
}

/** The failure of a part, seen from the whole. */
export function below(part: string, failure: SchemaFailure | undefined): SchemaFailure | undefined {
  return failure && { path: [part, ...failure.path], message: failure.message };
}
