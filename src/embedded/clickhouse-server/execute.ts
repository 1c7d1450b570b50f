/** Carries a request out: parts the statement from its data, has it parsed and checked, spools the data, runs it, and hands the result on. */
import { isUtf8 } from "node:buffer";
import type { Readable } from "node:stream";
import type { Login } from "./accounts.ts";
import { seeOwnQueries } from "./client-queries.ts";
import { columnsOf, kindOf, mayEvaluate, refuseForeign, type StatementKind } from "./classify.ts";
import type { ClientSessions } from "./client-sessions.ts";
import type { Engine, EngineQuery, EngineResult } from "./engine.ts";
import type { EngineRole } from "./engine-config.ts";
import type { FileTable, Named } from "./engine-session.ts";
import { describeTable, type TableInBody } from "./external-data.ts";
import type { HttpRequest } from "./http-request.ts";
import { formatSettingsOf } from "./format-settings.ts";
import { killOf } from "./kill-query.ts";
import { nativeOfRevision } from "./native/native-revision.ts";
import { sourcePosition, type ParsedStatement, type StatementReader } from "./parse-statement.ts";
import { refuseUnlimited } from "./query-limits.ts";
import type { RespondInput } from "./respond.ts";
import { serverError } from "./server-error.ts";
import type { Spool } from "./spool.ts";
import { literal, tokensOf, upper } from "./sql-text.ts";
import { roomFor, statementBytesMax, tooLong } from "./statement-size.ts";
import { readStatementHead } from "./statement-head.ts";

export type ExecuteDeps = { readonly engine: Engine; readonly spool: Spool; readonly sessions: ClientSessions };
type Answer = Pick<RespondInput, "result" | "format" | "hasRows" | "isInsertOfData">;
export type ExecuteInput = {
  readonly request: HttpRequest;
  readonly login: Login;
  readonly body: Readable;
  /** Tables that came with the request. */
  readonly tables: readonly TableInBody[];
  /** Sends the result and gives the function that ends the answer. */
  readonly respond: (answer: Answer) => Promise<() => void>;
  /** Fires when the client is gone. */
  readonly signal: AbortSignal;
};

const DEFAULT_FORMAT = "TabSeparated";
const STRUCTURE_LENGTH_MAX = 1024 * 1024;
/** Inserts with data are recognised by their beginning. */
const HEAD_BYTES = 256 * 1024;
/** The `log_comment` by which the sink's statements take the seats kept for it. */
const INGEST_COMMENT = "meterline sink";
const NO_EXPRESSIONS: Named = [
  ["input_format_values_interpret_expressions", "0"],
  ["input_format_values_deduce_templates_of_expressions", "0"],
];
const INPUT_TABLE = "_request_data";

export async function execute(deps: ExecuteDeps, input: ExecuteInput): Promise<void> {
  const { request } = input;
  const { head, rest } = await readHead(input);
  const { text, data } = divide(head);
  const bytesMax = statementBytesMax(request, input.login.role);
  const whole = data !== null || rest === null ? text : Buffer.concat([text, ...(await readAll(rest, bytesMax))]);
  if (whole.length > bytesMax) throw tooLong();
  if (!isUtf8(whole)) throw syntaxError("The statement is not valid UTF-8");
  const reader = deps.engine.readerFor(queryOf(input));
  const statement = await reader.parse(whole.toString("utf8"), request.parameters);
  await refuseForeign(statement, reader);
  refuseUnlimited(statement, input.login.role);
  const kind = kindOf(statement);
  refuseChangeByGet(request, kind);
  const spooled: string[] = [];
  let end: (() => void) | undefined;
  const respond: ExecuteInput["respond"] = async (answer) => (end = await input.respond(answer));
  try {
    const parts = {
      statement,
      kind,
      text: whole.toString("utf8"),
      data: data === null ? null : { first: data, rest },
      spooled,
    };
    await runParsed(deps, { ...input, respond }, parts);
  } finally {
    await Promise.all(spooled.map((path) => deps.spool.remove(path)));
  }
  // Who asks again as soon as the answer has ended finds the session free.
  end?.();
}

type Parsed = {
  readonly statement: ParsedStatement;
  readonly kind: StatementKind;
  /** As the client wrote it. */
  readonly text: string;
  readonly data: Data | null;
  /** Paths of spooled files, removed at the end. */
  readonly spooled: string[];
};
type Data = { readonly first: Buffer; readonly rest: Readable | null };

async function runParsed(deps: ExecuteDeps, input: ExecuteInput, parsed: Parsed): Promise<void> {
  const { engine, sessions } = deps;
  const { request, login } = input;
  const format = formatName(parsed.statement.format?.name ?? request.defaultFormat ?? DEFAULT_FORMAT);
  const answer = async (result: EngineResult): Promise<void> => {
    const hasRows = parsed.kind === "select" || parsed.kind === "read" || parsed.kind === "kill";
    const isRevised = hasRows && request.nativeRevision > 0 && format.toLowerCase() === "native";
    const chunks = isRevised ? nativeOfRevision(result.chunks, request.nativeRevision) : result.chunks;
    await input.respond({ result: { ...result, chunks }, format, hasRows, isInsertOfData: parsed.data !== null });
  };
  const kill = parsed.kind === "kill" ? killOf(parsed.statement) : null;
  if (kill !== null) {
    await answer(await engine.kill({ ...kill, ...queryOf(input), format }));
    return;
  }
  const files = await tablesOf(deps, input);
  const planned =
    parsed.data === null
      ? planQuery(parsed, format, login.role)
      : await planInsert(deps, input, { ...parsed, data: parsed.data });
  await sessions.use(login, request, (session) =>
    engine.run(
      {
        ...queryOf(input),
        text: parsed.text,
        session,
        format: parsed.data === null ? format : DEFAULT_FORMAT,
        sql: planned.sql,
        files: [...files, ...planned.files],
        settings: [...request.settings, ...planned.settings, ...roomFor(parsed.statement.sql)],
      },
      answer,
    ),
  );
}

/** The name becomes part of a statement, where more than a name could be a statement of its own. */
function formatName(name: string): string {
  if (/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) return name;
  throw serverError({ code: 73, name: "UNKNOWN_FORMAT", text: `Unknown format ${name}` });
}

type Planned = {
  readonly sql: EngineQuery["sql"];
  readonly files: readonly FileTable[];
  readonly settings: Named;
};

function planQuery({ statement, kind }: Parsed, format: string, role: EngineRole): Planned {
  const sql = (path: string): string => seeOwnQueries(intoOutfile(statement, format, path), role);
  return { sql: kind === "select" ? sql : seeOwnQueries(statement.sql, role), files: [], settings: [] };
}

/** The same query with its result in a file. TRUNCATE, because the file is there already: it is a pipe. */
function intoOutfile({ sql, format: own }: ParsedStatement, format: string, path: string): string {
  const span = own ?? { start: sql.length, end: sql.length };
  return `${sql.slice(0, span.start)}\nINTO OUTFILE ${literal(path)} TRUNCATE FORMAT ${format}${sql.slice(span.end)}`;
}

async function planInsert(
  deps: ExecuteDeps,
  input: ExecuteInput,
  { statement, spooled, data }: Parsed & { readonly data: Data },
): Promise<Planned> {
  const format = statement.format?.name ?? "Values";
  refuseSecondStatement(format, data);
  const reader = deps.engine.readerFor(queryOf(input));
  const settings = await expressionSettings(reader, format, data);
  if (settings.length > 0) refuseExpressionSettings(statement);
  if (settings.length === 0 && holdsParameters(format, input, data)) {
    const rows = data.first.toString("utf8");
    return { sql: `${statement.sql.slice(0, statement.format?.start)} VALUES ${rows}`, files: [], settings };
  }
  const path = await deps.spool.write(data.first, data.rest);
  spooled.push(path);
  const call = inputCall(statement);
  if (call === null) {
    const at = sourcePosition(statement);
    const sql = `${statement.sql.slice(0, at)} FROM INFILE ${literal(path)} ${statement.sql.slice(at)}`;
    return { sql, files: [], settings };
  }
  const structure = await checkedStructure(reader, call.structure);
  const { sql } = statement;
  return {
    sql: `${sql.slice(0, call.start)}${INPUT_TABLE}${sql.slice(call.end, statement.format?.start)}`,
    files: [
      {
        name: INPUT_TABLE,
        structure,
        format,
        path,
        formatSettings: formatSettingsOf({ request: input.request, statement, fixed: settings }),
      },
    ],
    settings,
  };
}

/** The engine takes what follows a semicolon for the next statement of a command line, and leaves it. */
function refuseSecondStatement(format: string, { first }: Data): void {
  if (format.toLowerCase() !== "values") return;
  const tokens = tokensOf(first.toString("latin1"));
  const semicolon = tokens.findIndex((token) => token.text === ";");
  if (semicolon >= 0 && tokens.slice(semicolon).some((token) => token.text !== ";"))
    throw syntaxError("Syntax error (Multi-statements are not allowed): there is something behind the semicolon");
}

/** Expressions among the values are evaluated only where all of them could be looked through first. Other formats have none. */
async function expressionSettings(reader: StatementReader, format: string, { first, rest }: Data): Promise<Named> {
  if (format.toLowerCase() !== "values") return [];
  const isKnown = rest === null && isUtf8(first) && (await mayEvaluate(first.toString("utf8"), reader));
  return isKnown ? [] : NO_EXPRESSIONS;
}

/** The statement's own settings would hold instead. */
function refuseExpressionSettings({ tokens }: ParsedStatement): void {
  const own = tokens.find((token) => NO_EXPRESSIONS.some(([name]) => token.text === name));
  if (own === undefined) return;
  throw serverError({
    code: 452,
    name: "SETTING_CONSTRAINT_VIOLATION",
    text: `Setting ${own.text} should not be changed for these values: they are too long, or call what is not allowed here`,
  });
}

/** Values with `{name: Type}` in them stay in the statement: only there are they replaced. A semicolon could begin another statement. */
function holdsParameters(format: string, { request }: ExecuteInput, { first }: Data): boolean {
  return format.toLowerCase() === "values" && request.parameters.length > 0 && !first.includes(";");
}

/** The span of `input('structure')` and its structure. */
function inputCall({ tokens }: ParsedStatement): { start: number; end: number; structure: string } | null {
  const at = tokens.findIndex((token, index) => upper(token) === "INPUT" && tokens[index + 1]?.text === "(");
  const [name, , structure, close] = tokens.slice(at, at + 4);
  if (at < 0 || name === undefined) return null;
  if (structure?.text.startsWith("'") !== true || close?.text !== ")")
    throw serverError({
      code: 36,
      name: "BAD_ARGUMENTS",
      text: "input() needs its structure as one text: input('a UInt8')",
    });
  return { start: name.start, end: close.end, structure: unquoted(structure.text) };
}

function unquoted(text: string): string {
  return text.slice(1, -1).replaceAll(/\\(.)/gs, "$1").replaceAll("''", "'");
}

async function checkedStructure(reader: StatementReader, structure: string): Promise<string> {
  if (structure.length > STRUCTURE_LENGTH_MAX) throw tooLong();
  const asTable = await reader.parse(`CREATE TABLE t (${structure}) ENGINE = Null`, []);
  return columnsOf(asTable, reader);
}

async function tablesOf({ engine }: ExecuteDeps, input: ExecuteInput): Promise<readonly FileTable[]> {
  const { tables, request } = input;
  const reader = engine.readerFor(queryOf(input));
  const described = tables.map((table) => ({ ...table, ...describeTable(table.name, request.all) }));
  return Promise.all(
    described.map(async (table) => ({
      ...table,
      structure: await checkedStructure(reader, table.structure),
      // What is in them is not looked through.
      formatSettings: formatSettingsOf({ request, statement: null, fixed: NO_EXPRESSIONS }),
    })),
  );
}

type FromRequest = Omit<EngineQuery, "sql" | "text" | "session" | "format" | "files">;

function queryOf({ request, login, signal }: ExecuteInput): FromRequest {
  const { database, settings, parameters, comment, queryId } = request;
  return {
    database,
    settings,
    parameters,
    comment,
    queryId,
    signal,
    role: login.role,
    user: login.user,
    readOnly: login.role === "finance" || isGet(request),
    ingest: login.role === "sink" || (login.role === "admin" && comment === INGEST_COMMENT),
  };
}

function refuseChangeByGet(request: HttpRequest, kind: StatementKind): void {
  if (!isGet(request) || kind === "select" || kind === "read" || kind === "session") return;
  throw serverError({
    code: 164,
    name: "READONLY",
    text: "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. You should use method POST for modifying queries",
  });
}

function isGet({ method }: HttpRequest): boolean {
  return method === "GET" || method === "HEAD";
}

/** The statement and, for an INSERT with data, the data that are there already. */
function divide(head: Buffer): { readonly text: Buffer; readonly data: Buffer | null } {
  const found = readStatementHead(head.toString("latin1"));
  if (found.kind === "statement") return { text: head, data: null };
  return { text: head.subarray(0, found.end), data: head.subarray(found.end) };
}

function syntaxError(text: string): Error {
  return serverError({ code: 62, name: "SYNTAX_ERROR", text });
}

/** The URL's part of the statement with the first bytes of the body on the next line, and what is left of the body; null when that was all. */
async function readHead({ request, body }: ExecuteInput): Promise<{ head: Buffer; rest: Readable | null }> {
  const chunks: Buffer[] = request.query === null ? [] : [Buffer.from(`${request.query.trimEnd()}\n`)];
  let length = 0;
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= HEAD_BYTES) return { head: Buffer.concat(chunks), rest: body };
  }
  return { head: Buffer.concat(chunks), rest: null };
}

async function readAll(body: Readable, bytesMax: number): Promise<readonly Buffer[]> {
  const chunks: Buffer[] = [];
  let length = 0;
  // Not destroyed when it is too long: whoever still sends it would see a broken connection in place of the answer.
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bytesMax) throw tooLong();
    chunks.push(chunk);
  }
  return chunks;
}
