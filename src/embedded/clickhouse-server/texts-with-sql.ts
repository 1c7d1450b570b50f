/**
 * Texts in which the engine finds SQL: the structure and the rows that a table function gets, the query of a dictionary, the rows of an INSERT. What may name a
 * foreign function is parsed as the engine will parse it.
 */
import { argumentsOf, callOf, type ParsedStatement, type SyntaxNode } from "./parse-statement.ts";
import { mayNameForeign, takesText } from "./foreign-functions.ts";
import { serverError } from "./server-error.ts";

/** Throws when the statement is refused; false: it cannot be read as one. */
export type CheckSql = (sql: string) => Promise<boolean>;

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", 0: "\0" };

export async function refuseInTexts({ nodes }: ParsedStatement, check: CheckSql): Promise<void> {
  for (const [at, node] of nodes.entries()) {
    const call = callOf(node);
    if (call === null) continue;
    if (call.kind === "FunctionWithKeyValueArguments") await refuseInSource(nodes, at, check);
    else if (takesText(call.name)) await refuseInArguments(call.name, argumentsOf(nodes, at), check);
  }
}

/** Whether rows of the format Values call nothing foreign. */
export async function areHarmlessRows(rows: string, check: CheckSql): Promise<boolean> {
  return !mayNameForeign(rows) || check(`SELECT ${rows}`);
}

async function refuseInArguments(name: string, given: readonly SyntaxNode[], check: CheckSql): Promise<void> {
  const [first, ...others] = given;
  if (first === undefined) return;
  if (name === "values") await refuseInValues(first, check);
  else if (name !== "format") await refuseInStructures(name, given, check);
  else if (!isPattern(first)) {
    await refuseInStructures(name, others.slice(0, -1), check);
    await refuseInFormat(first, others.at(-1), check);
  }
}

/** What is no structure is a row; the tree shows what rows call. */
async function refuseInValues(first: SyntaxNode, check: CheckSql): Promise<void> {
  if (!/^(Literal|Function (tuple|array|negate)\b)/.test(first.text)) throw opaque("values");
  await isHarmlessStructure(textOf(first) ?? "", check);
}

async function refuseInStructures(name: string, given: readonly SyntaxNode[], check: CheckSql): Promise<void> {
  for (const node of given) {
    const isPlain = node.text.startsWith("Literal ") && (await isHarmlessStructure(textOf(node) ?? "", check));
    if (!isPlain) throw opaque(name);
  }
}

/** `format('{}: {}', a, b)`, the function for texts: no format of data has such a name. */
function isPattern(first: SyntaxNode): boolean {
  return !/^\w+$/.test(textOf(first) ?? "word");
}

async function refuseInFormat(format: SyntaxNode, data: SyntaxNode | undefined, check: CheckSql): Promise<void> {
  const name = textOf(format) ?? /^Identifier (\S+)/.exec(format.text)?.[1];
  const rows = data === undefined ? undefined : textOf(data);
  if (name === undefined || rows === undefined) throw opaque("format");
  // Only this format evaluates expressions.
  if (name.toLowerCase() === "values" && !(await areHarmlessRows(rows, check))) throw opaque("format");
}

async function isHarmlessStructure(text: string, check: CheckSql): Promise<boolean> {
  return !mayNameForeign(text) || check(`CREATE TABLE t (${text}) ENGINE = Null`);
}

/** A dictionary's QUERY or a condition that becomes a part of it; names of tables look like conditions. */
async function refuseInSource(nodes: readonly SyntaxNode[], at: number, check: CheckSql): Promise<void> {
  const top = nodes[at]?.depth ?? 0;
  for (const node of nodes.slice(at + 1)) {
    if (node.depth <= top) return;
    if (node.text.startsWith("Function ")) throw opaque("SOURCE");
    const text = textOf(node) ?? "";
    if (mayNameForeign(text) && !(await check(text)) && !(await check(`SELECT 1 WHERE ${text}`)))
      throw opaque("SOURCE");
  }
}

/** The text that a literal stands for, or undefined for what is none. */
function textOf(node: SyntaxNode): string | undefined {
  const [, quoted] = /^Literal '([\s\S]*)'$/.exec(node.text) ?? [];
  return quoted?.replaceAll(/\\([\s\S])/g, (_, letter: string) => ESCAPES[letter] ?? letter);
}

function opaque(name: string): Error {
  return serverError({
    code: 497,
    name: "ACCESS_DENIED",
    text: `The arguments of ${name} must be literals whose SQL can be read, and call nothing that is not allowed here`,
  });
}
