/**
 * What a query is known by. The engine gives each query an id of its own that nobody else knows, so `log_comment` carries the client's id, the user, the
 * statement as the client wrote it and the client's own comment as JSON: `system.processes` shows them (client-queries.ts), and KILL QUERY finds its queries by them.
 */
import { literal } from "./sql-text.ts";

export type QueryNames = {
  readonly queryId: string;
  readonly user: string;
  readonly comment: string;
  /** The statement as the client wrote it. */
  readonly text: string;
  readonly runId: string;
};
type Name = "query_id" | "user" | "comment" | "query" | "run";

/** Of a longer statement only the beginning is shown. */
const TEXT_MAX = 16_384;
const COMMENT = "Settings['log_comment']";

export function queryComment({ queryId, user, comment, text, runId }: QueryNames): string {
  const names: Readonly<Record<Name, string>> = {
    query_id: queryId,
    user,
    comment,
    query: text.slice(0, TEXT_MAX),
    run: runId,
  };
  return JSON.stringify(names);
}

/** The condition that finds the queries of a name. */
export function startedAs(name: Name, value: string): string {
  return `JSONExtractString(${COMMENT}, '${name}') = ${literal(value)}`;
}
