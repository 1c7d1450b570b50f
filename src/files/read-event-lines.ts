/**
 * The events of an NDJSON file. A line is taken as it is: only what publishing itself needs is looked at (that it is one JSON object with a
 * source and an id), because what the sink rejects it rejects with a reason that everyone can query.
 */
import { readLines } from "./read-lines.ts";

export type EventLine =
  | {
      readonly kind: "event";
      readonly line: number;
      readonly source: string;
      readonly id: string;
      readonly text: string;
    }
  | { readonly kind: "problem"; readonly line: number; readonly message: string };

export async function* readEventLines(path: string): AsyncGenerator<EventLine> {
  for await (const { line, text, ...rest } of readLines(path)) {
    if (text === null) yield { kind: "problem", line, message: "problem" in rest ? rest.problem : "unreadable" };
    else if (text.trim() !== "") yield eventLine(line, text);
  }
}

function eventLine(line: number, text: string): EventLine {
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch (error) {
    return { kind: "problem", line, message: `not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (typeof event !== "object" || event === null || Array.isArray(event))
    return { kind: "problem", line, message: "not a JSON object: write one event per line" };
  const { source, id } = event as Readonly<Record<string, unknown>>;
  if (typeof source !== "string" || source === "")
    return { kind: "problem", line, message: 'the event has no "source"' };
  if (typeof id !== "string" || id === "") return { kind: "problem", line, message: 'the event has no "id"' };
  return { kind: "event", line, source, id, text };
}
