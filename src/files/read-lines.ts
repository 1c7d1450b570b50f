/**
 * The lines of a file as they come, in bounded memory. Split at line feeds only (JSON strings may hold U+2028, at which readline splits too),
 * decoded strictly: what is not UTF-8 is told, never replaced.
 */
import { createReadStream } from "node:fs";
import { decodeUtf8 } from "../kernel/utf8.ts";

/** `text` is null when the line is not valid UTF-8 or longer than `LINE_BYTES_MAX`; `problem` says which. */
export type FileLine =
  | { readonly line: number; readonly text: string }
  | { readonly line: number; readonly text: null; readonly problem: string };

const LINE_BYTES_MAX = 16 * 1024 * 1024;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const CHUNK_BYTES = 256 * 1024;

/** Numbered from 1. A byte order mark at the start and carriage returns at the end of lines are no part of the text. */
export async function* readLines(path: string): AsyncGenerator<FileLine> {
  let line = 0;
  let parts: Buffer[] = [];
  let length = 0;
  const take = (): FileLine => {
    const bytes = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
    const tooLong = length > LINE_BYTES_MAX;
    parts = [];
    length = 0;
    line += 1;
    if (tooLong) return { line, text: null, problem: `the line is longer than ${String(LINE_BYTES_MAX)} bytes` };
    return decoded(bytes, line);
  };
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      keep(chunk.subarray(start, end));
      yield take();
      start = end + 1;
    }
    if (start < chunk.length) keep(chunk.subarray(start));
  }
  if (length > 0) yield take();

  /** Of a line that is too long only the length is kept. */
  function keep(part: Buffer): void {
    length += part.length;
    if (length <= LINE_BYTES_MAX) parts.push(part);
    else parts = [];
  }
}

function decoded(bytes: Buffer, line: number): FileLine {
  const end = bytes.at(-1) === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length;
  const text = decodeUtf8(bytes.subarray(0, end));
  if (text === undefined) return { line, text: null, problem: "the line is not valid UTF-8" };
  return { line, text: line === 1 && text.startsWith("\uFEFF") ? text.slice(1) : text };
}
