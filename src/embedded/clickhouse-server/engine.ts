/**
 * The engine with its sessions. A session runs one query at a time, so there are several, and some are kept for the sink: a heavy query of
 * finance never makes ingestion wait.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { literal, openEngineSession, type EngineSession, type SessionQuery } from "./engine-session.ts";
import { openPipeDirectory, openResultPipe } from "./result-pipe.ts";

export type EngineQuery = Omit<SessionQuery, "sql"> & {
  /** The statement; given a path, it writes its result there. */
  readonly sql: string | ((outfile: string) => string);
  /** For `log_comment`, where `system.processes` shows it. */
  readonly comment: string;
  /** Runs on a session kept for the sink. */
  readonly ingest: boolean;
  /** Ends a query that reads; anything else runs to its end. */
  readonly signal: AbortSignal;
};

export type EngineResult = {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** What was read; zero as long as the query runs. */
  readonly summary: () => { readonly rowsRead: number; readonly bytesRead: number };
};

type Consume = (result: EngineResult) => Promise<void>;

export type Engine = {
  readonly version: string;
  readonly timeZone: string;
  /** Calls `consume` with the result while the session is held; a failure of the query or of `consume` is thrown. */
  run(query: EngineQuery, consume: Consume): Promise<void>;
  /** Waits for what runs, for at most this long, and closes the data directory. */
  close(graceMs: number): Promise<void>;
};

/** Below the process's worker threads (clickhouse-server.ts), of which files need some too. */
const QUERY_SESSIONS = 4;
const INGEST_SESSIONS = 3;
const KILL_POLL_MS = 50;
const KILL_ATTEMPTS_MAX = 200;
const NOTHING = { format: "TSVRaw", database: null, settings: [], parameters: [], sticky: false };

type Seat = { readonly session: EngineSession; readonly pipe: string };

export type OpenEngineInput = { readonly data: string; readonly pipes: string };

export async function openEngine(input: OpenEngineInput): Promise<Engine> {
  const pipes = openPipeDirectory(input.pipes);
  const seat = (name: string) => ({ session: openEngineSession(input.data), pipe: pipes.create(name) });
  const control = openEngineSession(input.data);
  const ingest = new Lane(Array.from({ length: INGEST_SESSIONS }, (_, n) => seat(`ingest-${n}`)));
  const queries = new Lane(Array.from({ length: QUERY_SESSIONS }, (_, n) => seat(`query-${n}`)));
  const about = await control.run({ ...NOTHING, sql: "SELECT version(), timezone()" });
  const [version = "", timeZone = "UTC"] = Buffer.from(about.bytes).toString("utf8").trim().split("\t");
  return {
    version,
    timeZone,
    run: (query, consume) =>
      (query.ingest ? ingest : queries).use((free) =>
        query.signal.aborted ? Promise.resolve() : runOn({ seat: free, control, query, consume }),
      ),
    close: async (graceMs) => {
      await Promise.all([ingest.drain(graceMs), queries.drain(graceMs)]);
      for (const { session } of [...ingest.seats, ...queries.seats]) session.close();
      control.close();
      pipes.remove();
    },
  };
}

/** Seats of one kind; callers wait in line for a free one. */
class Lane {
  readonly seats: readonly Seat[];
  readonly #free: Seat[];
  readonly #waiting: ((seat: Seat) => void)[] = [];

  constructor(seats: readonly Seat[]) {
    this.seats = seats;
    this.#free = [...seats];
  }

  async use<T>(run: (seat: Seat) => Promise<T>): Promise<T> {
    const seat = this.#free.pop() ?? (await new Promise<Seat>((resolve) => this.#waiting.push(resolve)));
    try {
      return await run(seat);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(seat);
      else next(seat);
    }
  }

  async drain(graceMs: number): Promise<void> {
    const deadline = performance.now() + graceMs;
    while (this.#free.length < this.seats.length && performance.now() < deadline) await delay(KILL_POLL_MS);
  }
}

type RunOnInput = {
  readonly seat: Seat;
  readonly control: EngineSession;
  readonly query: EngineQuery;
  readonly consume: Consume;
};

async function runOn({ seat, control, query, consume }: RunOnInput): Promise<void> {
  const runId = randomUUID();
  const settings = [...query.settings, ["log_comment", `${runId} ${query.comment}`] as const];
  if (typeof query.sql === "string") {
    const result = await seat.session.run({ ...query, sql: query.sql, settings });
    await consume({ chunks: once(result.bytes), summary: () => result });
    return;
  }
  const pipe = openResultPipe(seat.pipe);
  let summary = { rowsRead: 0, bytesRead: 0 };
  let running = true;
  const run = seat.session
    .run({ ...query, sql: query.sql(seat.pipe), settings })
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

type KillInput = { readonly control: EngineSession; readonly runId: string; readonly isRunning: () => boolean };

/** A query that still waits for its beginning is not there to be killed yet: asked again until it has ended. */
async function kill({ control, runId, isRunning }: KillInput): Promise<void> {
  const sql = `KILL QUERY WHERE startsWith(Settings['log_comment'], ${literal(runId)}) ASYNC`;
  for (let attempt = 0; attempt < KILL_ATTEMPTS_MAX && isRunning(); attempt++) {
    await control.run({ ...NOTHING, sql }).catch(() => undefined);
    await delay(KILL_POLL_MS);
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- one chunk that is there already
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}
