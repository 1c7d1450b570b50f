/** Carries a request out: decides between a query and an insert with data, spools the data, runs it, and hands the result on. */
import { isUtf8 } from "node:buffer";
import type { Readable } from "node:stream";
import { literal } from "./engine-session.ts";
import type { Engine, EngineQuery, EngineResult } from "./engine.ts";
import type { HttpRequest } from "./http-request.ts";
import { serverError } from "./server-error.ts";
import type { Spool } from "./spool.ts";
import { parseStatement, secondStatementAt, type InsertStatement, type OtherStatement } from "./statement.ts";

export type ExecuteDeps = { readonly engine: Engine; readonly spool: Spool };
export type ExecuteInput = {
  readonly request: HttpRequest;
  readonly body: Readable;
  readonly respond: (result: EngineResult, format: string) => Promise<void>;
  /** Fires when the client is gone. */
  readonly signal: AbortSignal;
};

const DEFAULT_FORMAT = "TabSeparated";
/** A statement without data is read into memory; inserts with data are recognised by their beginning. */
const STATEMENT_BYTES_MAX = 64 * 1024 * 1024;
const HEAD_BYTES = 256 * 1024;
const INGEST_TABLES = new Set(["meterline.usage_ingest", "meterline.sink_batches", "meterline.sink_fence"]);
/** The `log_comment` by which the sink's other statements find the sessions kept for it. */
const INGEST_COMMENT = "meterline sink";

export async function execute(deps: ExecuteDeps, input: ExecuteInput): Promise<void> {
  const { head, rest } = await readHead(input);
  const statement = parseStatement(head.toString("latin1"));
  if (statement.kind === "insert" && statement.infile) throw notOverHttp("FROM INFILE");
  if (statement.kind === "insert" && carriesData(statement, { head, whole: rest === null })) {
    await insertSpooled(deps, input, { statement, head, rest });
    return;
  }
  const whole =
    rest === null ? head : Buffer.concat([head, ...(await readAll(rest, STATEMENT_BYTES_MAX - head.length))]);
  await runStatement(deps, input, whole);
}

/** Rows in the statement stay there when they are few: only so may they hold parameters. Bytes that are no UTF-8 would not survive as text. */
function carriesData(statement: InsertStatement, { head, whole }: { head: Buffer; whole: boolean }): boolean {
  if (statement.source === "data") return true;
  if (statement.source === "select") return statement.input !== null;
  return !whole || !isUtf8(head);
}

async function runStatement({ engine }: ExecuteDeps, input: ExecuteInput, bytes: Buffer): Promise<void> {
  if (!isUtf8(bytes)) throw syntaxError("The statement is not valid UTF-8");
  const text = bytes.toString("latin1");
  const statement = parseStatement(text);
  if (statement.kind === "insert") {
    refuseSecond(secondStatementAt(text));
    const query = { ...queryOf(input, statement), sql: bytes.toString("utf8"), sticky: false };
    await engine.run(query, (result) => input.respond(result, query.format));
    return;
  }
  refuseWhatAServerRefuses(statement);
  const format = statement.format ?? input.request.defaultFormat ?? DEFAULT_FORMAT;
  const sql = utf8(text.slice(0, statement.end));
  const query = { ...queryOf(input, null), format, sticky: statement.sticky };
  await engine.run(
    { ...query, sql: statement.reads ? (path) => intoOutfile({ text, statement, format, path }) : sql },
    (result) => input.respond(result, format),
  );
}

function refuseWhatAServerRefuses(statement: OtherStatement): void {
  if (statement.end === 0) throw syntaxError("Empty query");
  refuseSecond(statement.second);
  if (statement.outfile !== null) throw notOverHttp("INTO OUTFILE");
}

function refuseSecond(at: number | null): void {
  if (at !== null) throw syntaxError(`Syntax error (Multi-statements are not allowed): failed at position ${at + 1}`);
}

type IntoOutfileInput = {
  readonly text: string;
  readonly statement: OtherStatement;
  readonly format: string;
  readonly path: string;
};

/** The same query with its result in a file. TRUNCATE, because the file is there already: it is a pipe. */
function intoOutfile({ text, statement, format, path }: IntoOutfileInput): string {
  const span = statement.formatSpan ?? { start: statement.end, end: statement.end };
  const outfile = `INTO OUTFILE ${literal(path)} TRUNCATE FORMAT ${format}`;
  return `${utf8(text.slice(0, span.start))}\n${outfile} ${utf8(text.slice(span.end, statement.end))}`;
}

type SpooledInsert = { readonly statement: InsertStatement; readonly head: Buffer; readonly rest: Readable | null };

async function insertSpooled(
  { engine, spool }: ExecuteDeps,
  input: ExecuteInput,
  insert: SpooledInsert,
): Promise<void> {
  const { statement, head, rest } = insert;
  const path = await spool.write(head.subarray(statement.dataStart), rest);
  try {
    const sql = insertFromFile(statement, head.toString("latin1", 0, statement.dataStart), path);
    const query = { ...queryOf(input, statement), sql, sticky: false };
    await engine.run(query, (result) => input.respond(result, query.format));
  } finally {
    await spool.remove(path);
  }
}

/** The same insert, its data read from the spooled file: as it stands, or through `file()` where the statement selects from `input()`. */
function insertFromFile(statement: InsertStatement, text: string, path: string): string {
  if (statement.input === null)
    return `${utf8(statement.beforeSettings)} FROM INFILE ${literal(path)} ${utf8(statement.settings)} FORMAT ${statement.format}`;
  const { start, end, structure } = statement.input;
  const file = `file(${literal(path)}, ${literal(statement.format)}, ${utf8(structure)})`;
  return `${utf8(text.slice(0, start))}${file}${utf8(text.slice(end, statement.formatStart))}`;
}

function queryOf(
  { request, signal }: ExecuteInput,
  insert: InsertStatement | null,
): Omit<EngineQuery, "sql" | "sticky"> {
  const { database, settings, parameters, comment, queryId } = request;
  const target = insert === null || insert.target.includes(".") ? insert?.target : `${database ?? ""}.${insert.target}`;
  const ingest = comment === INGEST_COMMENT || INGEST_TABLES.has(target ?? "");
  return { format: DEFAULT_FORMAT, database, settings, parameters, comment: `${queryId} ${comment}`, ingest, signal };
}

/** Statements are cut as bytes, one character each, and become text only in whole pieces: no character is ever cut in two. */
function utf8(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString("utf8");
}

/** Both would reach the files of this machine; a client writes and reads its own. */
function notOverHttp(clause: string): Error {
  return serverError({ code: 48, name: "NOT_IMPLEMENTED", text: `${clause} is not possible over HTTP` });
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
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bytesMax) throw syntaxError(`The statement is longer than ${STATEMENT_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return chunks;
}
