/**
 * Answers as the server gives them. The head waits for the first MiB or the end, whichever comes first: most failures come by then and have a status of
 * their own. A later one ends the result with the server's exception block and a broken connection, so that nobody takes it for whole.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Writable } from "node:stream";
import { createGzip } from "node:zlib";
import type { Engine, EngineResult } from "./engine.ts";
import type { HttpRequest } from "./http-request.ts";
import { asServerError, statusOf } from "./server-error.ts";

const HELD_BACK_BYTES = 1024 * 1024;
/** Clients drop what they have not read yet when a connection breaks; this long they have for reading the exception. */
const BREAK_OFF_DELAY_MS = 1000;

export type RespondInput = {
  readonly response: ServerResponse;
  readonly request: HttpRequest;
  readonly engine: Engine;
  readonly result: EngineResult;
  readonly format: string;
};

export async function respond(input: RespondInput): Promise<void> {
  const chunks = input.result.chunks[Symbol.asyncIterator]();
  try {
    await sendChunks(input, chunks);
  } finally {
    await chunks.return?.();
  }
}

async function sendChunks(input: RespondInput, chunks: AsyncIterator<Uint8Array>): Promise<void> {
  const { response, request } = input;
  const held: Uint8Array[] = [];
  let heldBytes = 0;
  let piece = await chunks.next();
  while (piece.done !== true && heldBytes < HELD_BACK_BYTES) {
    held.push(piece.value);
    heldBytes += piece.value.length;
    piece = await chunks.next();
  }
  if (response.destroyed) return;
  const exceptionTag = randomBytes(8).toString("hex");
  writeHead(input, exceptionTag);
  const sink = request.compressResponse ? gzipInto(response) : response;
  for (const bytes of held) await write(bytes, sink, response);
  try {
    for (; piece.done !== true && !response.destroyed; piece = await chunks.next())
      await write(piece.value, sink, response);
    sink.end();
  } catch (error) {
    breakOff({ sink, response, exceptionTag, error });
  }
}

/** An answer that could not begin. */
export function refuse(response: ServerResponse, error: unknown): void {
  const failure = asServerError(error);
  response
    .writeHead(statusOf(failure), {
      "Content-Type": "text/plain; charset=UTF-8",
      "X-ClickHouse-Exception-Code": String(failure.clickhouseCode),
    })
    .end(`${failure.message}\n`);
}

function writeHead({ response, request, engine, result, format }: RespondInput, exceptionTag: string): void {
  const { rowsRead, bytesRead } = result.summary();
  response.writeHead(200, {
    "Content-Type": contentType(format),
    "X-ClickHouse-Query-Id": request.queryId,
    "X-ClickHouse-Format": format,
    "X-ClickHouse-Timezone": engine.timeZone,
    "X-ClickHouse-Server-Display-Name": "meterline",
    "X-ClickHouse-Exception-Tag": exceptionTag,
    "X-ClickHouse-Summary": JSON.stringify({ read_rows: String(rowsRead), read_bytes: String(bytesRead) }),
    ...(request.compressResponse && { "Content-Encoding": "gzip" }),
  });
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

function gzipInto(response: ServerResponse): Writable {
  const gzip = createGzip();
  gzip.pipe(response);
  return gzip;
}

function contentType(format: string): string {
  if (/^JSON(Compact|Strings|ColumnsWithMetadata|ObjectEachRow)?$/i.test(format))
    return "application/json; charset=UTF-8";
  if (/^JSON.*EachRow/i.test(format)) return "application/x-ndjson; charset=UTF-8";
  if (/^CSV/i.test(format))
    return `text/csv; charset=UTF-8; header=${/WithNames/i.test(format) ? "present" : "absent"}`;
  if (/^(TSV|TabSeparated)/i.test(format)) return "text/tab-separated-values; charset=UTF-8";
  return /^(RowBinary|Native|Parquet|Arrow|ORC|Avro)/i.test(format)
    ? "application/octet-stream"
    : "text/plain; charset=UTF-8";
}
