/** What a request of ClickHouse's HTTP interface asks for, read from its URL and headers. The body is left alone. */
import type { IncomingMessage } from "node:http";
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import { pipeline, type Readable } from "node:stream";
import { randomUUID } from "node:crypto";

export type HttpRequest = {
  readonly path: string;
  /** The part of the statement in the URL, or null. */
  readonly query: string | null;
  readonly database: string | null;
  readonly defaultFormat: string | null;
  readonly queryId: string;
  /** `log_comment`, which a server keeps with the query. */
  readonly comment: string;
  readonly settings: readonly (readonly [name: string, value: string])[];
  readonly parameters: readonly (readonly [name: string, value: string])[];
  readonly user: string;
  readonly password: string;
  readonly compressResponse: boolean;
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
  "quota_key",
  "role",
  "compress",
  "decompress",
  "buffer_size",
  "wait_end_of_query",
  "send_progress_in_http_headers",
  "http_headers_progress_interval_ms",
  "enable_http_compression",
  "close_session",
  "client_protocol_version",
  "log_comment",
]);

export function readRequest(message: IncomingMessage): HttpRequest {
  const url = new URL(message.url ?? "/", "http://localhost");
  const credentials = credentialsOf(message, url);
  const accepts = headerOf(message, "accept-encoding") ?? "";
  return {
    path: url.pathname,
    query: url.searchParams.get("query"),
    database: url.searchParams.get("database") ?? headerOf(message, "x-clickhouse-database"),
    defaultFormat: url.searchParams.get("default_format") ?? headerOf(message, "x-clickhouse-format"),
    queryId: url.searchParams.get("query_id") ?? randomUUID(),
    comment: url.searchParams.get("log_comment") ?? "",
    settings: [...url.searchParams].filter(([name]) => !PROTOCOL_PARAMETERS.has(name) && !name.startsWith("param_")),
    parameters: [...url.searchParams].filter(([name]) => name.startsWith("param_")),
    ...credentials,
    compressResponse: url.searchParams.get("enable_http_compression") === "1" && /\bgzip\b/.test(accepts),
  };
}

/** The body as it was before its Content-Encoding; null for an encoding that is not known. */
export function decodedBody(message: IncomingMessage): Readable | null {
  const encoding = headerOf(message, "content-encoding");
  if (encoding === null || encoding === "identity" || encoding === "") return message;
  const decoders = {
    gzip: createGunzip,
    "x-gzip": createGunzip,
    deflate: createInflate,
    br: createBrotliDecompress,
    zstd: createZstdDecompress,
  };
  const create = Object.entries(decoders).find(([name]) => name === encoding.toLowerCase())?.[1];
  if (create === undefined) return null;
  return pipeline(message, create(), () => undefined);
}

function credentialsOf(message: IncomingMessage, url: URL): { readonly user: string; readonly password: string } {
  const basic = /^Basic (.+)$/i.exec(headerOf(message, "authorization") ?? "")?.[1];
  if (basic !== undefined) {
    const [user = "", ...password] = Buffer.from(basic, "base64").toString("utf8").split(":");
    return { user: user === "" ? "default" : user, password: password.join(":") };
  }
  return {
    user: headerOf(message, "x-clickhouse-user") ?? url.searchParams.get("user") ?? "default",
    password: headerOf(message, "x-clickhouse-key") ?? url.searchParams.get("password") ?? "",
  };
}

function headerOf(message: IncomingMessage, name: string): string | null {
  const value = message.headers[name];
  return typeof value === "string" ? value : null;
}
