/**
 * Answers as the server gives them. The head waits for the first MiB or the end, whichever comes first: most failures come by then and have a status of
 * their own. A later one ends the result with the server's exception block and a broken connection, so that nobody takes it for whole.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import type { ServerResponse } from "node:http";
import { Readable, type Duplex, type Writable } from "node:stream";
import type { AnswerHead } from "./answer-head.ts";
import { encoderFor, negotiate } from "./compression/content-encoding.ts";
import { encodeNativeBlocks } from "./compression/native-blocks.ts";
import type { Engine, EngineResult } from "./engine.ts";
import type { HttpRequest } from "./http-request.ts";
import { asServerError, statusOf } from "./server-error.ts";
import type { Spool } from "./spool.ts";

const HELD_BACK_BYTES = 1024 * 1024;
const NS_PER_SECOND = 1e9;
const PLAIN_TEXT = "text/plain; charset=UTF-8";
/** Clients drop what they have not read yet when a connection breaks; this long they have for reading the exception. */
const BREAK_OFF_DELAY_MS = 1000;

export type RespondInput = {
  readonly response: ServerResponse;
  readonly head: AnswerHead;
  readonly request: HttpRequest;
  readonly engine: Engine;
  readonly spool: Spool;
  readonly result: EngineResult;
  readonly format: string;
  /** The statement gives rows, be they none. */
  readonly hasRows: boolean;
  /** The statement inserts the rows of the request's body. */
  readonly isInsertOfData: boolean;
};

/** Sends everything but the end of the answer, which is the function that comes back: by then all that the query held has to be free. */
export async function respond(input: RespondInput): Promise<() => void> {
  if (!input.request.waitEndOfQuery) return sendResult(input, input.result.chunks);
  const path = await input.spool.write(new Uint8Array(), Readable.from(input.result.chunks));
  try {
    return await sendResult(input, createReadStream(path));
  } finally {
    await input.spool.remove(path);
  }
}

async function sendResult(input: RespondInput, result: AsyncIterable<Uint8Array>): Promise<() => void> {
  const chunks = result[Symbol.asyncIterator]();
  try {
    return await sendChunks(input, chunks);
  } finally {
    await chunks.return?.();
  }
}

async function sendChunks(input: RespondInput, chunks: AsyncIterator<Uint8Array>): Promise<() => void> {
  const { response } = input;
  const held: Uint8Array[] = [];
  let heldBytes = 0;
  let piece = await chunks.next();
  while (piece.done !== true && heldBytes < HELD_BACK_BYTES) {
    held.push(piece.value);
    heldBytes += piece.value.length;
    piece = await chunks.next();
  }
  if (response.destroyed) return nothing;
  const exceptionTag = randomBytes(8).toString("hex");
  const sink = beginBody(input, exceptionTag);
  for (const bytes of held) await write(bytes, sink, response);
  try {
    for (; piece.done !== true && !response.destroyed; piece = await chunks.next())
      await write(piece.value, sink, response);
    return () => sink.end();
  } catch (error) {
    return () => {
      breakOff({ sink, response, exceptionTag, error });
    };
  }
}

function nothing(): void {
  // The client is gone: there is nobody to end the answer for.
}

export type RefuseInput = { readonly head: AnswerHead; readonly acceptEncoding: string | null };

/** An answer that could not begin. */
export function refuse({ head, acceptEncoding }: RefuseInput, error: unknown): void {
  const failure = asServerError(error);
  const encoding = acceptEncoding === null ? null : negotiate(acceptEncoding);
  const body = head.begin(statusOf(failure), {
    "Content-Type": PLAIN_TEXT,
    "X-ClickHouse-Exception-Code": String(failure.clickhouseCode),
    ...(encoding !== null && { "Content-Encoding": encoding }),
  });
  encoded(body, encoding).end(`${failure.message}\n`);
}

/** The stream that the result's plain bytes go into. */
function beginBody(input: RespondInput, exceptionTag: string): Writable {
  const { head, request, engine, format, hasRows } = input;
  const encoding = request.acceptEncoding === null ? null : negotiate(request.acceptEncoding);
  const body = head.begin(200, {
    "Content-Type": (hasRows ? engine.contentTypes.get(format.toLowerCase()) : undefined) ?? PLAIN_TEXT,
    "X-ClickHouse-Server-Display-Name": "meterline",
    "X-ClickHouse-Query-Id": request.queryId,
    "X-ClickHouse-Format": format,
    "X-ClickHouse-Timezone": engine.timeZone,
    "X-ClickHouse-Exception-Tag": exceptionTag,
    "X-ClickHouse-Summary": summaryOf(input),
    ...(encoding !== null && { "Content-Encoding": encoding }),
  });
  const outer = encoded(body, encoding);
  return request.nativeAnswer ? into(encodeNativeBlocks(), outer) : outer;
}

function encoded(body: Writable, encoding: string | null): Writable {
  const encoder = encoding === null ? null : encoderFor(encoding);
  return encoder === null ? body : into(encoder, body);
}

/** What the engine tells of a query. Rows written it does not count; of an insert with data they are the rows that were read from them. */
function summaryOf({ result, isInsertOfData }: RespondInput): string {
  const { rowsRead, bytesRead, seconds } = result.summary();
  const [rows, bytes] = [String(rowsRead), String(bytesRead)];
  const written = { written_rows: rows, written_bytes: bytes, result_rows: rows, result_bytes: bytes };
  return JSON.stringify({
    read_rows: rows,
    read_bytes: bytes,
    ...(isInsertOfData && written),
    elapsed_ns: String(Math.round(seconds * NS_PER_SECOND)),
  });
}

function into(encoder: Duplex, target: Writable): Writable {
  encoder.pipe(target);
  return encoder;
}

async function write(bytes: Uint8Array, sink: Writable, response: ServerResponse): Promise<void> {
  if (sink.write(bytes) || response.destroyed) return;
  const waiting = new AbortController();
  const { signal } = waiting;
  await Promise.race([once(sink, "drain", { signal }), once(response, "close", { signal })]);
  // Takes the listener away that did not fire; a long result would gather thousands.
  waiting.abort();
}

type BreakOffInput = {
  readonly sink: Writable;
  readonly response: ServerResponse;
  readonly exceptionTag: string;
  readonly error: unknown;
};

function breakOff({ sink, response, exceptionTag, error }: BreakOffInput): void {
  const text = `${asServerError(error).message}\n`;
  const marks = ["__exception__", exceptionTag] as const;
  const block = `\r\n${marks[0]}\r\n${marks[1]}\r\n${text}${Buffer.byteLength(text)} ${marks[1]}\r\n${marks[0]}\r\n`;
  sink.write(block, () => {
    setTimeout(() => response.destroy(), BREAK_OFF_DELAY_MS).unref();
  });
}
