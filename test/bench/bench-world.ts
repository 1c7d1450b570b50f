/** Servers, catalog and clients for the benchmark, and its three measurements. All of them move the same events of one round. */
import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import { createContext, type Context } from "../../cmd/context.ts";
import { applyDirectory } from "../../cmd/commands/apply.ts";
import { runSinkRole } from "../../cmd/commands/sink.ts";
import { prepareServices } from "../../cmd/embedded/start-embedded.ts";
import { openServices } from "../../cmd/services.ts";
import type { PackedMessage } from "../../src/app/publish/event-packer.ts";
import type { ClickHouse, InsertInput } from "../../src/clickhouse/connect.ts";
import { loadSettings } from "../../src/config/settings.ts";
import { generatedPassword } from "../../src/embedded/clickhouse-server.ts";
import type { CommittedBatch } from "../../src/domain/sink-plan.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { createPublisher } from "../../src/stream/publisher.ts";
import { usageStreamState } from "../../src/stream/usage-stream.ts";
import { ask } from "../support/clickhouse-http.ts";
import { startTestServers, type TestServers } from "../support/servers.ts";

export type Round = {
  readonly events: number;
  readonly messages: readonly PackedMessage[];
};
export type Measured = { readonly seconds: number };

export type BenchWorld = {
  readonly publish: (round: Round) => Promise<Measured>;
  /** From the start of the sink until the last event of the round is counted; keeps the bytes it inserted. */
  readonly pipeline: (round: Round) => Promise<Measured>;
  /** The same messages read with AckAll and nothing else. */
  readonly consume: (round: Round) => Promise<Measured>;
  /** The same bytes into the same tables and views, one insert after another. */
  readonly insert: (round: Round) => Promise<Measured>;
  /** A sink that goes on until it is stopped. */
  readonly startSink: () => BenchSink;
  readonly clickhouse: ClickHouse;
  /** Resolves when the query has ended, in whatever way. */
  readonly askAsFinance: (sql: string, signal: AbortSignal) => Promise<void>;
  readonly stop: () => Promise<void>;
};

export type Commit = { readonly atMs: number; readonly batch: CommittedBatch };
export type BenchSink = {
  /** Every batch so far, with the time it was committed; throws what has ended the sink. */
  readonly commits: () => readonly Commit[];
  /** Holds it before its next insert, until it is released. */
  readonly hold: () => void;
  readonly release: () => void;
  readonly stop: () => Promise<void>;
};

const CATALOG = new URL("../../docs/examples/catalog", import.meta.url).pathname;
const WINDOW_MESSAGES = 4_096;
const ACK_TIMEOUT_MS = 30_000;
const FETCH_MESSAGES = 5_000;
const FETCH_MS = 2_000;
const SHARD = 0;
const STORE_BYTES = 4 * 1024 ** 3;

type State = { readonly firstSeq: number; readonly inserts: InsertInput[] };

export async function startBenchWorld(): Promise<BenchWorld> {
  const servers = await startTestServers({ storeBytes: STORE_BYTES });
  try {
    return await benchWorld(servers);
  } catch (error) {
    await servers.stop();
    throw error;
  }
}

async function benchWorld(servers: TestServers): Promise<BenchWorld> {
  const settings = loadSettings({
    METERLINE_HOME: servers.home,
    METERLINE_LOG_LEVEL: "warn",
    METERLINE_NATS_STORE_BYTES: String(STORE_BYTES),
  });
  const context = createContext({ settings, json: true, name: "bench", addresses: servers });
  await prepareServices(context);
  const quiet: Context = { ...context, output: { json: true, result: () => undefined, say: () => undefined } };
  await applyDirectory({
    context: quiet,
    services: await openServices(context),
    directory: CATALOG,
    options: { yes: true },
  });
  const states = new Map<Round, State>();
  const stateOf = (round: Round): State => {
    const state = states.get(round);
    if (state === undefined) throw new Error("publish a round before measuring it");
    return state;
  };
  return {
    publish: async (round) => {
      const { lastSeq } = await usageStreamState(await context.nats(), SHARD);
      states.set(round, { firstSeq: lastSeq + 1, inserts: [] });
      return await timed(() => publishAll(context, round));
    },
    pipeline: (round) => timed(() => sinkRound(context, round, stateOf(round))),
    consume: (round) => timed(() => consumeAll(context, round, stateOf(round))),
    startSink: () => startSink(context),
    clickhouse: context.clickhouse(),
    askAsFinance: (sql, signal) => askAsFinance(servers, sql, signal),
    insert: (round) => insertAll(context.clickhouse(), round, stateOf(round)),
    stop: async () => {
      await context.close();
      await servers.stop();
    },
  };
}

async function askAsFinance({ home, clickhouseUrl }: TestServers, sql: string, signal: AbortSignal): Promise<void> {
  const password = generatedPassword(home, "finance") ?? "";
  const headers = { "X-ClickHouse-User": "finance", "X-ClickHouse-Key": password };
  await ask({ url: clickhouseUrl, body: sql, headers, signal });
}

async function publishAll(context: Context, { messages }: Round): Promise<void> {
  const publisher = createPublisher(await context.nats(), {
    windowMessages: WINDOW_MESSAGES,
    ackTimeoutMs: ACK_TIMEOUT_MS,
  });
  for (const message of messages) await publisher.publish(message);
  await publisher.close();
}

async function sinkRound(context: Context, round: Round, { inserts }: State): Promise<void> {
  const clickhouse = recording(context.clickhouse(), inserts);
  const drain = new AbortController();
  let accepted = 0;
  await runSinkRole({ ...context, clickhouse: () => clickhouse }, drain.signal, {
    instance: "bench",
    onCommitted: ({ counts }) => {
      accepted += counts.accepted;
      if (accepted >= round.events) drain.abort();
    },
  });
  requireEqual("accepted events", accepted, round.events);
}

function startSink(context: Context): BenchSink {
  const commits: Commit[] = [];
  const stopping = new AbortController();
  let released: () => void = () => undefined;
  let mayInsert = Promise.resolve();
  let failure: unknown;
  const clickhouse: ClickHouse = {
    ...context.clickhouse(),
    insert: async (input) => {
      if (input.sql.includes("usage_ingest")) await mayInsert;
      await context.clickhouse().insert(input);
    },
  };
  const onCommitted = (batch: CommittedBatch): void => {
    commits.push({ atMs: performance.now(), batch });
  };
  const ended = runSinkRole({ ...context, clickhouse: () => clickhouse }, stopping.signal, {
    instance: "bench",
    onCommitted,
  }).catch((error: unknown) => {
    failure = error;
  });
  return {
    commits: () => {
      if (failure !== undefined) throw new Error("the sink ended", { cause: failure });
      return commits;
    },
    hold: () => {
      mayInsert = new Promise((done) => {
        released = done;
      });
    },
    release: () => {
      released();
    },
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };
}

function recording(clickhouse: ClickHouse, inserts: InsertInput[]): ClickHouse {
  return {
    ...clickhouse,
    insert: async (input) => {
      if (input.sql.includes("usage_ingest")) inserts.push(input);
      await clickhouse.insert(input);
    },
  };
}

async function consumeAll(context: Context, round: Round, { firstSeq }: State): Promise<void> {
  const { js, jsm } = await context.nats();
  const stream = `USAGE_${String(SHARD)}`;
  const { name } = await jsm.consumers.add(stream, {
    ack_policy: AckPolicy.All,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: firstSeq,
    max_ack_pending: -1,
  });
  const consumer = await js.consumers.get(stream, name);
  let messages = 0;
  let bytes = 0;
  while (messages < round.messages.length) {
    const wanted = Math.min(FETCH_MESSAGES, round.messages.length - messages);
    const before = messages;
    let last: { ack(): void } | undefined;
    for await (const message of await consumer.fetch({ max_messages: wanted, expires: FETCH_MS })) {
      messages += 1;
      bytes += message.data.length;
      last = message;
    }
    last?.ack();
    if (messages === before)
      throw new Error(`consumed only ${String(messages)} of ${String(round.messages.length)} messages`);
  }
  await jsm.consumers.delete(stream, name);
  requireEqual(
    "consumed bytes",
    bytes,
    round.messages.reduce((sum, message) => sum + message.body.length, 0),
  );
}

/** Into the very tables and views that the pipeline fills, under tokens of their own; the rows of a round are there twice then. */
async function insertAll(clickhouse: ClickHouse, round: Round, { inserts }: State): Promise<Measured> {
  const before = await countRaw(clickhouse);
  const measured = await timed(async () => {
    for (const [number, insert] of inserts.entries()) {
      const token = `again/${String(before)}/${String(number)}`;
      await clickhouse.insert({ ...insert, settings: { ...insert.settings, insert_deduplication_token: token } });
    }
  });
  requireEqual("inserted rows", (await countRaw(clickhouse)) - before, round.events);
  return measured;
}

async function countRaw(clickhouse: ClickHouse): Promise<number> {
  const [row] = await clickhouse.rows<{ rows: string }>({
    sql: "SELECT count() AS rows FROM meterline.usage_events_raw",
    doing: "counting",
  });
  return Number(row?.rows ?? 0);
}

async function timed(run: () => Promise<void>): Promise<Measured> {
  const startedMs = performance.now();
  await run();
  return { seconds: (performance.now() - startedMs) / 1000 };
}

/** A rate over wrong totals means nothing. */
function requireEqual(what: string, found: number, wanted: number): void {
  if (found === wanted) return;
  throw new AppError({
    code: "BENCH_WRONG_TOTAL",
    kind: "broken",
    message: `${what}: ${String(found)} instead of ${String(wanted)}`,
  });
}
