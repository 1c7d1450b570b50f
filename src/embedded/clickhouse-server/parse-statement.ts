/**
 * What a statement is, as the engine's own parser reads it: its canonical text and its syntax tree. The canonical text is what runs, so that nothing can be
 * understood in one way when it is checked and in another when it runs.
 */
import type { EngineSession, Named } from "./engine-session.ts";
import { takesText, type EngineFunctions } from "./foreign-functions.ts";
import { lastFormat } from "./statement-head.ts";
import { SeatQueue } from "./seat-queue.ts";
import { literal, tokensOf, upper, type Span, type Token } from "./sql-text.ts";
import { ClickHouseError, asServerError } from "./server-error.ts";

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
const CACHED_TEXT_MAX = 16_384;
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
      if (text.length <= CACHED_TEXT_MAX && (parameters.length === 0 || isSameForAllValues(parsed)))
        keep(cached, text, parsed);
      return parsed;
    } finally {
      session.close();
    }
  };
  const functions = await readFunctions(open());
  return (user) => ({
    functions,
    parse: async (text, parameters) => {
      const known = cached.get(text);
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
  if (!REPEATED.test(nodes[0]?.text ?? "") || IDENTIFIER_PARAMETER.test(sql)) return false;
  const calls = nodes.map(callOf).filter((call) => call !== null);
  if (calls.some(({ kind }) => kind === "FunctionWithKeyValueArguments")) return false;
  const withText = calls.filter(({ name }) => takesText(name)).length;
  return withText === tokens.filter((_, at) => takesFixedText(tokens, at)).length;
}

/** Whether this is the name of a call that takes a text, and no parameter stands in its brackets. */
function takesFixedText(tokens: readonly Token[], at: number): boolean {
  const [name, open] = tokens.slice(at, at + 2);
  if (open?.text !== "(" || !takesText(name?.text.toLowerCase() ?? "")) return false;
  const length = tokens.slice(at + 2).findIndex(({ text, depth }) => text === ")" && depth === open.depth);
  return tokens.slice(at + 2, at + 2 + length).every(({ text }) => text !== "{");
}

async function parseIn(session: EngineSession, text: string, parameters: Named): Promise<ParsedStatement> {
  await session.prepare({ database: null, settings: UNLIMITED, parameters, files: [] });
  const sql = await formatted(session, text);
  const { bytes } = await session.run(`EXPLAIN AST ${sql}`, "TSVRaw");
  const lines = Buffer.from(bytes).toString("utf8").trimEnd().split("\n");
  const tokens = tokensOf(sql);
  return {
    sql,
    nodes: lines.map((line) => ({ depth: line.search(/[^ ]/), text: line.trim() })),
    format: lastFormat(tokens),
    tokens,
  };
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

function keep(cached: Map<string, ParsedStatement>, text: string, parsed: ParsedStatement): void {
  const oldest = cached.keys().next().value;
  if (cached.size >= CACHED_MAX && oldest !== undefined) cached.delete(oldest);
  cached.set(text, parsed);
}

/** Where `FROM INFILE` has to stand in an INSERT: before its SETTINGS and FORMAT. */
export function sourcePosition({ tokens, sql }: ParsedStatement): number {
  const tail = tokens.find((token) => token.depth === 0 && ["SETTINGS", "FORMAT"].includes(upper(token)));
  return tail?.start ?? sql.length;
}
