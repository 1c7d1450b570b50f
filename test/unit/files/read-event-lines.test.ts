import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readEventLines, type EventLine } from "../../../src/files/read-event-lines.ts";
import { tempDir, type TempDir } from "../../support/temp-dir.ts";

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir("lines");
});
afterEach(() => dir.remove());

async function linesOf(content: string | Buffer): Promise<EventLine[]> {
  const path = `${dir.path}/events.ndjson`;
  await writeFile(path, content);
  const lines: EventLine[] = [];
  for await (const line of readEventLines(path)) lines.push(line);
  return lines;
}

describe("readEventLines", () => {
  // Guarantee: a line's text is the event's text; U+2028 inside a string, CRLF and a byte order mark don't matter.
  test("splits at line feeds only and keeps the text", async () => {
    const event = '{"source":"s","id":"1","data":"a\u2028b"}';
    expect(await linesOf(`\uFEFF${event}\r\n\n${event}`)).toEqual([
      { kind: "event", line: 1, source: "s", id: "1", text: event },
      { kind: "event", line: 3, source: "s", id: "1", text: event },
    ]);
  });

  test("reads lines that span many chunks", async () => {
    const event = JSON.stringify({ source: "s", id: "1", data: "x".repeat(700_000) });
    const lines = await linesOf(`${event}\n${event}\n`);
    expect(lines.map((line) => ("text" in line ? line.text.length : 0))).toEqual([event.length, event.length]);
  });

  // Guarantee: a broken byte is told by its line; no replacement character ever reaches an event.
  test("names a line that is not UTF-8", async () => {
    const lines = await linesOf(Buffer.from([0x7b, 0xff, 0x7d, 0x0a]));
    expect(lines).toEqual([{ kind: "problem", line: 1, message: "the line is not valid UTF-8" }]);
  });
});
