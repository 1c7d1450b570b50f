/** The HTTP side of the embedded ClickHouse: routes, answers, and an orderly end. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join, resolve } from "node:path";
import { mkdirSync } from "node:fs";
import { createGzip } from "node:zlib";
import { once } from "node:events";
import type { Writable } from "node:stream";
import { AppError } from "../../kernel/errors.ts";
import { diskError } from "../disk-error.ts";
import { lockDirectory } from "../lock-directory.ts";
import { listenError } from "../probe-port.ts";
import { requireLoopbackHost, requireUser, type Access } from "./access.ts";
import { openEngine, type Engine, type EngineResult } from "./engine.ts";
import { execute } from "./execute.ts";
import { decodedBody, readRequest, type HttpRequest } from "./http-request.ts";
import { asServerError, serverError, statusOf } from "./server-error.ts";
import { openSpool, type Spool } from "./spool.ts";

export type ClickHouseServerOptions = {
  readonly home: string;
  readonly host: string;
  readonly port: number;
  readonly user?: string;
  readonly password?: string;
};

export type RunningClickHouseServer = {
  readonly url: string;
  readonly version: string;
  readonly stop: () => Promise<void>;
};

const PORT_SETTING = "METERLINE_CLICKHOUSE_PORT";
const STOP_GRACE_MS = 10_000;
const KEEP_ALIVE_MS = 30_000;

/** Opens `<home>/clickhouse` and listens. Throws AppError: DIRECTORY_IN_USE, PORT_IN_USE, DISK_FULL, ENGINE_FAILED. */
export async function runClickHouseServer(options: ClickHouseServerOptions): Promise<RunningClickHouseServer> {
  const directory = resolve(options.home, "clickhouse");
  const lock = lockDirectory({ directory, owner: "ClickHouse" });
  try {
    const server = createServer({ requestTimeout: 0, keepAliveTimeout: KEEP_ALIVE_MS });
    // The port first: opening the data directory takes longer, and is for nothing when the port is taken.
    await listen(server, options);
    const engine = openData(directory);
    const spool = openSpool(join(directory, "spool"));
    const access = { user: options.user ?? "default", password: options.password ?? "" };
    server.on("request", (message, response) => {
      void answer({ message, response, engine, spool, access });
    });
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : options.port;
    const stop = async (): Promise<void> => {
      const closed = once(server, "close");
      server.close();
      server.closeIdleConnections();
      const force = setTimeout(() => {
        server.closeAllConnections();
      }, STOP_GRACE_MS);
      await closed;
      clearTimeout(force);
      await engine.close(STOP_GRACE_MS);
      lock.release();
    };
    return { url: `http://${options.host}:${port}`, version: engine.version, stop };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function openData(directory: string): Engine {
  const data = join(directory, "data");
  try {
    mkdirSync(data, { recursive: true });
    return openEngine(data);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw (
      diskError(error, data) ??
      new AppError({
        code: "ENGINE_FAILED",
        kind: "broken",
        message: `The ClickHouse engine cannot open ${data}: ${text}`,
        cause: error,
      })
    );
  }
}

function listen(server: Server, { host, port }: ClickHouseServerOptions): Promise<void> {
  return new Promise((done, reject) => {
    server.once("error", (error) => {
      reject(listenError(error, { host, port, setting: PORT_SETTING }));
    });
    server.listen({ host, port, exclusive: true }, done);
  });
}

type AnswerInput = {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly engine: Engine;
  readonly spool: Spool;
  readonly access: Access;
};

async function answer(input: AnswerInput): Promise<void> {
  const { message, response, engine, spool, access } = input;
  try {
    requireLoopbackHost(message);
    const request = readRequest(message);
    if (answeredPlainly(request, message, response)) return;
    requireUser(request, access);
    const body = decodedBody(message);
    if (body === null)
      throw serverError({ code: 123, name: "UNKNOWN_COMPRESSION_METHOD", text: "Unknown Content-Encoding" });
    await execute(
      { engine, spool },
      { request, body, respond: (result, format) => respond({ response, request, result, format }) },
    );
  } catch (error) {
    refuse(message, response, error);
  }
}

/** `/ping` and `/replicas_status` need no user; a bare GET says that the server is there. */
function answeredPlainly(request: HttpRequest, message: IncomingMessage, response: ServerResponse): boolean {
  const plain =
    ["/ping", "/replicas_status"].includes(request.path) ||
    (request.path === "/" && message.method === "GET" && request.query === null);
  if (plain) response.writeHead(200, { "Content-Type": "text/html; charset=UTF-8" }).end("Ok.\n");
  else if (request.path !== "/") response.writeHead(404).end(`There is no handle ${request.path}\n`);
  return plain || request.path !== "/";
}

type RespondInput = {
  readonly response: ServerResponse;
  readonly request: HttpRequest;
  readonly result: EngineResult;
  readonly format: string;
};

async function respond({ response, request, result, format }: RespondInput): Promise<void> {
  const chunks = result.chunks[Symbol.asyncIterator]();
  // The first piece before the head: most failures come by then, and can still have a status of their own.
  let piece = await chunks.next();
  response.writeHead(200, {
    "Content-Type": contentType(format),
    "X-ClickHouse-Query-Id": request.queryId,
    "X-ClickHouse-Format": format,
    "X-ClickHouse-Timezone": "UTC",
    "X-ClickHouse-Server-Display-Name": "meterline",
    "X-ClickHouse-Summary": JSON.stringify({
      read_rows: String(result.rowsRead),
      read_bytes: String(result.bytesRead),
    }),
    ...(request.compressResponse && { "Content-Encoding": "gzip" }),
  });
  const sink = request.compressResponse ? gzipInto(response) : response;
  while (piece.done !== true) {
    if (!sink.write(piece.value) && !response.destroyed)
      await Promise.race([once(sink, "drain"), once(response, "close")]);
    if (response.destroyed) {
      await chunks.return?.();
      return;
    }
    piece = await chunks.next();
  }
  sink.end();
}

function gzipInto(response: ServerResponse): Writable {
  const gzip = createGzip();
  gzip.pipe(response);
  return gzip;
}

function refuse(message: IncomingMessage, response: ServerResponse, error: unknown): void {
  const failure = asServerError(error);
  message.resume();
  if (response.headersSent) {
    // As the server does: the text of the exception ends the result, and the connection breaks so that nobody takes it for whole.
    response.write(`\n${failure.message}\n`);
    response.destroy();
    return;
  }
  response
    .writeHead(statusOf(failure), {
      "Content-Type": "text/plain; charset=UTF-8",
      "X-ClickHouse-Exception-Code": String(failure.clickhouseCode),
    })
    .end(`${failure.message}\n`);
}

function contentType(format: string): string {
  if (/^JSON(Compact|Strings|ColumnsWithMetadata|ObjectEachRow)?$/i.test(format))
    return "application/json; charset=UTF-8";
  if (/^JSON.*EachRow/i.test(format)) return "application/x-ndjson; charset=UTF-8";
  if (/^CSV/i.test(format)) return "text/csv; charset=UTF-8; header=absent";
  if (/^(TSV|TabSeparated)/i.test(format)) return "text/tab-separated-values; charset=UTF-8";
  return /^(RowBinary|Native|Parquet|Arrow)/i.test(format) ? "application/octet-stream" : "text/plain; charset=UTF-8";
}
