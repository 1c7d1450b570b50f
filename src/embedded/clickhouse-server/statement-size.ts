/**
 * How long a statement may be, its data apart: as on a server, what `max_query_size` says. Parsing costs up to ten seconds per MB (measured with 500,000
 * constants on a shared machine of two cores), so a user who only reads gets no more than a few MB.
 */
import type { EngineRole } from "./engine-config.ts";
import type { Named } from "./engine-session.ts";
import type { HttpRequest } from "./http-request.ts";
import { serverError } from "./server-error.ts";

const MIB = 1024 * 1024;
const DEFAULT_BYTES = 262_144;
const BYTES_MAX: Readonly<Record<EngineRole, number>> = { admin: 64 * MIB, sink: 64 * MIB, finance: 4 * MIB };
/** What the server itself adds to a statement. */
const ADDED_BYTES = 4096;

export function statementBytesMax({ settings, session }: HttpRequest, role: EngineRole): number {
  const asked = settings.findLast(([name]) => name === "max_query_size")?.[1];
  if (asked !== undefined && /^\d{1,15}$/.test(asked))
    return Math.min(asked === "0" ? Infinity : Number(asked), BYTES_MAX[role]);
  // A session may have its own setting, which is the engine's to know.
  return session === null ? DEFAULT_BYTES : BYTES_MAX.finance;
}

export function tooLong(): Error {
  return serverError({
    code: 62,
    name: "SYNTAX_ERROR",
    text: "Max query size exceeded (can be increased with the `max_query_size` setting)",
  });
}

/** The canonical text is longer than the client's, whose length was allowed. */
export function roomFor(sql: string): Named {
  const bytes = Buffer.byteLength(sql) + ADDED_BYTES;
  return bytes <= DEFAULT_BYTES ? [] : [["max_query_size", String(bytes)]];
}
