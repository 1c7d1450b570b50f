/** `KILL QUERY` among a client's queries: its condition is asked of the ids and users that clients know (query-comment.ts). */
import type { ParsedStatement } from "./parse-statement.ts";
import { upper } from "./sql-text.ts";

export type KillRequest = { readonly condition: string; readonly wait: boolean };

/** Null for what is not about queries that run (KILL MUTATION), and for a mere TEST. */
export function killOf({ sql, tokens }: ParsedStatement): KillRequest | null {
  const where = tokens.find((token) => token.depth === 0 && upper(token) === "WHERE");
  const mode = tokens.findLast((token) => token.depth === 0 && ["SYNC", "ASYNC"].includes(upper(token)));
  if (upper(tokens[1]) !== "QUERY" || where === undefined || mode === undefined) return null;
  return { condition: sql.slice(where.end, mode.start), wait: upper(mode) === "SYNC" };
}
