/**
 * Calls that the engine's syntax tree does not show: in the conditions of SHOW, in TTL … SET, behind APPLY, and functions named where another one expects a
 * lambda. The canonical text has them.
 */
import { argumentsOf, callOf, type ParsedStatement } from "./parse-statement.ts";
import { isForeign, isForeignFunction, takesText, type EngineFunctions } from "./foreign-functions.ts";
import { upper, type Token } from "./sql-text.ts";

/** Behind these a name with brackets is a table, a view or a projection and its columns, in statements that make one or insert into it. */
const NAMED_HERE = new Set(["TABLE", "EXISTS", "INTO", "TO", "VIEW", "DICTIONARY", "PROJECTION", "."]);
const NAMING_ROOT = /^(Create|Attach|Insert|Alter)/;

/** The name of the first call that must not be where it is, or null. */
export function hiddenCall(statement: ParsedStatement, functions: EngineFunctions): string | null {
  return unshownCall(statement, functions) ?? applied(statement) ?? namedAsLambda(statement, functions);
}

/** More calls in the text than in the tree: one is not shown. */
function unshownCall(statement: ParsedStatement, functions: EngineFunctions): string | null {
  const shown = new Map<string, number>();
  for (const node of statement.nodes) {
    const name = callOf(node)?.name;
    if (name !== undefined) shown.set(name, (shown.get(name) ?? 0) + 1);
  }
  for (const name of calledNames(statement)) {
    if (!isForeign(name, functions) && !takesText(name)) continue;
    const left = shown.get(name) ?? 0;
    if (left === 0) return name;
    shown.set(name, left - 1);
  }
  return null;
}

function calledNames({ nodes, tokens }: ParsedStatement): readonly string[] {
  const isNaming = NAMING_ROOT.test(nodes[0]?.text ?? "");
  return tokens.flatMap((token, at) => {
    const isCall = tokens[at + 1]?.text === "(" && !(isNaming && NAMED_HERE.has(upper(tokens[at - 1])));
    return isCall ? [nameOf(token)] : [];
  });
}

/** `* APPLY file`, `* APPLY(file)`. */
function applied({ tokens }: ParsedStatement): string | null {
  const names = tokens.flatMap((token, at) => {
    if (upper(token) !== "APPLY") return [];
    const name = nameOf(tokens[at + 1]?.text === "(" ? tokens[at + 2] : tokens[at + 1]);
    return isForeignFunction(name) ? [name] : [];
  });
  return names[0] ?? null;
}

/** `arrayMap(file, paths)`. With one argument it is a column: `arraySum(file)`. */
function namedAsLambda({ nodes }: ParsedStatement, { higherOrder }: EngineFunctions): string | null {
  for (const [at, node] of nodes.entries()) {
    if (!higherOrder.has(callOf(node)?.name ?? "")) continue;
    const [first, ...others] = argumentsOf(nodes, at);
    const [, name = ""] = /^Identifier (\S+)/.exec(first?.text ?? "") ?? [];
    if (others.length > 0 && isForeignFunction(name.toLowerCase())) return name;
  }
  return null;
}

function nameOf(token: Token | undefined): string {
  return (token?.text ?? "").replaceAll(/[`"]/g, "").toLowerCase();
}
