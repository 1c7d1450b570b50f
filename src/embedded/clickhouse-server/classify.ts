/**
 * What a parsed statement does, and what no client may do whatever its role: reach files, other servers or programs of this machine. The engine's grants refuse
 * most of that by themselves; here is what they let through, because the engine takes itself for a command line tool of the machine's owner.
 */
import { isForeign, isForeignEngine } from "./foreign-functions.ts";
import { hiddenCall } from "./hidden-calls.ts";
import { callOf, type Call, type ParsedStatement, type StatementReader, type SyntaxNode } from "./parse-statement.ts";
import { asServerError, serverError } from "./server-error.ts";
import { upper } from "./sql-text.ts";
import { areHarmlessRows, refuseInTexts } from "./texts-with-sql.ts";

export type StatementKind = "select" | "insert" | "kill" | "read" | "session" | "write";

/** Roots of statements that give rows and change nothing, besides SELECT, which may give many. */
const READING =
  /^(Show|Explain|Describe|Exists|Check|ASTShow|ShowTables|ShowColumns|ShowIndexes|ShowFunctions|ShowSettings|ShowEngine|ShowProcesslist|ShowAccess|ShowGrants|ShowPrivileges|ShowSetting)/;
const FORBIDDEN_KINDS = /^(SetRole|SetDefaultRole|ExecuteAs|CreateWasmFunction|CreateFunctionWithDriver)/;
/** Users, roles and what belongs to them, as the roots of CREATE, ALTER, DROP, GRANT and REVOKE are called. */
const ACCESS_KINDS =
  /^(Create(User|Role|Quota|SettingsProfile)Query|GrantQuery|(CREATE|DROP|MOVE) (USER|ROLE|ROW POLICY|QUOTA|SETTINGS PROFILE)\b)/;
const LOCAL_SOURCES = new Set(["null", "clickhouse"]);
/** Texts with SQL in texts with SQL. */
const TEXT_DEPTH_MAX = 8;
const SYNTAX_ERROR = 62;

export function kindOf({ nodes }: ParsedStatement): StatementKind {
  const root = nodes[0]?.text ?? "";
  if (/^Select(WithUnion|Intersect)/.test(root)) return "select";
  if (root.startsWith("InsertQuery")) return "insert";
  if (root.startsWith("KillQuery")) return "kill";
  if (root === "Set" || root.startsWith("Set ") || root.startsWith("UseQuery")) return "session";
  return READING.test(root) ? "read" : "write";
}

/** Throws what a server says when a client may not. */
export async function refuseForeign(statement: ParsedStatement, reader: StatementReader, depth = 0): Promise<void> {
  refuseFiles(statement);
  const { nodes } = statement;
  const root = nodes[0]?.text ?? "";
  if (/^ParallelWithQuery\b/.test(root))
    throw syntaxError("Syntax error (Multi-statements are not allowed): PARALLEL WITH");
  refuseAccessChange(root);
  for (const [at, node] of nodes.entries()) {
    if (node.text.startsWith("Storage definition")) refuseEngine(nodes[at + 1], reader);
    if (FORBIDDEN_KINDS.test(node.text)) throw denied(`${statement.sql.split("\n", 1)[0] ?? ""} is not allowed`);
    const call = callOf(node);
    if (call !== null && !isBackupPlace(root, node, call.name)) refuseCall(call, statement, reader);
  }
  const hidden = hiddenCall(statement, reader.functions);
  if (hidden !== null) throw denied(`The function ${hidden} is not allowed here`);
  await refuseInTexts(statement, (sql) => isAllowed(sql, reader, depth + 1));
}

/** Throws when the statement is refused; false: it cannot be read as one. */
async function isAllowed(sql: string, reader: StatementReader, depth: number): Promise<boolean> {
  if (depth > TEXT_DEPTH_MAX) throw denied(`Texts with SQL in texts with SQL, ${TEXT_DEPTH_MAX} deep, are not allowed`);
  const statement = await reader.parse(sql, []).catch((error: unknown) => {
    // Only what is no SQL is no SQL to the engine either; what is too deep or too long here may not be there.
    if (asServerError(error).clickhouseCode === SYNTAX_ERROR) return null;
    throw error;
  });
  if (statement !== null) await refuseForeign(statement, reader, depth);
  return statement !== null;
}

/** Whether rows written as SQL expressions call nothing that no client may. Asked before the engine may evaluate them. */
export async function mayEvaluate(rows: string, reader: StatementReader): Promise<boolean> {
  return areHarmlessRows(rows, (sql) => isAllowed(sql, reader, 1)).catch(() => false);
}

/** A backup lies in a directory of its own, which the engine keeps to. */
function isBackupPlace(root: string, node: SyntaxNode, name: string): boolean {
  return /^(Backup|Restore)Query/.test(root) && node.depth === 1 && name === "file";
}

function refuseCall({ kind, name }: Call, statement: ParsedStatement, { functions }: StatementReader): void {
  if (kind === "FunctionWithKeyValueArguments") refuseSource(name, statement);
  else if (isForeign(name, functions))
    throw denied(`The function ${name} reaches beyond the data directory and is not allowed here`);
}

/** The engine comes first below its storage definition; without one it is an expression to order by. */
function refuseEngine(node: SyntaxNode | undefined, { functions }: StatementReader): void {
  const name = node === undefined ? "" : (callOf(node)?.name ?? "");
  if (isForeignEngine(name, functions)) throw denied(`The engine ${name} is not allowed here`);
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

/** The canonical columns of a structure such as `a UInt8, b String`, that is nothing but columns. `statement` is `CREATE TABLE t (structure) ENGINE = Null`. */
export async function columnsOf(statement: ParsedStatement, reader: StatementReader): Promise<string> {
  await refuseForeign(statement, reader);
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

function refuseSource(name: string, { tokens }: ParsedStatement): void {
  const remote = tokens.some((token) => ["HOST", "PORT", "SECURE"].includes(upper(token)));
  if (!LOCAL_SOURCES.has(name) || remote)
    throw denied(`A dictionary's source ${name} reaches beyond the data directory and is not allowed here`);
}

function syntaxError(text: string): Error {
  return serverError({ code: SYNTAX_ERROR, name: "SYNTAX_ERROR", text });
}

function denied(text: string): Error {
  return serverError({ code: 497, name: "ACCESS_DENIED", text });
}

function notImplemented(text: string): Error {
  return serverError({ code: 48, name: "NOT_IMPLEMENTED", text });
}
