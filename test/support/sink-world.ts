/** Servers, streams and schema for tests of the sink, a sink in this process, and the totals that its tables show. */
import { connectClickHouse, type ClickHouse } from "../../src/clickhouse/connect.ts";
import { batchRowsMemory } from "../../src/clickhouse/batch-rows.ts";
import { migrate } from "../../src/clickhouse/migrate.ts";
import { sinkStore } from "../../src/clickhouse/sink-store.ts";
import type { CrashHook } from "../../src/app/sink/crash-points.ts";
import type { CutRegister, ShardKeys, SinkStore } from "../../src/app/ports.ts";
import { DEFAULT_SINK_SETTINGS, runSink, type SinkDeps, type SinkSettings } from "../../src/app/sink/run-sink.ts";
import { DEFAULT_EVENT_TIME_RANGE } from "../../src/metering/decode-context.ts";
import { connectNats, type Nats } from "../../src/stream/connect.ts";
import { cutRegister } from "../../src/stream/cut-register.ts";
import { ensureStreams } from "../../src/stream/ensure-streams.ts";
import { openBucket } from "../../src/stream/register.ts";
import { shardKeys } from "../../src/stream/shard-keys.ts";
import { openUsageStream } from "../../src/stream/usage-stream.ts";
import { systemClock } from "../../cmd/system-clock.ts";
import { SINK_CATALOG, SUMMED_TYPE } from "./sink-catalog.ts";
import type { Expected } from "./usage-producer.ts";

const MIB = 1024 * 1024;

export type Addresses = { readonly natsUrl: string; readonly clickhouseUrl: string };
export type SinkWorld = {
  readonly shards: number;
  readonly nats: Nats;
  readonly clickhouse: ClickHouse;
  readonly store: SinkStore;
  readonly keys: ShardKeys;
  readonly cuts: CutRegister;
  close(): Promise<void>;
};
export type RunningSink = { readonly done: Promise<void>; drain(): Promise<void> };

/** Connects, and makes streams and schema where they are missing. */
export async function openSinkWorld(addresses: Addresses, shards: number): Promise<SinkWorld> {
  const clickhouse = connectClickHouse({ url: addresses.clickhouseUrl, user: "default", password: "" });
  const nats = await connectNats({ url: addresses.natsUrl, name: "sink test" });
  await migrate(clickhouse);
  await ensureStreams(nats, {
    shards,
    usageBytesMax: 256 * MIB,
    journalBytesMax: 16 * MIB,
    messageBytesMax: 8 * MIB,
  });
  await clickhouse.close();
  await nats.close();
  return connectSinkWorld(addresses, shards);
}

/** Connects to what another process has made. */
export async function connectSinkWorld(addresses: Addresses, shards: number): Promise<SinkWorld> {
  const nats = await connectNats({ url: addresses.natsUrl, name: "sink test" });
  const clickhouse = connectClickHouse({ url: addresses.clickhouseUrl, user: "default", password: "" });
  const bucket = await openBucket(nats);
  return {
    shards,
    nats,
    clickhouse,
    store: sinkStore(clickhouse),
    keys: shardKeys(bucket),
    cuts: cutRegister(bucket),
    close: async () => {
      await clickhouse.close();
      await nats.close();
    },
  };
}

export type StartSinkInput = {
  readonly holder: string;
  readonly settings?: Partial<SinkSettings>;
  readonly deps?: Partial<SinkDeps>;
  readonly crash?: CrashHook;
};

export function startSink(world: SinkWorld, input: StartSinkInput): RunningSink {
  const stop = new AbortController();
  const batchBytesMax = input.settings?.batchBytesMax ?? DEFAULT_SINK_SETTINGS.batchBytesMax;
  const settings: SinkSettings = {
    ...DEFAULT_SINK_SETTINGS,
    batchWaitMs: 20,
    leaseMs: 500,
    shards: world.shards,
    holder: input.holder,
    instance: "",
    ...input.settings,
  };
  const deps: SinkDeps = {
    openStream: (shard) =>
      openUsageStream(world.nats, { shard, shards: world.shards, prefetchBytesMax: batchBytesMax * 2 }),
    keys: world.keys,
    cuts: world.cuts,
    store: world.store,
    catalogs: { head: () => Promise.resolve(SINK_CATALOG), at: () => Promise.resolve(SINK_CATALOG) },
    openRows: batchRowsMemory(),
    timeRange: DEFAULT_EVENT_TIME_RANGE,
    clock: systemClock,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    ...(input.crash && { crash: input.crash }),
    ...input.deps,
  };
  const done = runSink(deps, settings, stop.signal);
  done.catch(() => undefined);
  return {
    done,
    drain: async () => {
      stop.abort();
      await done;
    },
  };
}

/** The sink's rows, whose bytes are what `change` makes of them. */
export function rowsThrough(change: (bytes: Uint8Array, rows: number) => Uint8Array): SinkDeps["openRows"] {
  const openRows = batchRowsMemory();
  return () => {
    const rows = openRows();
    return {
      write: (event) => rows.write(event),
      encoded: (decided, batch) => {
        const encoded = rows.encoded(decided, batch);
        return { ...encoded, bytes: change(encoded.bytes, decided.length) };
      },
      release: () => {
        rows.release();
      },
    };
  };
}

/** Polls until everything that the streams hold is committed. */
export async function untilStored(world: SinkWorld, timeoutMs = 100_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let missing: string;
  do {
    missing = "";
    for (let shard = 0; shard < world.shards; shard += 1) {
      const { state } = await world.nats.jsm.streams.info(`USAGE_${shard}`);
      const last = (await world.store.lastBatch({ shard }))?.plan.last ?? 0;
      if (last < state.last_seq) missing += ` shard ${shard} has ${last} of ${state.last_seq}`;
    }
    if (missing === "") return;
    await systemClock.sleep(20);
  } while (Date.now() < deadline);
  throw new Error(`not everything was stored in ${timeoutMs} ms:${missing}`);
}

/** What the tables say, in the shape of what the producer says; the windows must agree with the events, and the batches tile the streams. */
export async function storedTotals(world: SinkWorld): Promise<Expected> {
  const [row] = await world.clickhouse.rows<Record<string, string>>({
    sql: TOTALS_SQL,
    doing: "adding up what is stored",
  });
  if (row === undefined) throw new Error("the totals gave no row");
  const total = (name: string): number => Number(row[name]);
  return {
    messages: total("messages"),
    events: total("events"),
    accepted: total("accepted"),
    duplicate: total("duplicate"),
    conflict: total("conflict"),
    rejected: total("rejected"),
    tokens: BigInt(row["tokens"] ?? "-1"),
    peak: BigInt(row["peak"] ?? "-1"),
  };
}

const TOTALS_SQL = `SELECT
  (SELECT uniqExact(shard, seq) FROM meterline.usage_events_raw) AS messages,
  (SELECT count() FROM meterline.usage_events_raw) AS events,
  (SELECT countIf(verdict = 'accepted') FROM meterline.usage_events_raw) AS accepted,
  (SELECT countIf(verdict = 'duplicate') FROM meterline.usage_events_raw) AS duplicate,
  (SELECT countIf(verdict = 'conflict') FROM meterline.usage_events_raw) AS conflict,
  (SELECT countIf(verdict = 'rejected') FROM meterline.usage_events_raw) AS rejected,
  (SELECT toString(toInt256(sum(quantity_sum))) FROM meterline.usage_windows WHERE meter IN ('tokens', 'requested')) AS tokens,
  (SELECT toString(toInt256(max(maximum))) FROM meterline.usage_window_extremes WHERE meter = 'peak') AS peak`;

/** Every way in which the tables of the chain could disagree about how often something was stored; all are empty when all is well. */
export async function storedContradictions(world: SinkWorld): Promise<readonly string[]> {
  const rows = await world.clickhouse.rows<{ problem: string }>({
    sql: CONTRADICTIONS_SQL,
    doing: "comparing the tables",
  });
  return rows.map((row) => row.problem);
}

const ACCEPTED = "(SELECT countIf(verdict = 'accepted') FROM meterline.usage_events_raw)";
const acceptedOf = (type: string): string =>
  `(SELECT countIf(verdict = 'accepted' AND type = '${type}') FROM meterline.usage_events_raw)`;
const ACCEPTED_OF_METER = `if(meter = 'requested', ${acceptedOf(SUMMED_TYPE)}, ${acceptedOf("llm.completion")})`;
const CONTRADICTIONS_SQL = [
  `SELECT concat('raw row twice: ', toString(seq)) AS problem FROM meterline.usage_events_raw GROUP BY shard, incarnation, seq, position HAVING count() > 1`,
  `SELECT concat('key twice: ', toString(event_key)) FROM meterline.event_keys GROUP BY event_key HAVING count() > 1`,
  `SELECT concat('keys: ', toString(count())) FROM meterline.event_keys HAVING count() != ${ACCEPTED}`,
  `SELECT concat('usage events of ', meter, ': ', toString(count())) FROM meterline.usage_events GROUP BY meter HAVING count() != ${ACCEPTED_OF_METER}`,
  ...["windows", "window_extremes", "window_latest", "window_levels"].map(
    (table) =>
      `SELECT concat('usage_${table} of ', meter, ': ', toString(sum(event_count))) FROM meterline.usage_${table} GROUP BY meter HAVING sum(event_count) != ${ACCEPTED_OF_METER}`,
  ),
  `SELECT concat('batch twice: ', toString(first)) FROM meterline.sink_batches GROUP BY shard, incarnation, first HAVING count() > 1`,
  `SELECT concat('gap before batch ', toString(first)) FROM (SELECT shard, first, lagInFrame(last) OVER (PARTITION BY shard ORDER BY first ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before FROM meterline.sink_batches) WHERE first != before + 1`,
  `SELECT concat('batch of other size: ', toString(first)) FROM meterline.sink_batches WHERE messages != last - first + 1`,
  `SELECT concat('batch and raw differ: ', toString(b.first)) FROM meterline.sink_batches AS b LEFT JOIN (SELECT shard, batch_first, count() AS stored FROM meterline.usage_events_raw GROUP BY shard, batch_first) AS r ON r.shard = b.shard AND r.batch_first = b.first WHERE b.rows != r.stored`,
].join(" UNION ALL ");
