/** Starts the embedded servers that no URL replaces, and says where they are. They end with `stop`, ClickHouse first. */
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { streamLimits, type Settings } from "../../src/config/settings.ts";
import { startClickHouseServer } from "../../src/embedded/clickhouse-server.ts";
import { startNatsServer } from "../../src/embedded/nats-server.ts";
import { ensureStreams } from "../../src/stream/ensure-streams.ts";
import { migrate } from "../../src/clickhouse/migrate.ts";
import type { Addresses } from "../addresses.ts";
import type { Context } from "../context.ts";

export type EmbeddedServers = {
  readonly addresses: Addresses;
  /** Sentences for people: what runs where. */
  readonly told: readonly string[];
  /** Resolves with the name of the first server that ended by itself. */
  readonly ended: Promise<string>;
  readonly stop: () => Promise<void>;
};

/** The largest message: 8 MiB, what nats-server recommends as a maximum. */
const MESSAGE_BYTES_MAX = 8 * 1024 * 1024;

export async function startEmbedded(settings: Settings, log: (line: string) => void): Promise<EmbeddedServers> {
  const home = resolve(settings.home);
  mkdirSync(home, { recursive: true });
  const stops: (() => Promise<void>)[] = [];
  const ended: Promise<string>[] = [];
  const told: string[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  try {
    const natsUrl = settings.natsUrl ?? (await nats());
    const clickhouseUrl = settings.clickhouseUrl ?? (await clickhouse());
    return { addresses: { natsUrl, clickhouseUrl }, told, ended: Promise.race(ended), stop };
  } catch (error) {
    await stop();
    throw error;
  }

  async function nats(): Promise<string> {
    const { natsPort: port, shards, natsStoreBytes: storeBytes } = settings;
    const server = await startNatsServer({ home, port, shards, storeBytes, log });
    stops.push(() => server.stop());
    ended.push(server.exited.then(() => "nats-server"));
    const durable = server.syncAlways
      ? "every message is synced to disk"
      : "WARNING: this version can lose acknowledged messages in a power cut";
    told.push(`NATS        ${server.url}  (nats-server ${server.version}, ${durable})`);
    return server.url;
  }

  async function clickhouse(): Promise<string> {
    const server = await startClickHouseServer({
      home,
      host: "127.0.0.1",
      port: settings.clickhousePort,
      user: settings.clickhouseUser,
      password: settings.clickhousePassword,
      log,
    });
    stops.push(() => server.stop());
    ended.push(server.exited.then(() => "ClickHouse"));
    told.push(`ClickHouse  ${server.url}  (embedded engine, HTTP interface, user ${settings.clickhouseUser})`);
    return server.url;
  }
}

/** Schema and streams, made or brought up to date. Safe to run at every start. */
export async function prepareServices(context: Context): Promise<void> {
  const { settings, logger } = context;
  await migrate(context.clickhouse(), (name) => {
    logger.info({ migration: name }, "applying a migration");
  });
  const { usageBytes, journalBytes } = streamLimits(settings);
  await ensureStreams(await context.nats(), {
    shards: settings.shards,
    usageBytesMax: usageBytes,
    journalBytesMax: journalBytes,
    messageBytesMax: MESSAGE_BYTES_MAX,
  });
}
