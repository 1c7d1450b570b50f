import type { Rejection, RejectionReason } from "../domain/usage-event.ts";

/** Enough to recognise a value by; the whole of it stays in the row's raw bytes. */
const QUOTED_CHARACTERS_MAX = 64;

export function rejection(reason: RejectionReason, detail: string): Rejection {
  return { kind: "rejection", reason, detail };
}

/** A value of the event for a message to people: quoted, escaped, at most 64 characters. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > QUOTED_CHARACTERS_MAX ? `${text.slice(0, QUOTED_CHARACTERS_MAX)}…` : text);
}
