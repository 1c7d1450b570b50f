/** The rows of a CSV file as events by a column map, in bounded memory. The first line names the columns. */
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { AppError } from "../kernel/errors.ts";
import { columnsOf, eventOfRow, type ColumnMap, type CsvRow } from "./column-map.ts";
import type { EventLine } from "./read-event-lines.ts";

const CHUNK_BYTES = 256 * 1024;
const RECORD_CHARS_MAX = 4 * 1024 * 1024;

type CsvRecord = { readonly record: readonly string[]; readonly info: { readonly lines: number } };

/** Throws `invalid` when the map names a column that the file lacks or has twice; a row that is no event is a problem with its line. */
export async function* readCsvEvents(path: string, map: ColumnMap): AsyncGenerator<EventLine> {
  const parser = parse({
    bom: true,
    delimiter: map.delimiter,
    info: true,
    max_record_size: RECORD_CHARS_MAX,
    relax_column_count: true,
    skip_empty_lines: true,
  });
  const records = Readable.from(strictText(path))
    .on("error", (error) => parser.destroy(error))
    .pipe(parser);
  let header: readonly string[] | undefined;
  let number = 0;
  let line = 0;
  try {
    for await (const { record, info } of records as AsyncIterable<CsvRecord>) {
      line = info.lines;
      if (header === undefined) {
        header = record;
        requireColumns(header, map, path);
        continue;
      }
      number += 1;
      yield eventLine({ header, record, map, line, number });
    }
  } catch (error) {
    if (!(error instanceof CsvError) && !isDecodeError(error)) throw error;
    throw new AppError({
      code: "CSV_UNREADABLE",
      kind: "invalid",
      message: `${path} cannot be read beyond line ${String(line)}: ${error.message}`,
      cause: error,
    });
  }
}

type RowInput = {
  readonly header: readonly string[];
  readonly record: readonly string[];
  readonly map: ColumnMap;
  readonly line: number;
  readonly number: number;
};

function eventLine({ header, record, map, line, number }: RowInput): EventLine {
  if (record.length !== header.length) {
    const message = `the row has ${String(record.length)} cells, but the header has ${String(header.length)}`;
    return { kind: "problem", line, message };
  }
  const row: CsvRow = { number, cells: new Map(header.map((name, index) => [name, record[index] ?? ""])) };
  const event = eventOfRow(map, row);
  return "problem" in event ? { kind: "problem", line, message: event.problem } : { kind: "event", line, ...event };
}

function requireColumns(header: readonly string[], map: ColumnMap, path: string): void {
  const columns = columnsOf(map);
  const repeated = columns.filter((column) => header.indexOf(column) !== header.lastIndexOf(column));
  if (repeated.length > 0) {
    throw new AppError({
      code: "CSV_COLUMN_REPEATED",
      kind: "invalid",
      message: `${path} has several columns of the name ${repeated.map((name) => `"${name}"`).join(", ")}, so that the map does not say which is meant: give each a name of its own`,
    });
  }
  const unknown = columns.filter((column) => !header.includes(column));
  if (unknown.length === 0) return;
  throw new AppError({
    code: "CSV_COLUMN_MISSING",
    kind: "invalid",
    message: `${path} has no column ${unknown.map((name) => `"${name}"`).join(", ")}; its columns are ${header.map((name) => `"${name}"`).join(", ")}`,
  });
}

function isDecodeError(error: unknown): error is TypeError {
  return error instanceof TypeError && "code" in error && error.code === "ERR_ENCODING_INVALID_ENCODED_DATA";
}

/** Invalid UTF-8 is an error of the file, never a replaced character in an event. */
async function* strictText(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>)
    yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}
