/**
 * The small HTTP server of a role: a few paths to look at, each with a handler, GET and HEAD only. It holds no state and asks for no password, so
 * it listens on loopback unless told otherwise.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { AppError } from "../kernel/errors.ts";

export type HttpAnswer = { readonly status: number; readonly contentType: string; readonly body: string };
/** By path, without the query. */
export type HttpRoutes = Readonly<Record<string, () => Promise<HttpAnswer>>>;

export type StartHttpServerInput = {
  readonly host: string;
  readonly port: number;
  readonly routes: HttpRoutes;
  /** Told of what a handler threw; the client sees a 500 without details. */
  readonly onError: (error: unknown, path: string) => void;
};

export type HttpServer = { readonly url: string; readonly stop: () => Promise<void> };

const PORT_SETTING = "METERLINE_HTTP_PORT";
const HOST_SETTING = "METERLINE_HTTP_HOST";
/** A request is one line and a few headers; whoever takes longer to send them holds a connection for nothing. */
const REQUEST_TIMEOUT_MS = 10_000;
const TEXT = "text/plain; charset=utf-8";
const METHODS = new Set(["GET", "HEAD"]);

/** Throws `PORT_IN_USE` or `ADDRESS_NOT_USABLE`, naming the setting. */
export async function startHttpServer(input: StartHttpServerInput): Promise<HttpServer> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    void respond(input, request, response);
  });
  await listen(server, input);
  const { port } = server.address() as AddressInfo;
  const host = input.host.includes(":") ? `[${input.host}]` : input.host;
  return { url: `http://${host}:${port}`, stop: () => stop(server) };
}

async function respond(input: StartHttpServerInput, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  const { status, contentType, body } = await answerTo(input, request.method ?? "", path);
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    ...(status === 405 && { allow: [...METHODS].join(", ") }),
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

async function answerTo({ routes, onError }: StartHttpServerInput, method: string, path: string): Promise<HttpAnswer> {
  if (!METHODS.has(method)) return { status: 405, contentType: TEXT, body: "only GET and HEAD\n" };
  const handler = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (handler === undefined) {
    return { status: 404, contentType: TEXT, body: `not here; there is ${Object.keys(routes).join(", ")}\n` };
  }
  try {
    return await handler();
  } catch (error) {
    onError(error, path);
    return { status: 500, contentType: TEXT, body: "failed; the log says why\n" };
  }
}

function listen(server: Server, { host, port }: StartHttpServerInput): Promise<void> {
  return new Promise((done, failed) => {
    server.once("error", (error) => {
      failed(listenError(error, `${host}:${port}`));
    });
    server.listen({ host, port, exclusive: true }, done);
  });
}

function listenError(error: Error, address: string): AppError {
  const code = (error as NodeJS.ErrnoException).code ?? "unknown";
  if (code === "EADDRINUSE") {
    return new AppError({
      code: "PORT_IN_USE",
      kind: "settings",
      message: `${address} is already in use. Stop what listens there, choose another port for metrics and health with ${PORT_SETTING}, or 0 for none.`,
      cause: error,
    });
  }
  return new AppError({
    code: "ADDRESS_NOT_USABLE",
    kind: "settings",
    message: `${address} cannot be listened on (${code}). Choose another one with ${HOST_SETTING} and ${PORT_SETTING}.`,
    cause: error,
  });
}

async function stop(server: Server): Promise<void> {
  const closed = new Promise<void>((done) => {
    server.close(() => {
      done();
    });
  });
  // A scraper keeps its connection open between scrapes.
  server.closeAllConnections();
  await closed;
}
