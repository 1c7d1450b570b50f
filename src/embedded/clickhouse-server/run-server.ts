/** The HTTP side of the embedded ClickHouse: routes, answers, and an orderly end. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join, resolve } from "node:path";
import { pipeline, Readable, type Duplex } from "node:stream";
import { AppError } from "../../kernel/errors.ts";
import { diskError } from "../disk-error.ts";
import { lockDirectoryWhenLeft } from "../lock-directory.ts";
import { makeDirectory } from "../make-directory.ts";
import { listenError } from "../probe-port.ts";
import type { ProcessIdentity } from "../process-identity.ts";
import { openAccounts, refuseOtherRoles, type AccountInput, type Accounts } from "./accounts.ts";
import { plainHead, progressHead, type AnswerHead } from "./answer-head.ts";
import { createClientSessions, type ClientSessions } from "./client-sessions.ts";
import { decoderFor } from "./compression/content-encoding.ts";
import { decodeNativeBlocks } from "./compression/native-blocks.ts";
import { openEngine, type Engine } from "./engine.ts";
import { writeEngineConfig, type EngineRole } from "./engine-config.ts";
import { execute } from "./execute.ts";
import { isForm, readForm } from "./external-data.ts";
import { acceptedEncoding, headerOf, readRequest, withFields, type HttpRequest } from "./http-request.ts";
import { limitsOf, type QueryLimits } from "./query-limits.ts";
import { requireLoopbackHost } from "./require-host.ts";
import { refuse, respond } from "./respond.ts";
import { inNameOf, serverError } from "./server-error.ts";
import { openSpool, type Spool } from "./spool.ts";

export type ClickHouseServerOptions = {
  readonly home: string;
  readonly host: string;
  readonly port: number;
  readonly accounts: readonly AccountInput[];
  /** Every insert is on the disk before it is acknowledged. */
  readonly fsync: boolean;
  readonly limits: QueryLimits;
  /** Whose end is this server's as well. */
  readonly parent: ProcessIdentity | undefined;
};

export type RunningClickHouseServer = {
  readonly url: string;
  readonly version: string;
  /** False when a query would not end, and the engine is still at it. */
  readonly stop: () => Promise<boolean>;
};

const PORT_SETTING = "METERLINE_CLICKHOUSE_PORT";
const STOP_GRACE_MS = 10_000;
const IDLE_POLL_MS = 50;
const KEEP_ALIVE_MS = 30_000;

/**
 * Opens `<home>/clickhouse` and listens. Waits for an earlier server that is ending because its parent was killed. Throws AppError: DIRECTORY_IN_USE,
 * PORT_IN_USE, DISK_FULL, ENGINE_FAILED.
 */
export async function runClickHouseServer(options: ClickHouseServerOptions): Promise<RunningClickHouseServer> {
  const directory = resolve(options.home, "clickhouse");
  const lock = await lockDirectoryWhenLeft({
    directory,
    owner: "ClickHouse",
    parent: options.parent,
    onWait: (pid) =>
      process.stderr.write(`waiting for process ${pid}, which an earlier run left and which is ending\n`),
  });
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: KEEP_ALIVE_MS });
  try {
    // The port first: opening the data directory takes longer, and is for nothing when the port is taken.
    await listen(server, options);
  } catch (error) {
    lock.release();
    throw error;
  }
  try {
    const opening = openServices(directory, options);
    // Who asks before the engine is open waits for it; a request that nobody takes would never be answered.
    server.on("request", (message, response) => {
      void opening.then(
        (services) => answer({ message, response, ...services }),
        () => response.destroy(),
      );
    });
    const { engine, sessions } = await opening;
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : options.port;
    const stop = async (): Promise<boolean> => {
      await closeServer(server);
      sessions.close();
      const isClosed = await engine.close(STOP_GRACE_MS);
      // Otherwise the engine has its files open until this process is gone, and so long the directory is not to be had.
      if (isClosed) lock.release();
      return isClosed;
    };
    return { url: `http://${options.host}:${port}`, version: engine.version, stop };
  } catch (error) {
    server.close();
    server.closeAllConnections();
    // The lock stays: the engine may have files open, and has none only once this process is gone, which is what comes of the error.
    throw error;
  }
}

type Services = {
  readonly engine: Engine;
  readonly spool: Spool;
  readonly accounts: Accounts;
  readonly sessions: ClientSessions;
};

async function openServices(directory: string, options: ClickHouseServerOptions): Promise<Services> {
  const engine = await openData(directory, options);
  return {
    engine,
    spool: openSpool(join(directory, "spool")),
    accounts: await openAccounts(directory, options.accounts),
    sessions: createClientSessions(engine),
  };
}

async function openData(directory: string, { fsync, limits, accounts }: ClickHouseServerOptions): Promise<Engine> {
  const data = join(directory, "data");
  try {
    makeDirectory(data);
    // The engine keeps schemas of formats that come with requests (`__cache__`) where its process is.
    process.chdir(directory);
    const config = writeEngineConfig({ directory, fsync, limits });
    const usersOf = (role: EngineRole): readonly string[] =>
      accounts.filter((account) => account.role === role).map((account) => account.name);
    const users = { admin: usersOf("admin"), sink: usersOf("sink"), finance: usersOf("finance") };
    return await openEngine({ data, config, pipes: join(directory, "pipes"), limits: limitsOf(limits), users });
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
  const { message, response, engine } = input;
  let head: AnswerHead = plainHead(response);
  try {
    requireLoopbackHost(message);
    const request = readRequest(message);
    if (answeredPlainly(request, response)) return;
    if (request.progressIntervalMs !== null) {
      const progress = (): Promise<string | null> => engine.progress(request.queryId);
      head = progressHead({ response, intervalMs: request.progressIntervalMs, progress });
    }
    await answerQuery(input, request, head);
  } catch (error) {
    message.resume();
    if (response.headersSent) response.destroy();
    else refuse({ head, acceptEncoding: acceptedEncoding(message) }, error);
  } finally {
    head.stop();
  }
}

async function answerQuery(input: AnswerInput, first: HttpRequest, head: AnswerHead): Promise<void> {
  const { message, response, engine, spool, accounts, sessions } = input;
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort();
  });
  const login = await accounts.authenticate(first.user, first.password);
  const body = decodedBody(message, first);
  const form = isForm(message) ? await readForm(message, body, spool) : null;
  const request = form === null ? first : withFields(message, form.fields);
  try {
    refuseOtherRoles(request.all.getAll("role"), login);
    await execute(
      { engine, spool, sessions },
      {
        request,
        login,
        body: form === null ? body : Readable.from([]),
        tables: form?.tables ?? [],
        signal: gone.signal,
        respond: (answer) => respond({ response, head, request, engine, spool, ...answer }),
      },
    );
  } catch (error) {
    throw inNameOf(login.user, error);
  } finally {
    for (const { path } of form?.tables ?? []) await spool.remove(path);
  }
}

/** The body as the client meant it: without its Content-Encoding, and without ClickHouse's own blocks inside. */
function decodedBody(message: IncomingMessage, { nativeBody }: HttpRequest): Readable {
  const encoding = headerOf(message, "content-encoding") ?? "";
  const decoders: Duplex[] = [];
  if (encoding !== "" && encoding !== "identity") {
    const decoder = decoderFor(encoding);
    if (decoder === null)
      throw serverError({
        code: 89,
        name: "UNKNOWN_COMPRESSION_METHOD",
        text: `Unknown Content-Encoding: ${encoding}. Known are gzip, deflate, br, zstd and lz4`,
      });
    decoders.push(decoder);
  }
  if (nativeBody) decoders.push(decodeNativeBlocks());
  // A failure in one of them is met by whoever reads the last.
  return decoders.reduce<Readable>((source, decoder) => pipeline(source, decoder, () => undefined), message);
}

/** `/ping` and `/replicas_status` need no user; a bare GET says that the server is there. */
function answeredPlainly(request: HttpRequest, response: ServerResponse): boolean {
  const plain =
    ["/ping", "/replicas_status"].includes(request.path) ||
    (request.path === "/" && request.method === "GET" && request.query === null);
  if (plain) response.writeHead(200, { "Content-Type": "text/html; charset=UTF-8" }).end("Ok.\n");
  else if (request.path !== "/") response.writeHead(404).end(`There is no handle ${request.path}\n`);
  return plain || request.path !== "/";
}
