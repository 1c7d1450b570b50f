/**
 * How an answer begins. Usually the head is written once the query has proved itself. With `send_progress_in_http_headers` it begins at once and grows by a header with
 * the query's progress again and again, so that nobody on the way takes the connection for dead; the status is 200 then, whatever comes.
 */
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { Writable } from "node:stream";

export type AnswerHead = {
  /** Sends what is missing of the head; the body goes into the stream. */
  begin(status: number, headers: OutgoingHttpHeaders): Writable;
  /** No more progress: nothing else will be sent. */
  stop(): void;
};

export function plainHead(response: ServerResponse): AnswerHead {
  return {
    begin: (status, headers) => response.writeHead(status, headers),
    stop: () => undefined,
  };
}

export type ProgressHeadInput = {
  readonly response: ServerResponse;
  readonly intervalMs: number;
  /** The progress as JSON; null as long as there is none. */
  readonly progress: () => Promise<string | null>;
};

/** Node sends a head as a whole, so this one goes past it to the connection, which ends with the answer. */
export function progressHead({ response, intervalMs, progress }: ProgressHeadInput): AnswerHead {
  const { socket } = response;
  let opened = false;
  let ended = false;
  const line = (text: string): void => {
    if (!opened) socket?.write("HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n");
    opened = true;
    socket?.write(`${text}\r\n`);
  };
  const tell = async (): Promise<void> => {
    const now = await progress().catch(() => null);
    if (now !== null && !ended) line(`X-ClickHouse-Progress: ${now}`);
  };
  const timer = setInterval(() => void tell(), intervalMs).unref();
  const stop = (): void => {
    ended = true;
    clearInterval(timer);
  };
  return {
    stop,
    begin: (status, headers) => {
      stop();
      if (!opened) return response.writeHead(status, headers);
      for (const [name, value] of Object.entries(headers)) line(`${name}: ${String(value)}`);
      line("");
      return chunkedInto(response);
    },
  };
}

/** Each piece with its length before it, as HTTP's chunked transfer coding says. */
function chunkedInto({ socket }: ServerResponse): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      socket?.write(`${chunk.length.toString(16)}\r\n`);
      socket?.write(chunk);
      socket?.write("\r\n", done);
    },
    final: (done) => {
      socket?.end("0\r\n\r\n", done);
    },
  });
}
