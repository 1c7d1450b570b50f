/**
 * What a parsed statement does, and what no client may do whatever its role: reach files, other servers or programs of this machine. The engine's grants refuse
 * most of that by themselves; here is what they let through, because the engine takes itself for a command line tool of the machine's owner.
 */
import type { ParsedStatement, SyntaxNode } from "./parse-statement.ts";
import { serverError } from "./server-error.ts";
import { tokensOf, upper, type Token } from "./sql-text.ts";

export type StatementKind = "select" | "insert" | "kill" | "read" | "session" | "write";

/** Roots of statements that give rows and change nothing, besides SELECT, which may give many. */
const READING =
  /^(Show|Explain|Describe|Exists|Check|ASTShow|ShowTables|ShowColumns|ShowIndexes|ShowFunctions|ShowSettings|ShowEngine|ShowProcesslist|ShowAccess|ShowGrants|ShowPrivileges|ShowSetting)/;
const FORBIDDEN_KINDS = /^(SetRole|SetDefaultRole|ExecuteAs)/;
/** Users, roles and what belongs to them, as the roots of CREATE, ALTER, DROP, GRANT and REVOKE are called. */
const ACCESS_KINDS =
  /^(Create(User|Role|Quota|SettingsProfile)Query|GrantQuery|(CREATE|DROP|MOVE) (USER|ROLE|ROW POLICY|QUOTA|SETTINGS PROFILE)\b)/;
/** Table functions that stay within the engine. Any other, also one that a later engine brings, is refused. */
const LOCAL_TABLE_FUNCTIONS = new Set(
  (
    "numbers numbers_mt zeros zeros_mt primes generate_series generateseries generaterandom values sqlstandardvalues null format input view viewifpermitted " +
    "viewexplain merge mergetreeindex mergetreeprojection mergetreetextindex mergetreeanalyzeindexes mergetreeanalyzeindexesuuid loop dictionary " +
    "fuzzquery fuzzjson timeseriesselector timeseriesmetrics timeseriestags timeseriessamples timeseriesdata"
  ).split(" "),
);
/** Functions that read files or load programs; no grant covers them. */
const FOREIGN_FUNCTIONS = new Set(["file", "catboostevaluate"]);
/** Their arguments hold a structure or data as text, and expressions in it. */
const TEXT_FUNCTIONS = new Set(["format", "values", "input", "null", "generaterandom", "fuzzjson"]);
const FUNCTION = /^(Function|TableFunction|FunctionWithKeyValueArguments)\s+([^\s(]+)/;
const LOCAL_SOURCES = new Set(["null", "clickhouse"]);
/** What the tokens of sql-text.ts do not know, or what could hide a call from them. */
const ODD_TEXT = /[$#\\`\u2018\u2019\u201c\u201d]|--|\/\*/;
/** A call of `file`, or of a name that hides its letters behind escapes. */
const FOREIGN_CALL = /file["`]?(\s|\/\*[\s\S]*?\*\/)*\(|["`][^"`]*\\[^"`]*["`](\s|\/\*[\s\S]*?\*\/)*\(/i;

export function kindOf({ nodes }: ParsedStatement): StatementKind {
  const root = nodes[0]?.text ?? "";
  if (/^Select(WithUnion|Intersect)/.test(root)) return "select";
  if (root.startsWith("InsertQuery")) return "insert";
  if (root.startsWith("KillQuery")) return "kill";
  if (root === "Set" || root.startsWith("Set ") || root.startsWith("UseQuery")) return "session";
  return READING.test(root) ? "read" : "write";
}

/** Throws what a server says when a client may not. `tableFunctions`: the names that the engine knows. */
export function refuseForeign(statement: ParsedStatement, tableFunctions: ReadonlySet<string>): void {
  refuseFiles(statement);
  const { nodes } = statement;
  const root = nodes[0]?.text ?? "";
  if (/^ParallelWithQuery\b/.test(root))
    throw syntaxError("Syntax error (Multi-statements are not allowed): PARALLEL WITH");
  refuseAccessChange(root);
  for (const [at, node] of nodes.entries()) {
    if (FORBIDDEN_KINDS.test(node.text)) throw denied(`${statement.sql.split("\n", 1)[0] ?? ""} is not allowed`);
    const call = callOf(node);
    if (call !== null && !isBackupPlace(root, node, call.name)) refuseCall(call, { statement, tableFunctions, at });
  }
}

/** A backup lies in a directory of its own, which the engine keeps to. */
function isBackupPlace(root: string, node: SyntaxNode, name: string): boolean {
  return /^(Backup|Restore)Query/.test(root) && node.depth === 1 && name === "file";
}

type Call = { readonly kind: string; readonly name: string };
type CallPlace = {
  readonly statement: ParsedStatement;
  readonly tableFunctions: ReadonlySet<string>;
  /** The call's place among the nodes. */
  readonly at: number;
};

function refuseCall({ kind, name }: Call, { statement, tableFunctions, at }: CallPlace): void {
  if (kind === "FunctionWithKeyValueArguments") refuseSource(name, statement);
  else refuseFunction(name, tableFunctions);
  if (TEXT_FUNCTIONS.has(name)) refuseHiddenCalls(name, statement.nodes, at);
}

function refuseAccessChange(root: string): void {
  if (ACCESS_KINDS.test(root))
    throw notImplemented(
      "Users of the embedded ClickHouse come from its settings, each with a role; SQL cannot change them",
    );
}

function refuseFiles({ tokens }: ParsedStatement): void {
  for (const [at, token] of tokens.entries()) {
    const pair = `${upper(token)} ${upper(tokens[at + 1])}`;
    // A disk that is described where a table is made lies wherever its maker wants.
    if (pair === "DISK (" || pair === "`DISK` (") throw denied("A disk of a table's own is not allowed here");
    if (pair === "INTO OUTFILE" || pair === "FROM INFILE") throw notImplemented(`${pair} is not possible over HTTP`);
  }
}

function callOf(node: SyntaxNode): Call | null {
  const [, kind, name] = FUNCTION.exec(node.text) ?? [];
  return kind === undefined || name === undefined ? null : { kind, name: name.replaceAll(/[`"]/g, "").toLowerCase() };
}

/** The canonical columns of a structure such as `a UInt8, b String`, that is nothing but columns. `statement` is `CREATE TABLE t (structure) ENGINE = Null`. */
export function columnsOf(statement: ParsedStatement, tableFunctions: ReadonlySet<string>): string {
  refuseForeign(statement, tableFunctions);
  const children = statement.nodes.filter((node) => node.depth === 1).map((node) => node.text.split(" (")[0]);
  const { sql, tokens } = statement;
  const open = tokens.find((token) => token.text === "(");
  const close = tokens.find((token) => token.text === ")" && token.depth === 0);
  const isPlain =
    children.join() === "Identifier t,Columns definition,Storage definition" && /\)\s*ENGINE = `?Null`?$/.test(sql);
  if (!isPlain || open === undefined || close === undefined)
    throw serverError({ code: 36, name: "BAD_ARGUMENTS", text: "The structure must be a list of columns and types" });
  return sql.slice(open.end, close.start).trim();
}

/** Whether rows written as SQL expressions could call what no client may. Checked before the engine may evaluate them. */
export function mayCallForeign(text: string): boolean {
  if (!FOREIGN_CALL.test(text)) return false;
  if (ODD_TEXT.test(text)) return true;
  return tokensOf(text).some((token, at, tokens) => isForeignName(token) && tokens[at + 1]?.text === "(");
}

function isForeignName(token: Token): boolean {
  return /^"?file"?$/i.test(token.text);
}

function refuseFunction(name: string, tableFunctions: ReadonlySet<string>): void {
  const foreignTable = tableFunctions.has(name) && !LOCAL_TABLE_FUNCTIONS.has(name);
  if (foreignTable || FOREIGN_FUNCTIONS.has(name))
    throw denied(`The function ${name} reaches beyond the data directory and is not allowed here`);
}

function refuseSource(name: string, { tokens }: ParsedStatement): void {
  const remote = tokens.some((token) => ["HOST", "PORT", "SECURE"].includes(upper(token)));
  if (!LOCAL_SOURCES.has(name) || remote)
    throw denied(`A dictionary's source ${name} reaches beyond the data directory and is not allowed here`);
}

/** The arguments must be texts that can be looked through: no call that puts one together. Rows of `values` are values, only its first text may be a structure. */
function refuseHiddenCalls(name: string, nodes: readonly SyntaxNode[], at: number): void {
  const top = nodes[at]?.depth ?? 0;
  const end = nodes.findIndex((node, index) => index > at && node.depth <= top);
  const inside = nodes.slice(at + 1, end < 0 ? undefined : end);
  const rows = name === "values";
  const isAllowed = rows ? /^(?!Function )|^Function (tuple|array|negate)\b/ : /^(?!Function )/;
  if (inside.some((node) => node.depth === top + 2 && !isAllowed.test(node.text)))
    throw denied(`The arguments of the table function ${name} must be literals`);
  const texts = inside.filter((node) => node.text.startsWith("Literal "));
  for (const { text } of rows ? texts.slice(0, 1) : texts)
    if (FOREIGN_CALL.test(text.slice("Literal ".length).replaceAll("\\\\", "\\").replaceAll("\\'", "'")))
      throw denied(`A text in the table function ${name} calls a function that is not allowed here`);
}

function syntaxError(text: string): Error {
  return serverError({ code: 62, name: "SYNTAX_ERROR", text });
}

function denied(text: string): Error {
  return serverError({ code: 497, name: "ACCESS_DENIED", text });
}

function notImplemented(text: string): Error {
  return serverError({ code: 48, name: "NOT_IMPLEMENTED", text });
}
