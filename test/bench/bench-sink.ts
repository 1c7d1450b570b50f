/**
 * A sink that goes on until it is stopped. A round is published while it is held before its first insert, and the rate is taken from the end of its second batch
 * (two are prepared while it is held) until its last: the sink's own pace, without its start and without the producer on the same two cores.
 */
import { runSinkRole } from "../../cmd/commands/sink.ts";
import type { ClickHouse, InsertInput } from "../../src/clickhouse/connect.ts";
import type { CommittedBatch } from "../../src/domain/sink-plan.ts";
import type { BenchWorld, Round } from "./bench-world.ts";
import { requireEqual } from "./benchmark.ts";

export type Commit = { readonly atMs: number; readonly batch: CommittedBatch };
export type BenchSink = {
  /** Every batch so far, with the time it was committed; throws what has ended the sink. */
  readonly commits: () => readonly Commit[];
  /** Holds it before its next insert, until it is released. */
  readonly hold: () => void;
  readonly release: () => void;
  readonly until: (isDone: () => boolean) => Promise<void>;
  /** From now on the bodies of its inserts are kept, in memory for those of so many rows that no round has to touch for the first time. */
  readonly keepInserts: (rows: number) => void;
  /** The kept ones since the last call, oldest first; they hold until the next insert. */
  readonly takeInserts: () => readonly Uint8Array[];
  readonly stop: () => Promise<void>;
};
export type SinkRound = {
  readonly eventsPerSecond: number;
  readonly firstSeq: number;
  /** What the sink inserted of the measured batches. */
  readonly inserts: readonly Uint8Array[];
  readonly measuredEvents: number;
};

const PREPARED_BATCHES = 2;
const POLL_MS = 5;
/** Of the benchmarks' events. */
const ROW_BYTES_MAX = 1_000;
const ROUND_DEADLINE_MS = 10 * 60_000;

export function startBenchSink({ context, onStop }: BenchWorld): BenchSink {
  const commits: Commit[] = [];
  const inserts: Uint8Array[] = [];
  let kept = Buffer.alloc(0);
  let keptBytes = 0;
  const stopping = new AbortController();
  let released: () => void = () => undefined;
  let mayInsert = Promise.resolve();
  let failure: unknown;
  // The sink writes the rows of other batches where these stand.
  const keep = (body: Uint8Array): void => {
    if (keptBytes + body.length > kept.length) throw new Error("more is inserted than is to be kept");
    kept.set(body, keptBytes);
    inserts.push(kept.subarray(keptBytes, keptBytes + body.length));
    keptBytes += body.length;
  };
  const insert = async (input: InsertInput): Promise<void> => {
    if (input.sql.includes("usage_ingest_special ")) throw new Error("the bare insert passes no special views");
    if (input.sql.includes("usage_ingest ")) {
      await mayInsert;
      if (kept.length > 0 && input.body instanceof Uint8Array) keep(input.body);
    }
    await context.clickhouse().insert(input);
  };
  const clickhouse: ClickHouse = { ...context.clickhouse(), insert };
  const onCommitted = (batch: CommittedBatch): void => {
    commits.push({ atMs: performance.now(), batch });
  };
  const ended = runSinkRole({ ...context, clickhouse: () => clickhouse }, stopping.signal, {
    instance: "bench",
    onCommitted,
  }).catch((error: unknown) => {
    failure = error;
  });
  const stop = async (): Promise<void> => {
    stopping.abort();
    released();
    await ended;
  };
  onStop(stop);
  const committed = (): readonly Commit[] => {
    if (failure !== undefined) throw new Error("the sink ended", { cause: failure });
    return commits;
  };
  return {
    commits: committed,
    hold: () => {
      mayInsert = new Promise((done) => {
        released = done;
      });
    },
    release: () => {
      released();
    },
    until: async (isDone) => {
      const deadline = performance.now() + ROUND_DEADLINE_MS;
      while (!isDone()) {
        committed();
        if (performance.now() > deadline) throw new Error("the sink does not get there");
        await new Promise((done) => setTimeout(done, POLL_MS));
      }
    },
    keepInserts: (rows) => {
      kept = Buffer.alloc(rows * ROW_BYTES_MAX, 1);
    },
    takeInserts: () => {
      keptBytes = 0;
      return inserts.splice(0);
    },
    stop,
  };
}

export type MeasureRoundInput = {
  readonly world: BenchWorld;
  readonly sink: BenchSink;
  readonly round: Round;
  /** How many of them were accepted before; none unless said otherwise. */
  readonly duplicates?: number;
  /** Between publishing and letting the sink go. */
  readonly whileHeld?: (published: { readonly firstSeq: number }) => Promise<void>;
  /** Once everything is counted, before the stream is trimmed. */
  readonly afterwards?: (published: { readonly firstSeq: number }) => Promise<void>;
};

export async function measureSinkRound(input: MeasureRoundInput): Promise<SinkRound> {
  const { world, sink, round, duplicates = 0 } = input;
  const countedBefore = await counted(world);
  const before = sink.commits().length;
  sink.takeInserts();
  sink.hold();
  const published = await world.publish(round);
  await input.whileHeld?.(published);
  sink.release();
  const ofRound = (): readonly Commit[] => sink.commits().slice(before);
  await sink.until(() => eventsOf(ofRound()) >= round.events);
  const commits = ofRound();
  requireEqual("counted events", await counted(world), countedBefore + round.events - duplicates);
  requireEqual("events", eventsOf(commits), round.events);
  requireEqual("duplicates", total(commits, "duplicate"), duplicates);
  requireEqual("accepted events", total(commits, "accepted"), round.events - duplicates);
  await input.afterwards?.(published);
  await world.trim();
  const [begin, end] = [commits[PREPARED_BATCHES - 1], commits.at(-1)];
  const measured = commits.slice(PREPARED_BATCHES);
  if (begin === undefined || end === undefined || measured.length === 0)
    throw new Error(`a round of ${round.events} events has only ${commits.length} batches: give it more events`);
  const measuredEvents = eventsOf(measured);
  return {
    eventsPerSecond: measuredEvents / ((end.atMs - begin.atMs) / 1_000),
    firstSeq: published.firstSeq,
    inserts: sink.takeInserts().slice(PREPARED_BATCHES),
    measuredEvents,
  };
}

/** Of all verdicts. */
export function eventsOf(commits: readonly Commit[]): number {
  return commits.reduce((sum, { batch: { counts } }) => {
    const { accepted, duplicate, conflict, rejected } = counts;
    return sum + accepted + duplicate + conflict + rejected;
  }, 0);
}

function total(commits: readonly Commit[], verdict: "accepted" | "duplicate"): number {
  return commits.reduce((sum, { batch }) => sum + batch.counts[verdict], 0);
}

async function counted({ clickhouse }: BenchWorld): Promise<number> {
  const [row] = await clickhouse.rows<{ events: string }>({
    sql: "SELECT sum(event_count) AS events FROM meterline.usage_windows WHERE meter = 'requests'",
    doing: "counting what the windows hold",
  });
  return Number(row?.events ?? 0);
}
