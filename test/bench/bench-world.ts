/** Servers, catalog and clients for the benchmarks. nats-server syncs when it likes unless told otherwise, as its own default is: single events would measure the disk. */
import { createContext, type Context } from "../../cmd/context.ts";
import { applyDirectory } from "../../cmd/commands/apply.ts";
import { prepareServices } from "../../cmd/embedded/start-embedded.ts";
import { openServices } from "../../cmd/services.ts";
import type { PackedMessage } from "../../src/producer/event-packer.ts";
import type { ClickHouse } from "../../src/clickhouse/connect.ts";
import { loadSettings } from "../../src/config/settings.ts";
import { generatedPassword } from "../../src/embedded/clickhouse-server.ts";
import { usageStreamName } from "../../src/stream/ensure-streams.ts";
import { createPublisher } from "../../src/stream/publisher.ts";
import { usageStreamState } from "../../src/stream/usage-stream.ts";
import { ask } from "../support/clickhouse-http.ts";
import { startTestServers, type TestServers } from "../support/servers.ts";

export type Round = {
  readonly events: number;
  readonly messages: readonly PackedMessage[];
};
export type Measured = { readonly seconds: number };

export type BenchWorldInput = {
  readonly natsSync?: "always" | "interval";
  readonly clickhouseFsync?: boolean;
  /** Of the example's instead. */
  readonly catalog?: string;
  /** One unless said otherwise. */
  readonly shards?: number;
};

export type BenchWorld = {
  readonly servers: TestServers;
  readonly context: Context;
  readonly clickhouse: ClickHouse;
  /** That applying the catalog took. */
  readonly applySeconds: number;
  /** Publishes and waits for the acknowledgements. */
  readonly publish: (round: Round) => Promise<Measured & { readonly firstSeq: number }>;
  /** Trims the stream behind what is counted, so that rounds do not fill the disk. Only while everything is counted. */
  readonly trim: () => Promise<void>;
  /** Resolves when the query has ended, in whatever way. */
  readonly askAsFinance: (sql: string, signal: AbortSignal) => Promise<void>;
  /** Before the servers stop. */
  readonly onStop: (step: () => Promise<void>) => void;
  readonly stop: () => Promise<void>;
};

const SHARD = 0;
export const USAGE_STREAM = `USAGE_${SHARD}`;
const CATALOG = new URL("../../docs/examples/catalog", import.meta.url).pathname;
const WINDOW_MESSAGES = 4_096;
const ACK_TIMEOUT_MS = 30_000;
const STORE_BYTES = 24 * 1024 ** 3;

export async function startBenchWorld(input: BenchWorldInput = {}): Promise<BenchWorld> {
  const { natsSync = "interval", clickhouseFsync = false, shards = 1, catalog = CATALOG } = input;
  const servers = await startTestServers({ shards, storeBytes: STORE_BYTES, natsSync, clickhouseFsync });
  try {
    return await benchWorld(servers, { catalog, shards });
  } catch (error) {
    await servers.stop();
    throw error;
  }
}

type WorldOf = { readonly catalog: string; readonly shards: number };

async function benchWorld(servers: TestServers, { catalog: directory, shards }: WorldOf): Promise<BenchWorld> {
  const context = createContext({
    settings: benchSettings(servers, shards),
    json: true,
    name: "bench",
    addresses: servers,
  });
  await prepareServices(context);
  const quiet: Context = { ...context, output: { json: true, result: () => undefined, say: () => undefined } };
  const services = await openServices(context);
  const applied = await timed(() => applyDirectory({ context: quiet, services, directory, options: { yes: true } }));
  const steps: (() => Promise<void>)[] = [];
  return {
    servers,
    context,
    clickhouse: context.clickhouse(),
    applySeconds: applied.seconds,
    publish: async (round) => {
      const { lastSeq } = await usageStreamState(await context.nats(), SHARD);
      return { ...(await timed(() => publishAll(context, round))), firstSeq: lastSeq + 1 };
    },
    trim: async () => {
      for (let shard = 0; shard < shards; shard += 1) {
        const { lastSeq } = await usageStreamState(await context.nats(), shard);
        // The last message stays: a sink that starts looks whether it is the one that it counted.
        if (lastSeq > 0) await (await context.nats()).jsm.streams.purge(usageStreamName(shard), { seq: lastSeq });
      }
    },
    askAsFinance: (sql, signal) => askAsFinance(servers, sql, signal),
    onStop: (step) => steps.push(step),
    stop: async () => {
      for (const step of steps.splice(0).reverse()) await step();
      await context.close();
      await servers.stop();
    },
  };
}

function benchSettings(servers: TestServers, shards: number) {
  return loadSettings({
    METERLINE_HOME: servers.home,
    METERLINE_LOG_LEVEL: "warn",
    METERLINE_SHARDS: String(shards),
    METERLINE_NATS_STORE_BYTES: String(STORE_BYTES),
  });
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

export async function timed(run: () => Promise<void>): Promise<Measured> {
  const startedMs = performance.now();
  await run();
  return { seconds: (performance.now() - startedMs) / 1000 };
}
