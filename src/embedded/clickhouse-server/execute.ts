/** Carries a request out: decides between a query and an insert with data, spools the data, runs it, and hands the result on. */
import type { Readable } from "node:stream";
import { literal, type Engine, type EngineQuery, type EngineResult } from "./engine.ts";
import type { HttpRequest } from "./http-request.ts";
import { serverError } from "./server-error.ts";
import type { Spool } from "./spool.ts";
import { parseStatement, type InsertStatement, type Statement } from "./statement.ts";

export type ExecuteDeps = { readonly engine: Engine; readonly spool: Spool };
export type ExecuteInput = {
  readonly request: HttpRequest;
  readonly body: Readable;
  readonly respond: (result: EngineResult, format: string) => Promise<void>;
};

/** The engine gives these piece by piece; of the others each piece would be a document of its own. */
const STREAMED_FORMATS = new Set(
  [
    "JSONEachRow",
    "JSONCompactEachRow",
    "JSONStringsEachRow",
    "LineAsString",
    "CSV",
    "TabSeparated",
    "TSV",
    "RowBinary",
    "Native",
  ].map((name) => name.toLowerCase()),
);
const READING = /^\s*(\(|SELECT|WITH)\b/i;
const DEFAULT_FORMAT = "TabSeparated";
/** Where a statement stands alone in the body it is read into memory; inserts with data are recognised by their beginning. */
const STATEMENT_BYTES_MAX = 64 * 1024 * 1024;
const HEAD_BYTES = 256 * 1024;
const INGEST_TABLES = new Set(["meterline.usage_ingest", "meterline.sink_batches", "meterline.sink_fence"]);

export async function execute(deps: ExecuteDeps, input: ExecuteInput): Promise<void> {
  const { request } = input;
  const inUrl = request.query ?? "";
  if (inUrl !== "" && parseStatement(inUrl).kind === "insert") {
    await insertWithBody(deps, input, { text: inUrl, first: new Uint8Array(), rest: input.body });
    return;
  }
  const { head, rest } = await readHead(input.body, HEAD_BYTES);
  const text = [inUrl, head.toString("utf8")].filter((part) => part !== "").join("\n");
  const statement = parseStatement(text);
  if (statement.kind === "insert" && statement.source !== "values") {
    await insertInBody(deps, input, { head, rest, statement, text });
    return;
  }
  const whole = rest === null ? text : text + (await readAll(rest, STATEMENT_BYTES_MAX - text.length));
  await query(deps, input, { text: whole, statement });
}

async function query(
  { engine }: ExecuteDeps,
  { request, respond }: ExecuteInput,
  { text, statement }: { readonly text: string; readonly statement: Statement },
): Promise<void> {
  const sql = text.trim().replace(/;\s*$/, "");
  if (sql === "") throw serverError({ code: 62, name: "SYNTAX_ERROR", text: "Empty query" });
  const format = (statement.kind === "other" ? statement.format : null) ?? request.defaultFormat ?? DEFAULT_FORMAT;
  const streamed = READING.test(sql) && STREAMED_FORMATS.has(format.toLowerCase());
  const ingest = statement.kind === "insert" && INGEST_TABLES.has(statement.target);
  await engine.run({ ...engineQuery(request, sql), format, ingest, streamed }, (result) => respond(result, format));
}

type BodyInsert = { readonly text: string; readonly first: Uint8Array; readonly rest: Readable | null };

/** Statement in the URL, data in the body. */
async function insertWithBody(
  deps: ExecuteDeps,
  input: ExecuteInput,
  { text, first, rest }: BodyInsert,
): Promise<void> {
  const statement = parseStatement(text);
  const inline = statement.kind === "insert" ? Buffer.from(text.slice(statement.dataStart)) : Buffer.alloc(0);
  if (statement.kind !== "insert") return;
  if (statement.source === "values" || (statement.source === "select" && statement.input === null)) {
    const whole = rest === null ? text : `${text}\n${await readAll(rest, STATEMENT_BYTES_MAX)}`;
    await query(deps, input, { text: whole, statement });
    return;
  }
  await insertSpooled(deps, input, { statement, text, first: Buffer.concat([inline, first]), rest });
}

/** Statement and data both in the body. */
async function insertInBody(
  deps: ExecuteDeps,
  input: ExecuteInput,
  {
    head,
    rest,
    statement,
    text,
  }: {
    readonly head: Buffer;
    readonly rest: Readable | null;
    readonly statement: InsertStatement;
    readonly text: string;
  },
): Promise<void> {
  if (statement.source === "select" && statement.input === null) {
    const whole = rest === null ? text : text + (await readAll(rest, STATEMENT_BYTES_MAX - text.length));
    await query(deps, input, { text: whole, statement });
    return;
  }
  // The statement is plain text, so its length in bytes tells where the data begins in the bytes.
  const start = Buffer.byteLength(text.slice(0, statement.dataStart)) - (Buffer.byteLength(text) - head.length);
  await insertSpooled(deps, input, { statement, text, first: head.subarray(start), rest });
}

type SpooledInsert = BodyInsert & { readonly statement: InsertStatement };

async function insertSpooled(
  { engine, spool }: ExecuteDeps,
  { request, respond }: ExecuteInput,
  { statement, text, first, rest }: SpooledInsert,
): Promise<void> {
  const path = await spool.write(first, rest);
  try {
    const sql = insertFromFile(statement, text, path);
    const ingest = INGEST_TABLES.has(statement.target);
    await engine.run({ ...engineQuery(request, sql), format: DEFAULT_FORMAT, ingest, streamed: false }, (result) =>
      respond(result, DEFAULT_FORMAT),
    );
  } finally {
    await spool.remove(path);
  }
}

/** The same insert, its data read from the spooled file: as it stands, or through `file()` where the statement selects from `input()`. */
function insertFromFile(statement: InsertStatement, text: string, path: string): string {
  if (statement.input === null)
    return `${statement.beforeSettings} FROM INFILE ${literal(path)} ${statement.settings} FORMAT ${statement.format}`;
  const { start, end, structure } = statement.input;
  const file = `file(${literal(path)}, ${literal(statement.format)}, ${structure})`;
  return `${text.slice(0, start)}${file}${text.slice(end, statement.formatStart)}`;
}

function engineQuery(
  request: HttpRequest,
  sql: string,
): Pick<EngineQuery, "sql" | "database" | "settings" | "parameters"> {
  return { sql, database: request.database, settings: request.settings, parameters: request.parameters };
}

/** The first bytes of a body, and what is left of it; null when that was all. */
async function readHead(
  body: Readable,
  bytes: number,
): Promise<{ readonly head: Buffer; readonly rest: Readable | null }> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= bytes) return { head: Buffer.concat(chunks), rest: body };
  }
  return { head: Buffer.concat(chunks), rest: null };
}

async function readAll(body: Readable, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bytesMax)
      throw serverError({
        code: 62,
        name: "SYNTAX_ERROR",
        text: `The statement is longer than ${STATEMENT_BYTES_MAX} bytes`,
      });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
