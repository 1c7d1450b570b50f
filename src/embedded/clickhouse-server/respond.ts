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

/** An answer that could not begin. */
export function refuse(head: AnswerHead, error: unknown): void {
  const failure = asServerError(error);
  head
    .begin(statusOf(failure), {
      "Content-Type": "text/plain; charset=UTF-8",
      "X-ClickHouse-Exception-Code": String(failure.clickhouseCode),
    })
    .end(`${failure.message}\n`);
}

/** The stream that the result's plain bytes go into. */
function beginBody({ head, request, engine, result, format }: RespondInput, exceptionTag: string): Writable {
  const encoding = request.acceptEncoding === null ? null : negotiate(request.acceptEncoding);
  const body = head.begin(200, {
    "Content-Type": engine.contentTypes.get(format.toLowerCase()) ?? "text/plain; charset=UTF-8",
    "X-ClickHouse-Server-Display-Name": "meterline",
    "X-ClickHouse-Query-Id": request.queryId,
    "X-ClickHouse-Format": format,
    "X-ClickHouse-Timezone": engine.timeZone,
    "X-ClickHouse-Exception-Tag": exceptionTag,
    "X-ClickHouse-Summary": summaryOf(result),
    ...(encoding !== null && { "Content-Encoding": encoding }),
  });
  const encoder = encoding === null ? null : encoderFor(encoding);
  const outer = encoder === null ? body : into(encoder, body);
  return request.nativeAnswer ? into(encodeNativeBlocks(), outer) : outer;
}

function summaryOf(result: EngineResult): string {
  const { rowsRead, bytesRead } = result.summary();
  return JSON.stringify({ read_rows: String(rowsRead), read_bytes: String(bytesRead) });
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
