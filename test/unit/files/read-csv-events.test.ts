/** A CSV file by a column map, against a plain reading of the same file. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseColumnMap } from "../../../src/files/column-map.ts";
import { readCsvEvents } from "../../../src/files/read-csv-events.ts";
import type { EventLine } from "../../../src/files/read-event-lines.ts";

const MAP = parseColumnMap(
  `source: traces/azure
id: { template: "{rowHash}-{row}" }
type: llm.completion
subject: acme
time: { column: TIMESTAMP, timeZone: UTC }
data:
  inputTokens: { column: ContextTokens, as: number }
  outputTokens: { column: GeneratedTokens, as: number }
`,
  "map.yaml",
);
/** A public trace that lies beside the repository on some machines; what its form demands is shown without it too. */
const TRACE = fileURLToPath(new URL("../../../../shared/data/azure-llm-inference-2023-conv.csv", import.meta.url));
const LIKE_THE_TRACE =
  "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.6805900,374,44\r\n2023-11-16 18:15:50.9951690,396,109\r\n2023-11-16 18:15:50.9951690,396,109\r\n2023-11-16 18:16:00,1,2\r\n";

const FILES: readonly (readonly [string, string])[] = [
  ["a file of that form", LIKE_THE_TRACE],
  ...(existsSync(TRACE) ? [["the trace itself", readFileSync(TRACE, "utf8")] as const] : []),
];

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "meterline-csv-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

async function eventsOf(text: string, map = MAP): Promise<EventLine[]> {
  const path = join(directory, "usage.csv");
  writeFileSync(path, text);
  const lines: EventLine[] = [];
  for await (const line of readCsvEvents(path, map)) lines.push(line);
  return lines;
}

type TraceEvent = {
  readonly id: string;
  readonly time: string;
  readonly data: { readonly inputTokens: number; readonly outputTokens: number };
};

// Guarantee: every row is one event with its own id, no digit and no nanosecond is lost, and twice the same file is twice the same events.
test.each(FILES)("%s becomes the events that it says", async (_what, text) => {
  const rows = text
    .split(/\r?\n/)
    .slice(1)
    .filter((row) => row !== "")
    .map((row) => row.split(","));
  const lines = await eventsOf(text);
  expect(lines.filter((line) => line.kind === "problem")).toEqual([]);
  const events = lines.flatMap((line) => (line.kind === "event" ? [JSON.parse(line.text) as TraceEvent] : []));
  expect(events.map(({ data }) => [String(data.inputTokens), String(data.outputTokens)])).toEqual(
    rows.map((row) => row.slice(1)),
  );
  expect(events.map(({ time }) => tenthsOfMicroseconds(time.replace("T", " ").replace("Z", "")))).toEqual(
    rows.map(([time = ""]) => tenthsOfMicroseconds(time)),
  );
  expect(new Set(events.map(({ id }) => id)).size).toBe(rows.length);
  expect(await eventsOf(text)).toEqual(lines);
  expect(lines.at(-1)?.line).toBe(rows.length + 1);
});

/** The text with exactly seven fraction digits, as the trace writes most of its times. */
function tenthsOfMicroseconds(time: string): string {
  const [seconds = "", fraction = ""] = time.split(".");
  return `${seconds}.${fraction.padEnd(9, "0").slice(0, 9)}`;
}

test("a row that is no event is told with its line, and the rest goes on", async () => {
  const lines = await eventsOf(
    'TIMESTAMP,ContextTokens,GeneratedTokens\n"2023-11-16\n18:15",1,2\n2023-11-16 18:15:46,1\n2023-11-16 18:15:46,1,x\n2023-11-16 18:15:46,1,2\n',
  );
  expect(
    lines.map((line) => (line.kind === "problem" ? `${line.line} ${line.message}` : `${line.line} event`)),
  ).toEqual([
    expect.stringMatching(/^3 time is "2023-11-16\n18:15"/),
    "4 the row has 2 cells, but the header has 3",
    '5 data.outputTokens is "x": not a number',
    "6 event",
  ]);
});

test.each([
  ["a,b\n1,2\n", "CSV_COLUMN_MISSING"],
  ["TIMESTAMP,ContextTokens,GeneratedTokens,ContextTokens\n2023-11-16 18:15:46,1,2,3\n", "CSV_COLUMN_REPEATED"],
  ['TIMESTAMP,ContextTokens,GeneratedTokens\n"open,1,2\n', "CSV_UNREADABLE"],
])("%j cannot be read", async (text, code) => {
  await expect(eventsOf(text)).rejects.toThrow(expect.objectContaining({ code, kind: "invalid" }));
});
