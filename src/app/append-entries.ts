/** Appends to the journal entries that do not depend on what others append in the meantime: after a lost race the head is read again. */
import type { JournalBody } from "../domain/journal-entry.ts";
import { AppError } from "../kernel/errors.ts";
import type { Journal } from "./ports.ts";

/** Each attempt loses only to an appender that succeeded, so this many others would have to come in between. */
const ATTEMPTS_MAX = 200;

export async function appendEntries(journal: Journal, bodies: readonly JournalBody[]): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const appended = await journal.append({ head: await journal.head(), bodies });
    if (appended !== null) return appended.seq;
  }
  throw new AppError({
    code: "JOURNAL_BUSY",
    kind: "unavailable",
    message: `The journal was appended to by others ${String(ATTEMPTS_MAX)} times in a row: try again`,
  });
}
