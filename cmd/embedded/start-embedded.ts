/** Starts the embedded servers that no URL replaces, and says where they are. They end with `stop`, ClickHouse first. */
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import type { Settings } from "../../src/config/settings.ts";
import { diskError } from "../../src/embedded/disk-error.ts";
import { startClickHouseServer } from "../../src/embedded/clickhouse-server.ts";
import { startNatsServer } from "../../src/embedded/nats-server.ts";
import { clickhouseServerSettings } from "../clickhouse-login.ts";
import type { Addresses } from "../addresses.ts";
import type { Context } from "../context.ts";
import { makeStreams } from "../make-streams.ts";
import { migrateSchema } from "../migrate-schema.ts";
import { supervise } from "./supervise.ts";

export type EmbeddedServers = {
  readonly addresses: Addresses;
  /** Sentences for people: what runs where. */
  readonly told: readonly string[];
  /** Rejects when a server ended and could not be started again; otherwise never settles. */
  readonly failed: Promise<never>;
  readonly stop: () => Promise<void>;
};

const HOST = "127.0.0.1";

type Started = {
  readonly url: string;
  readonly told: string;
  readonly failed: Promise<never>;
  readonly stop: () => Promise<void>;
};

export async function startEmbedded(settings: Settings, log: (line: string) => void): Promise<EmbeddedServers> {
  const home = resolve(settings.home);
  makeHome(home);
  const started: Started[] = [];
  const stop = async (): Promise<void> => {
    for (const server of started.splice(0).reverse()) await server.stop();
  };
  try {
    if (settings.natsUrl === undefined) started.push(await startNats({ settings, home, log }));
    const natsUrl = settings.natsUrl ?? started.at(-1)?.url ?? "";
    if (settings.clickhouseUrl === undefined) started.push(await startClickHouse({ settings, home, log }));
    const clickhouseUrl = settings.clickhouseUrl ?? started.at(-1)?.url ?? "";
    return {
      addresses: { natsUrl, clickhouseUrl },
      told: [
        ...(settings.natsUrl === undefined ? [] : [`NATS        ${withoutSecrets(natsUrl)}  (METERLINE_NATS_URL)`]),
        ...started.map((server) => server.told),
        ...(settings.clickhouseUrl === undefined
          ? []
          : [`ClickHouse  ${withoutSecrets(clickhouseUrl)}  (METERLINE_CLICKHOUSE_URL)`]),
      ],
      failed: Promise.race([...started.map((server) => server.failed), never()]),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type StartInput = { readonly settings: Settings; readonly home: string; readonly log: (line: string) => void };

async function startNats({ settings, home, log }: StartInput): Promise<Started> {
  const { natsPort: port, shards, natsStoreBytes: storeBytes, natsSync: sync } = settings;
  const { server, failed, stop } = await supervise({
    name: "nats-server",
    start: () => startNatsServer({ home, host: HOST, port, shards, storeBytes, sync, log }),
    log,
  });
  const durable = server.syncAlways
    ? "every message is synced to disk"
    : `WARNING: ${sync === "interval" ? "METERLINE_NATS_SYNC=interval" : "this version"} can lose acknowledged messages in a power cut`;
  return {
    url: server.url,
    told: `NATS        ${server.url}  (nats-server ${server.version}, ${durable})`,
    failed,
    stop,
  };
}

async function startClickHouse({ settings, home, log }: StartInput): Promise<Started> {
  const { server, failed, stop } = await supervise({
    name: "ClickHouse",
    start: () => startClickHouseServer({ ...clickhouseServerSettings(settings), home, host: HOST, log }),
    log,
  });
  return {
    url: server.url,
    told: `ClickHouse  ${server.url}  (embedded engine, HTTP interface, users ${settings.clickhouseUser}, admin, sink, finance)`,
    failed,
    stop,
  };
}

/** Schema and streams, made or brought up to date. Safe to run at every start. `instance` is where no other process can hold a shard. */
export async function prepareServices(context: Context, instance = ""): Promise<void> {
  const { logger } = context;
  await migrateSchema(context, {
    instance,
    onMigration: (name) => {
      logger.info({ migration: name }, "applying a migration");
    },
  });
  await makeStreams(context);
}

function makeHome(home: string): void {
  try {
    mkdirSync(home, { recursive: true });
  } catch (error) {
    throw diskError(error, home) ?? error;
  }
}

function withoutSecrets(text: string): string {
  const url = new URL(text);
  url.password = "";
  return url.toString();
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
