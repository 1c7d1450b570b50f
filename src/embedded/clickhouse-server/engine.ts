/**
 * The engine: runs queries in sessions, so many at a time, with seats kept for the sink, so that a heavy query of finance never makes ingestion wait
 * in line; ends a query when its reader is gone; and kills by the ids that clients know.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { ENGINE_ROLES, type EngineRole } from "./engine-config.ts";
import {
  engineReleased,
  openEngineSession,
  type EngineSession,
  type Named,
  type SessionSetup,
} from "./engine-session.ts";
import { createKiller, type KillInput } from "./client-kill.ts";
import { createQueriesView } from "./client-queries.ts";
import { queryComment, startedAs } from "./query-comment.ts";
import { openPipeDirectory, openResultPipe } from "./result-pipe.ts";
import { SeatQueue } from "./seat-queue.ts";
import { createStatementReading, type StatementReader } from "./parse-statement.ts";

export type EngineQuery = SessionSetup & {
  /** The statement; given a path, it writes its result there. */
  readonly sql: string | ((outfile: string) => string);
  readonly format: string;
  readonly role: EngineRole;
  readonly user: string;
  readonly queryId: string;
  readonly comment: string;
  /** The statement as the client wrote it. */
  readonly text: string;
  /** Nothing is written, whatever the role may do. */
  readonly readOnly: boolean;
  /** A client's own session; without one the query has a session for itself. */
  readonly session: EngineSession | null;
  /** Takes a seat kept for the sink. */
  readonly ingest: boolean;
  /** Ends the query. */
  readonly signal: AbortSignal;
};

/** What a query read and how long it took, as in the header X-ClickHouse-Summary; zero as long as it runs. */
export type Summary = { readonly rowsRead: number; readonly bytesRead: number; readonly seconds: number };
export type EngineResult = {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** What was read; zero as long as the query runs. */
  readonly summary: () => Summary;
};
type Consume = (result: EngineResult) => Promise<void>;

export type Engine = {
  readonly version: string;
  readonly timeZone: string;
  /** HTTP content types by the lower-case name of the format. */
  readonly contentTypes: ReadonlyMap<string, string>;
  /** Reads statements in turn with others; the sink does not wait. */
  readerFor(query: Pick<EngineQuery, "user" | "ingest">): StatementReader;
  /** Calls `consume` with the result while the seat is held; a failure of the query or of `consume` is thrown. */
  run(query: EngineQuery, consume: Consume): Promise<void>;
  /** Carries out `KILL QUERY WHERE condition` among the queries that the role sees. */
  kill(input: KillInput): Promise<EngineResult>;
  /** Progress of a query that runs, or null. */
  progress(queryId: string): Promise<string | null>;
  openSession(role: EngineRole): EngineSession;
  /**
   * Waits for what runs, for at most this long and a moment for the engine, and closes the data directory. False when something still runs: the directory may then be
   * open until the process is gone.
   */
  close(graceMs: number): Promise<boolean>;
};
/** Together below the process's worker threads (../clickhouse-server.ts), of which files and parsing need some too. */
const QUERY_SEATS = 4;
const INGEST_SEATS = 3;
const WAITING_MAX = 200;
const KILL_POLL_MS = 50;
const KILL_ATTEMPTS_MAX = 200;
const RELEASE_MS_MIN = 1_000;

export type OpenEngineInput = {
  readonly data: string;
  readonly config: string;
  readonly pipes: string;
  /** Settings of every session of a role. */
  readonly limits: Readonly<Record<EngineRole, Named>>;
  /** The names that log in as a role. */
  readonly users: Readonly<Record<EngineRole, readonly string[]>>;
};

export async function openEngine({ data, config, pipes, limits, users }: OpenEngineInput): Promise<Engine> {
  let isClosing = false;
  const open = (
    role: EngineRole | null,
    use: { readonly readOnly: boolean; readonly lasting: boolean },
  ): EngineSession => {
    // Statements that wait for being read, and KILL, hold no seat that closing waits for.
    if (isClosing) throw new Error("the server is closing");
    return openEngineSession({ data, config, role, limits: role === null ? [] : limits[role], ...use });
  };
  const control = open(null, { readOnly: false, lasting: true });
  const about = await readAbout(control);
  for (const role of ENGINE_ROLES) await control.run(createQueriesView(role, users[role]), "TSVRaw");
  const directory = openPipeDirectory(pipes);
  const seats = (name: string, count: number): readonly string[] =>
    Array.from({ length: count }, (_, n) => directory.create(`${name}-${n}`));
  const ingest = new SeatQueue({
    seats: seats("ingest", INGEST_SEATS),
    perUser: INGEST_SEATS,
    waitingMax: WAITING_MAX,
  });
  const queries = new SeatQueue({
    seats: seats("query", QUERY_SEATS),
    perUser: QUERY_SEATS - 1,
    waitingMax: WAITING_MAX,
  });
  const carryOutKill = createKiller({ control, open: (role) => open(role, { readOnly: true, lasting: false }) });
  const reading = await createStatementReading(() => open(null, { readOnly: true, lasting: false }));
  return {
    ...about,
    readerFor: ({ user, ingest }) => reading(ingest ? null : user),
    run: (query, consume) =>
      (query.ingest ? ingest : queries).use(query.user, async (pipe) => {
        if (query.signal.aborted) return;
        const session = query.session ?? open(query.role, { readOnly: query.readOnly, lasting: false });
        try {
          await runOn({ session, pipe, control, query, consume });
        } finally {
          if (query.session === null) session.close();
        }
      }),
    kill: async (input) => {
      const result = await carryOutKill(input);
      return { chunks: once(result.bytes), summary: () => result };
    },
    progress: async (queryId) => {
      const { bytes } = await control.run(progressStatement(queryId), "JSONEachRow");
      return bytes.length === 0 ? null : Buffer.from(bytes).toString("utf8").trim();
    },
    openSession: (role) => open(role, { readOnly: role === "finance", lasting: true }),
    close: async (graceMs) => {
      const untilMs = performance.now() + graceMs;
      const drained = await Promise.all([ingest.drain(graceMs), queries.drain(graceMs)]);
      directory.remove();
      if (drained.includes(false)) return false;
      isClosing = true;
      control.close();
      return await engineReleased(Math.max(untilMs - performance.now(), RELEASE_MS_MIN));
    },
  };
}

async function readAbout(control: EngineSession): Promise<Pick<Engine, "version" | "timeZone" | "contentTypes">> {
  const about = await control.run("SELECT version(), timezone()", "TSVRaw");
  const [version = "", timeZone = "UTC"] = Buffer.from(about.bytes).toString("utf8").trim().split("\t");
  const formats = await control.run("SELECT lower(name), content_type FROM system.formats WHERE is_output", "TSVRaw");
  const lines = Buffer.from(formats.bytes).toString("utf8").trimEnd().split("\n");
  const contentTypes = new Map(lines.map((line) => line.split("\t") as [string, string]));
  return { version, timeZone, contentTypes };
}

type RunOnInput = {
  readonly session: EngineSession;
  readonly pipe: string;
  readonly control: EngineSession;
  readonly query: EngineQuery;
  readonly consume: Consume;
};

async function runOn(input: RunOnInput): Promise<void> {
  const { session, query, consume } = input;
  const runId = randomUUID();
  const settings = [...query.settings, ["log_comment", queryComment({ ...query, runId })] as const];
  const restore = await session.prepare({ ...query, settings });
  try {
    if (typeof query.sql === "string") await runWhole({ ...input, sql: query.sql, runId });
    else await runThroughPipe({ ...input, sql: query.sql(input.pipe), runId, consume });
  } finally {
    await restore();
  }
}

type RunInput = RunOnInput & { readonly sql: string; readonly runId: string };

/** The result as a whole: statements that give few rows, or none. */
async function runWhole({ session, control, query, consume, sql, runId }: RunInput): Promise<void> {
  let running = true;
  const end = (): void => {
    void kill({ control, runId, isRunning: () => running });
  };
  query.signal.addEventListener("abort", end, { once: true });
  try {
    const result = await session.run(sql, query.format).finally(() => {
      running = false;
    });
    await consume({ chunks: once(result.bytes), summary: () => result });
  } finally {
    query.signal.removeEventListener("abort", end);
  }
}

async function runThroughPipe({ session, control, query, pipe: path, consume, sql, runId }: RunInput): Promise<void> {
  const pipe = openResultPipe(path);
  let summary: Summary = { rowsRead: 0, bytesRead: 0, seconds: 0 };
  let running = true;
  const run = session
    .run(sql, query.format)
    .then((result) => {
      summary = result;
    })
    .finally(() => {
      running = false;
      pipe.finish();
    });
  // The reader meets the failure behind the last piece; until it gets there nobody else listens.
  run.catch(() => undefined);
  const end = (): void => {
    pipe.discard();
    void kill({ control, runId, isRunning: () => running });
  };
  query.signal.addEventListener("abort", end, { once: true });
  try {
    await consume({ chunks: untilEnd(pipe.chunks, run), summary: () => summary });
  } finally {
    query.signal.removeEventListener("abort", end);
    // Whoever stops reading early does not want the rest; the session is free only when the query has ended.
    if (running) end();
    await run.catch(() => undefined);
    pipe.discard();
  }
}

/** The pieces of the pipe, and behind the last one the failure of the query, if it failed. */
async function* untilEnd(chunks: AsyncIterable<Uint8Array>, run: Promise<void>): AsyncGenerator<Uint8Array> {
  yield* chunks;
  await run;
}

type EndInput = { readonly control: EngineSession; readonly runId: string; readonly isRunning: () => boolean };

/** A query that still waits for its beginning is not there to be killed yet: asked again until it has ended. */
async function kill({ control, runId, isRunning }: EndInput): Promise<void> {
  for (let attempt = 0; attempt < KILL_ATTEMPTS_MAX && isRunning(); attempt++) {
    await control.run(`KILL QUERY WHERE ${startedAs("run", runId)} ASYNC`, "TSVRaw").catch(() => undefined);
    await delay(KILL_POLL_MS);
  }
}

function progressStatement(queryId: string): string {
  return `SELECT toString(read_rows) AS read_rows, toString(read_bytes) AS read_bytes, toString(written_rows) AS written_rows,
    toString(written_bytes) AS written_bytes, toString(total_rows_approx) AS total_rows_to_read, '0' AS result_rows, '0' AS result_bytes,
    toString(toUInt64(elapsed * 1e9)) AS elapsed_ns, toString(memory_usage) AS memory_usage
    FROM system.processes WHERE ${startedAs("query_id", queryId)} LIMIT 1`;
}

// eslint-disable-next-line @typescript-eslint/require-await -- one chunk that is there already
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}
