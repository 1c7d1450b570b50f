/** The HTTP side of the embedded ClickHouse: routes, answers, and an orderly end. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join, resolve } from "node:path";
import { AppError } from "../../kernel/errors.ts";
import { diskError } from "../disk-error.ts";
import { lockDirectory } from "../lock-directory.ts";
import { makeDirectory } from "../make-directory.ts";
import { listenError } from "../probe-port.ts";
import { requireLoopbackHost, requireUser, type Access } from "./access.ts";
import { openEngine, type Engine } from "./engine.ts";
import { execute } from "./execute.ts";
import { decodedBody, readRequest, type HttpRequest } from "./http-request.ts";
import { refuse, respond } from "./respond.ts";
import { serverError } from "./server-error.ts";
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
const IDLE_POLL_MS = 50;
const KEEP_ALIVE_MS = 30_000;

/** Opens `<home>/clickhouse` and listens. Throws AppError: DIRECTORY_IN_USE, PORT_IN_USE, DISK_FULL, ENGINE_FAILED. */
export async function runClickHouseServer(options: ClickHouseServerOptions): Promise<RunningClickHouseServer> {
  const directory = resolve(options.home, "clickhouse");
  const lock = lockDirectory({ directory, owner: "ClickHouse" });
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: KEEP_ALIVE_MS });
  try {
    // The port first: opening the data directory takes longer, and is for nothing when the port is taken.
    await listen(server, options);
    const opening = openServices(directory, options);
    // Who asks before the engine is open waits for it; a request that nobody takes would never be answered.
    server.on("request", (message, response) => {
      void opening.then(
        (services) => answer({ message, response, ...services }),
        () => response.destroy(),
      );
    });
    const { engine } = await opening;
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : options.port;
    const stop = async (): Promise<void> => {
      await closeServer(server);
      await engine.close(STOP_GRACE_MS);
      lock.release();
    };
    return { url: `http://${options.host}:${port}`, version: engine.version, stop };
  } catch (error) {
    server.close();
    server.closeAllConnections();
    lock.release();
    throw error;
  }
}

type Services = { readonly engine: Engine; readonly spool: Spool; readonly access: Access };

async function openServices(directory: string, options: ClickHouseServerOptions): Promise<Services> {
  return {
    engine: await openData(directory),
    spool: openSpool(join(directory, "spool")),
    access: { user: options.user ?? "default", password: options.password ?? "" },
  };
}

async function openData(directory: string): Promise<Engine> {
  const data = join(directory, "data");
  try {
    makeDirectory(data);
    return await openEngine({ data, pipes: join(directory, "pipes") });
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

/** Waits for the answers under way, not for connections that are kept alive behind them. */
async function closeServer(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  const idle = setInterval(() => {
    server.closeIdleConnections();
  }, IDLE_POLL_MS);
  const force = setTimeout(() => {
    server.closeAllConnections();
  }, STOP_GRACE_MS);
  await closed;
  clearInterval(idle);
  clearTimeout(force);
}

function listen(server: Server, { host, port }: ClickHouseServerOptions): Promise<void> {
  return new Promise((done, reject) => {
    server.once("error", (error) => {
      reject(listenError(error, { host, port, setting: PORT_SETTING }));
    });
    server.listen({ host, port, exclusive: true }, done);
  });
}

type AnswerInput = Services & { readonly message: IncomingMessage; readonly response: ServerResponse };

async function answer(input: AnswerInput): Promise<void> {
  const { message, response, engine, spool, access } = input;
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort();
  });
  try {
    requireLoopbackHost(message);
    const request = readRequest(message);
    if (answeredPlainly(request, message, response)) return;
    requireUser(request, access);
    const body = decodedBody(message);
    if (body === null)
      throw serverError({ code: 89, name: "UNKNOWN_COMPRESSION_METHOD", text: "Unknown Content-Encoding" });
    await execute(
      { engine, spool },
      {
        request,
        body,
        signal: gone.signal,
        respond: (result, format) => respond({ response, request, engine, result, format }),
      },
    );
  } catch (error) {
    message.resume();
    if (response.headersSent) response.destroy();
    else refuse(response, error);
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
