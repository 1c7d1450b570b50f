/**
 * The queries that run, as clients know them: `system.processes` with their ids, users and statements in place of the engine's. Each role has a view of its
 * own; finance and the sink see only their own queries.
 */
import type { EngineRole } from "./engine-config.ts";
import { literal, tokensOf, upper } from "./sql-text.ts";
import { queriesView } from "./system-tables.ts";

const name = (key: string): string => `JSONExtractString(names, '${key}')`;
/** `names` aside, because `Settings` and `query_id` mean the replaced ones beside their replacement. */
const SEEN = `SELECT * EXCEPT (names) REPLACE (
    ${name("query_id")} AS query_id, ${name("query_id")} AS initial_query_id, ${name("user")} AS user, ${name("user")} AS initial_user,
    ${name("query")} AS query, mapUpdate(Settings, map('log_comment', ${name("comment")})) AS Settings)
  FROM (SELECT *, query_id AS engine_id, Settings['log_comment'] AS names FROM system.processes) WHERE ${name("run")} != ''`;

/** `users` are the names that log in as the role; the view of the role admin has the queries of all. */
export function createQueriesView(role: EngineRole, users: readonly string[]): string {
  const own = role === "admin" ? "" : ` WHERE has([${users.map(literal).join(", ")}], user)`;
  return `CREATE VIEW system.${queriesView(role)} DEFINER = default SQL SECURITY DEFINER AS SELECT * EXCEPT (engine_id) FROM (${SEEN})${own}`;
}

/** A query as its client knows it. */
export type ClientQuery = { readonly query_id: string; readonly user: string };

/** Asked with the client's own rights: the condition is the client's, and may read whatever the client may read. */
export function findOwn(condition: string, role: EngineRole): string {
  return seeOwnQueries(`SELECT query_id, user FROM system.processes WHERE ${condition}`, role);
}

/** Gives the engine's ids of the queries. */
export function findStatement(queries: readonly ClientQuery[]): string {
  const wanted = queries.map((query) => `(${literal(query.query_id)}, ${literal(query.user)})`);
  return `SELECT engine_id FROM (${SEEN}) WHERE has([${wanted.join(", ")}], (query_id, user))`;
}

/** Never SYNC: the engine would wait for ever for a query that writes into a pipe. */
export function killStatement(engineIds: readonly string[]): string {
  return `KILL QUERY WHERE query_id IN (${engineIds.map(literal).join(", ")}) ASYNC`;
}

/** The rows with which KILL QUERY answers. */
export function killAnswer(engineIds: readonly string[], finished: boolean): string {
  const rows = `SELECT '${finished ? "finished" : "waiting"}' AS kill_status, query_id, user, query FROM (${SEEN})`;
  return `${rows} WHERE has([${engineIds.map(literal).join(", ")}], engine_id)`;
}

export function stillRunning(engineIds: readonly string[]): string {
  return `SELECT query_id FROM system.processes WHERE query_id IN (${engineIds.map(literal).join(", ")})`;
}

/** The same statement with the role's view in place of `system.processes`. */
export function seeOwnQueries(sql: string, role: EngineRole): string {
  if (!/processes|processlist/i.test(sql)) return sql;
  const tokens = tokensOf(sql);
  if (upper(tokens[0]) === "SHOW" && upper(tokens[1]) === "PROCESSLIST")
    return `SELECT * FROM system.${queriesView(role)} ORDER BY elapsed DESC${sql.slice(tokens[1]?.end)}`;
  return tokens.reduceRight((text, token, at) => {
    const [dot, table] = [tokens[at + 1], tokens[at + 2]];
    if (!isName(token.text, "system") || dot?.text !== "." || table === undefined) return text;
    if (!isName(table.text, "processes")) return text;
    return `${text.slice(0, token.start)}system.${queriesView(role)}${text.slice(table.end)}`;
  }, sql);
}

function isName(token: string, name: string): boolean {
  return [name, `\`${name}\``, `"${name}"`].includes(token);
}
