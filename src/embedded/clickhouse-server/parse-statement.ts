/**
 * What a statement is, as the engine's own parser reads it: its canonical text and its syntax tree. The canonical text is what runs, so that nothing can be
 * understood in one way when it is checked and in another when it runs.
 */
import type { EngineSession, Named } from "./engine-session.ts";
import { takesText, type EngineFunctions } from "./foreign-functions.ts";
import { lastFormat } from "./statement-head.ts";
import { SeatQueue } from "./seat-queue.ts";
import { literal, tokensOf, upper, type Span, type Token } from "./sql-text.ts";
import { ClickHouseError, asServerError, serverError } from "./server-error.ts";

export type SyntaxNode = { readonly depth: number; readonly text: string };

export type ParsedStatement = {
  /** The engine's own way of writing it; inserted data is not part of it. */
  readonly sql: string;
  /** The syntax tree in pre-order; the first node tells what the statement is: `SelectWithUnionQuery`, `InsertQuery`, `Set`, `SYSTEM query` … */
  readonly nodes: readonly SyntaxNode[];
  /** `FORMAT X` in `sql`, or null. */
  readonly format: (Span & { readonly name: string }) | null;
  readonly tokens: readonly Token[];
};

export type StatementReader = {
  /** Throws the engine's error about what it cannot read, among it a second statement. Parameters are needed for the tree. */
  parse(text: string, parameters: Named): Promise<ParsedStatement>;
  readonly functions: EngineFunctions;
};

/** A long statement takes seconds. */
const SEATS = [1, 2, 3];
const WAITING_MAX = 200;
const CACHED_MAX = 500;
const CACHED_SIZE_MAX = 65_536;
const UNLIMITED: Named = [
  ["max_query_size", "1000000000"],
  ["max_ast_elements", "100000000"],
  ["max_expanded_ast_elements", "100000000"],
];

/** Gives readers: a user's statements are read in turn with others', those of `null` at once. */
export async function createStatementReading(
  open: () => EngineSession,
): Promise<(user: string | null) => StatementReader> {
  const cached = new Map<string, ParsedStatement>();
  const seats = new SeatQueue({ seats: SEATS, perUser: SEATS.length - 1, waitingMax: WAITING_MAX });
  const read = async (text: string, parameters: Named): Promise<ParsedStatement> => {
    const session = open();
    try {
      const parsed = await parseIn(session, text, parameters);
      const isFixed = parameters.length === 0 || isSameForAllValues(parsed);
      if (isFixed && sizeOf(text, parsed) <= CACHED_SIZE_MAX) keep(cached, cacheKey(text, parameters), parsed);
      return parsed;
    } finally {
      session.close();
    }
  };
  const functions = await readFunctions(open());
  return (user) => ({
    functions,
    parse: async (text, parameters) => {
      const known = cached.get(cacheKey(text, parameters));
      if (known !== undefined) return known;
      return user === null ? read(text, parameters) : seats.use(user, () => read(text, parameters));
    },
  });
}

async function readFunctions(session: EngineSession): Promise<EngineFunctions> {
  const names = async (from: string): Promise<ReadonlySet<string>> => {
    const { bytes } = await session.run(`SELECT lower(name) FROM ${from}`, "TSVRaw");
    return new Set(Buffer.from(bytes).toString("utf8").trim().split("\n"));
  };
  try {
    const tables = await names("system.table_functions");
    const higherOrder = await names("system.functions WHERE higher_order");
    const engines = "(SELECT name FROM system.table_engines UNION ALL SELECT name FROM system.database_engines)";
    return { tables, higherOrder, engines: await names(engines) };
  } finally {
    session.close();
  }
}

export type Call = { readonly kind: string; readonly name: string };

/** Statements that come again and again with other parameters. */
const REPEATED = /^(SelectWithUnion|SelectIntersect|InsertQuery)/;
const IDENTIFIER_PARAMETER = /:\s*Identifier\s*\}/i;
/** Letters, brackets, numbers, and whole texts such as a time zone. */
const PARAMETER = /^\{\s*\w+\s*:(?:[\w\s(),=.]|[-+](?=\d)|'[^'\\]*')*\}/;
const CALL = /^(Function|TableFunction|FunctionWithKeyValueArguments)\s+([^\s(]+)/;

/** The function that a node calls, in lower case, or null. */
export function callOf(node: SyntaxNode): Call | null {
  const [, kind, name] = CALL.exec(node.text) ?? [];
  return kind === undefined || name === undefined ? null : { kind, name: name.replaceAll(/[`"]/g, "").toLowerCase() };
}

/** The arguments of the call at a place among the nodes. */
export function argumentsOf(nodes: readonly SyntaxNode[], at: number): readonly SyntaxNode[] {
  const depth = (nodes[at]?.depth ?? 0) + 1;
  const list = nodes[at + 1];
  if (list?.depth !== depth) return [];
  const end = nodes.findIndex((node, index) => index > at + 1 && node.depth <= depth);
  return nodes.slice(at + 2, end < 0 ? undefined : end).filter((node) => node.depth === depth + 1);
}

/**
 * Whether the checks see the same whatever the parameters are: a value is a literal of the tree, and literals are looked into where the engine finds SQL in
 * them; an Identifier may name any table. Reading such a statement again each time takes 5 ms (2026-11-28), as much as the query of a small result.
 */
function isSameForAllValues({ sql, nodes, tokens }: ParsedStatement): boolean {
  const root = nodes[0]?.text ?? "";
  if (!REPEATED.test(root) || IDENTIFIER_PARAMETER.test(sql)) return false;
  const calls = nodes.map(callOf).filter((call) => call !== null);
  if (calls.some(({ kind }) => kind === "FunctionWithKeyValueArguments")) return false;
  const names = calls.map(({ name }) => name).filter(takesText);
  return names.length === 0 || (root.startsWith("InsertQuery") && names.join() === "input" && hasOwnStructure(tokens));
}

/** Whether `input('…')` stands there once and its structure is no parameter. */
function hasOwnStructure(tokens: readonly Token[]): boolean {
  const places = tokens.flatMap(({ text }, at) => (/^[`"]?input[`"]?$/i.test(text) ? [at] : []));
  const [at = -1] = places;
  const [open, structure, close] = tokens.slice(at + 1, at + 4);
  return places.length === 1 && open?.text === "(" && structure?.text.startsWith("'") === true && close?.text === ")";
}

async function parseIn(session: EngineSession, text: string, parameters: Named): Promise<ParsedStatement> {
  await session.prepare({ database: null, settings: UNLIMITED, parameters, files: [] });
  const sql = await formatted(session, text);
  const { bytes } = await session.run(`EXPLAIN AST ${sql}`, "TSVRaw");
  const lines = Buffer.from(bytes).toString("utf8").trimEnd().split("\n");
  const tokens = tokensOf(sql);
  refuseHiddenText(sql, tokens);
  return {
    sql,
    nodes: lines.map((line) => ({ depth: line.search(/[^ ]/), text: line.trim() })),
    format: lastFormat(tokens),
    tokens,
  };
}

/** A parameter's type is the one part of the canonical text that stays as the client wrote it: a comment or half a string in it would hide what follows from `tokensOf`. */
function refuseHiddenText(sql: string, tokens: readonly Token[]): void {
  const hiding = tokens.find(({ text, start }) => text === "{" && !PARAMETER.test(sql.slice(start)));
  if (hiding === undefined) return;
  throw serverError({
    code: 62,
    name: "SYNTAX_ERROR",
    text: `Syntax error: ${sql.slice(hiding.start, hiding.start + 60)}: braces hold the name and the type of a parameter, without comments: {name:Type}`,
  });
}

async function formatted(session: EngineSession, text: string): Promise<string> {
  try {
    const { bytes } = await session.run(`SELECT formatQuery(${literal(text)})`, "TSVRaw");
    return Buffer.from(bytes).toString("utf8").slice(0, -1);
  } catch (error) {
    const failure = asServerError(error);
    throw new ClickHouseError(withoutOurQuestion(failure.message), failure.clickhouseCode);
  }
}

/** The engine names the place of the error in our question around the client's text. */
function withoutOurQuestion(message: string): string {
  const at = message.indexOf(": In scope SELECT formatQuery(");
  const name = / \([A-Z_]+\)$/.exec(message)?.[0] ?? "";
  return at < 0 ? message : `${message.slice(0, at).trimEnd()}${name}`;
}

/** A text that only parameters make a statement is none without them. */
function cacheKey(text: string, parameters: Named): string {
  return `${parameters.length === 0 ? "without" : "with"} parameters: ${text}`;
}

/** Values of parameters are written out in the tree, so a short text may have a large one. */
function sizeOf(text: string, { nodes }: ParsedStatement): number {
  return nodes.reduce((size, node) => size + node.text.length, text.length);
}

function keep(cached: Map<string, ParsedStatement>, key: string, parsed: ParsedStatement): void {
  const oldest = cached.keys().next().value;
  if (cached.size >= CACHED_MAX && oldest !== undefined) cached.delete(oldest);
  cached.set(key, parsed);
}

/** Where `FROM INFILE` has to stand in an INSERT: before its SETTINGS and FORMAT. */
export function sourcePosition({ tokens, sql }: ParsedStatement): number {
  const tail = tokens.find((token) => token.depth === 0 && ["SETTINGS", "FORMAT"].includes(upper(token)));
  return tail?.start ?? sql.length;
}
