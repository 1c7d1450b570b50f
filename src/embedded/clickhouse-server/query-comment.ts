/**
 * What a query is known by. The engine gives each query an id of its own that nobody else knows, so `log_comment` carries the client's id, the user and
 * the client's own comment as JSON: `system.processes` shows it, and KILL QUERY finds its queries by it.
 */
import { literal } from "./sql-text.ts";

export type QueryNames = {
  readonly queryId: string;
  readonly user: string;
  readonly comment: string;
  readonly runId: string;
};

const COMMENT = "Settings['log_comment']";

export function queryComment({ queryId, user, comment, runId }: QueryNames): string {
  return JSON.stringify({ query_id: queryId, user, comment, run: runId });
}

/** The condition that finds the queries of a name. */
export function startedAs(name: "query_id" | "user" | "run", value: string): string {
  return `JSONExtractString(${COMMENT}, '${name}') = ${literal(value)}`;
}

export type KillStatementInput = { readonly condition: string; readonly user: string | null };

/** The client's condition sees its own ids and users in place of the engine's. Never SYNC: the engine would wait for ever for a query that writes into a pipe. */
export function killStatement({ condition, user }: KillStatementInput): string {
  const seen = `SELECT query_id AS engine_id, * REPLACE (
    if(${COMMENT} = '', query_id, JSONExtractString(${COMMENT}, 'query_id')) AS query_id,
    if(${COMMENT} = '', user, JSONExtractString(${COMMENT}, 'user')) AS user) FROM system.processes`;
  const own = user === null ? "" : ` AND ${startedAs("user", user)}`;
  return `KILL QUERY WHERE query_id IN (SELECT engine_id FROM (${seen}) WHERE ${condition})${own} ASYNC`;
}
