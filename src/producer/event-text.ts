/** An event as JSON text, checked for what delivering it needs; what it means the sink decides, with a reason that everyone can query. */
import { CONTROL_CHARACTER } from "../domain/control-character.ts";
import { ATTRIBUTE_BYTES_MAX } from "../domain/usage-event.ts";
import { AppError } from "../kernel/errors.ts";
import { exceedsBytes } from "../kernel/utf8.ts";
import type { EventText, ProducerEvent } from "./producer-types.ts";

const REQUIRED = ["id", "source", "type", "subject"] as const;

/** Throws `EVENT_INVALID` with the attribute and its value. */
export function eventTextOf(event: ProducerEvent): EventText {
  for (const name of REQUIRED) requireAttribute(name, event[name]);
  const { source, id } = event;
  try {
    return { source, id, text: JSON.stringify({ specversion: "1.0", ...event }) };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw invalid(`the event ${source}/${id} is not JSON: ${why}`, cause);
  }
}

/** The text is sent as it is, whatever the sink will say of it; without a source and an id it could not be sent at all. */
export function checkEventText(event: EventText): void {
  requireText("source", event.source);
  requireText("id", event.id);
  requireText("text", event.text);
}

function requireText(name: string, value: unknown): asserts value is string {
  if (typeof value === "string" && value !== "") return;
  const shown = JSON.stringify(value) ?? "absent";
  throw invalid(`the event's ${name} is ${shown}: it has to be a text that is not empty`);
}

function requireAttribute(name: string, value: unknown): void {
  requireText(name, value);
  if (exceedsBytes(value, ATTRIBUTE_BYTES_MAX))
    throw invalid(`the event's ${name} is longer than ${ATTRIBUTE_BYTES_MAX} bytes: "${value.slice(0, 40)}…"`);
  if (CONTROL_CHARACTER.test(value))
    throw invalid(`the event's ${name} ${JSON.stringify(value)} holds a control character`);
}

function invalid(message: string, cause?: unknown): AppError {
  return new AppError({ code: "EVENT_INVALID", kind: "invalid", message, ...(cause !== undefined && { cause }) });
}
