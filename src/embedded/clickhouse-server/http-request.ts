/** What a request of ClickHouse's HTTP interface asks for, read from its URL and headers. The body is left alone. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Named } from "./engine-session.ts";
import { serverError } from "./server-error.ts";

export type HttpRequest = {
  readonly path: string;
  readonly method: string;
  /** The part of the statement in the URL, or null. */
  readonly query: string | null;
  readonly database: string | null;
  readonly defaultFormat: string | null;
  /** `client_protocol_version`: which revision of the format Native the client reads; 0 is the one of files. */
  readonly nativeRevision: number;
  readonly queryId: string;
  /** `log_comment`, which a server keeps with the query. */
  readonly comment: string;
  readonly settings: Named;
  /** `param_<name>`. */
  readonly parameters: Named;
  readonly user: string;
  readonly password: string;
  readonly session: SessionRequest | null;
  /** Headers' codec of the answer that the client asks for by `Accept-Encoding`, or null. */
  readonly acceptEncoding: string | null;
  /** The body, and the answer, as ClickHouse's own compressed blocks. */
  readonly nativeBody: boolean;
  readonly nativeAnswer: boolean;
  /** The whole answer is there before its head is sent. */
  readonly waitEndOfQuery: boolean;
  readonly progressIntervalMs: number | null;
  /** All other parameters of the URL, for tables in the body: `<name>_format`, `<name>_structure`, `<name>_types`. */
  readonly all: URLSearchParams;
};
export type SessionRequest = {
  readonly id: string;
  readonly timeout: string | null;
  readonly check: boolean;
  readonly close: boolean;
};

/** URL parameters of the protocol; every other one is a setting. */
const PROTOCOL_PARAMETERS = new Set([
  "query",
  "database",
  "default_format",
  "query_id",
  "user",
  "password",
  "session_id",
  "session_timeout",
  "session_check",
  "close_session",
  "quota_key",
  "role",
  "compress",
  "decompress",
  "buffer_size",
  "wait_end_of_query",
  "send_progress_in_http_headers",
  "http_headers_progress_interval_ms",
  "enable_http_compression",
  "http_zlib_compression_level",
  "client_protocol_version",
  "stacktrace",
  "log_comment",
]);
const DEFAULT_USER = "default";
const TABLE_PARAMETER = /_(format|structure|types)$/;
const PROGRESS_INTERVAL_DEFAULT_MS = 100;
const PROGRESS_INTERVAL_MIN_MS = 20;

export function readRequest(message: IncomingMessage): HttpRequest {
  const url = new URL(message.url ?? "/", "http://localhost");
  return readParameters(message, url.pathname, url.searchParams);
}

/** `fields` of a form in the body are parameters like those of the URL. */
export function withFields(message: IncomingMessage, fields: Iterable<readonly [string, string]>): HttpRequest {
  const url = new URL(message.url ?? "/", "http://localhost");
  for (const [name, value] of fields) url.searchParams.append(name, value);
  return readParameters(message, url.pathname, url.searchParams);
}

function readParameters(message: IncomingMessage, path: string, all: URLSearchParams): HttpRequest {
  const isForm = (headerOf(message, "content-type") ?? "").startsWith("multipart/form-data");
  const isSetting = (name: string): boolean =>
    !PROTOCOL_PARAMETERS.has(name) && !name.startsWith("param_") && !(isForm && isTableParameter(name, all));
  const flag = (name: string): boolean => isTrue(all.get(name));
  return {
    path,
    method: message.method ?? "GET",
    query: all.has("query") ? all.getAll("query").join("") : null,
    database: all.get("database") ?? headerOf(message, "x-clickhouse-database"),
    defaultFormat: all.get("default_format") ?? headerOf(message, "x-clickhouse-format"),
    nativeRevision: revisionOf(all.get("client_protocol_version") ?? "0"),
    queryId: all.get("query_id") ?? headerOf(message, "x-clickhouse-query-id") ?? randomUUID(),
    comment: all.get("log_comment") ?? "",
    settings: [...all].filter(([name]) => isSetting(name)),
    parameters: [...all].filter(([name]) => name.startsWith("param_")),
    ...credentialsOf(message, all),
    session: sessionOf(all),
    acceptEncoding: encodingOf(message, all),
    nativeBody: flag("decompress"),
    nativeAnswer: flag("compress"),
    waitEndOfQuery: flag("wait_end_of_query"),
    progressIntervalMs: flag("send_progress_in_http_headers")
      ? Math.max(
          Number(all.get("http_headers_progress_interval_ms") ?? PROGRESS_INTERVAL_DEFAULT_MS),
          PROGRESS_INTERVAL_MIN_MS,
        )
      : null,
    all,
  };
}

function revisionOf(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw serverError({
    code: 27,
    name: "CANNOT_PARSE_INPUT_ASSERTION_FAILED",
    text: `Not a client_protocol_version: ${text}`,
  });
}

/** The Accept-Encoding that the answer may follow, also of a request that cannot be read as a whole. */
export function acceptedEncoding(message: IncomingMessage): string | null {
  const query = (message.url ?? "").split("?")[1] ?? "";
  return encodingOf(message, new URLSearchParams(query));
}

/** The engine has `enable_http_compression` on by default. */
function encodingOf(message: IncomingMessage, all: URLSearchParams): string | null {
  return isTrue(all.get("enable_http_compression") ?? "1") ? headerOf(message, "accept-encoding") : null;
}

function sessionOf(all: URLSearchParams): SessionRequest | null {
  const id = all.get("session_id");
  if (id === null || id === "") return null;
  return {
    id,
    timeout: all.get("session_timeout"),
    check: isTrue(all.get("session_check")),
    close: isTrue(all.get("close_session")),
  };
}

/** `t_structure` belongs to a table `t` in the body; a setting may end in the same way. */
function isTableParameter(name: string, all: URLSearchParams): boolean {
  const table = name.replace(TABLE_PARAMETER, "");
  return TABLE_PARAMETER.test(name) && (all.has(`${table}_structure`) || all.has(`${table}_types`));
}

function isTrue(text: string | null): boolean {
  return text === "1" || text === "true";
}

type Credentials = { readonly user: string; readonly password: string };

function credentialsOf(message: IncomingMessage, all: URLSearchParams): Credentials {
  const basic = /^Basic (.+)$/i.exec(headerOf(message, "authorization") ?? "")?.[1];
  const given = [
    basic === undefined ? null : fromBasic(basic),
    userAndPassword(headerOf(message, "x-clickhouse-user"), headerOf(message, "x-clickhouse-key")),
    userAndPassword(all.get("user"), all.get("password")),
  ].filter((credentials) => credentials !== null);
  if (given.length > 1) {
    throw serverError({
      code: 516,
      name: "AUTHENTICATION_FAILED",
      text: "Invalid authentication: it is not allowed to use more than one of the Authorization header, the X-ClickHouse HTTP headers and the URL parameters user and password",
    });
  }
  return given[0] ?? { user: DEFAULT_USER, password: "" };
}

function fromBasic(encoded: string): Credentials {
  const [user = "", ...password] = Buffer.from(encoded, "base64").toString("utf8").split(":");
  return { user: user === "" ? DEFAULT_USER : user, password: password.join(":") };
}

function userAndPassword(user: string | null, password: string | null): Credentials | null {
  return user === null && password === null ? null : { user: user ?? DEFAULT_USER, password: password ?? "" };
}

export function headerOf(message: IncomingMessage, name: string): string | null {
  const value = message.headers[name];
  return typeof value === "string" ? value : null;
}
