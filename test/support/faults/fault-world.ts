/** Real servers that a test can kill, stop, copy and bring back, with a catalog in the journal and the sink as production wires it. */
import { randomUUID } from "node:crypto";
import { createContext, type Context } from "../../../cmd/context.ts";
import { runSinkRole } from "../../../cmd/commands/sink.ts";
import { prepareServices } from "../../../cmd/embedded/start-embedded.ts";
import { openServices, type Services } from "../../../cmd/services.ts";
import { systemClock } from "../../../cmd/system-clock.ts";
import { applyCatalog } from "../../../src/app/catalog/apply-catalog.ts";
import { loadSettings } from "../../../src/config/settings.ts";
import { startClickHouseServer } from "../../../src/embedded/clickhouse-server.ts";
import { startNatsServer } from "../../../src/embedded/nats-server.ts";
import { catalogInFiles } from "../catalog-in-files.ts";
import { freePort } from "../free-port.ts";
import { tempDir } from "../temp-dir.ts";
import { FAULT_CATALOG } from "./fault-catalog.ts";
import { serverControl, type ServerControl } from "./server-control.ts";

export type FaultWorldInput = {
  readonly name: string;
  readonly shards?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Directory of each server, where it is not below the world's own. */
  readonly homes?: { readonly nats?: string; readonly clickhouse?: string };
  /** Servers that end by themselves are started again, as `up` does. */
  readonly supervised?: boolean;
  /** What the roles connect to instead of the servers themselves. */
  readonly through?: (addresses: Addresses) => Promise<Addresses>;
};
export type Addresses = { readonly natsUrl: string; readonly clickhouseUrl: string };

export type FaultWorld = {
  readonly shards: number;
  readonly home: string;
  readonly nats: ServerControl;
  readonly clickhouse: ServerControl;
  /** Straight to the servers, whatever lies between them and the roles. */
  readonly services: Services;
  /** Environment of a command of another process. */
  readonly env: Readonly<Record<string, string>>;
  /** The sink in this process. */
  readonly startSink: (env?: Readonly<Record<string, string>>) => RunningSink;
  /** Schema and streams, as a role makes them at its start. */
  readonly prepare: () => Promise<void>;
  readonly apply: (files: Readonly<Record<string, string>>) => Promise<void>;
  readonly stop: () => Promise<void>;
};

export type RunningSink = {
  /** Rejects with what stopped a shard. */
  readonly done: Promise<void>;
  readonly drain: () => Promise<void>;
};

const MIB = 1024 ** 2;
const STORE_BYTES = 1024 * MIB;
const LEASE_MS = 500;

export async function openFaultWorld(input: FaultWorldInput): Promise<FaultWorld> {
  const dir = await tempDir(input.name);
  const stops: (() => Promise<void>)[] = [() => dir.remove()];
  const stop = async (): Promise<void> => {
    for (const step of stops.splice(0).reverse()) await step();
  };
  try {
    const shards = input.shards ?? 1;
    const nats = await natsControl({ ...input, home: input.homes?.nats ?? dir.path, shards });
    stops.push(() => nats.stop());
    const clickhouse = await clickhouseControl(input.homes?.clickhouse ?? dir.path);
    stops.push(() => clickhouse.stop());
    const direct = { natsUrl: nats.url, clickhouseUrl: clickhouse.url };
    const env = { ...environment(dir.path, shards), ...input.env };
    const context = contextOf({ ...env, ...addressVariables(direct) });
    stops.push(() => context.close());
    await prepareServices(context);
    const services = await openServices(context);
    const roleEnv = { ...env, ...addressVariables((await input.through?.(direct)) ?? direct) };
    const apply = (files: Readonly<Record<string, string>>): Promise<void> => applyFiles(services, files);
    await apply(FAULT_CATALOG);
    const startSink = (more = {}): RunningSink => sinkIn(contextOf({ ...roleEnv, ...more }));
    const prepare = (): Promise<void> => prepareServices(context);
    return { shards, home: dir.path, nats, clickhouse, services, env: roleEnv, startSink, prepare, apply, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function environment(home: string, shards: number): Record<string, string> {
  return {
    METERLINE_HOME: home,
    METERLINE_SHARDS: String(shards),
    METERLINE_LOG_LEVEL: process.env["FAULTS_LOG_LEVEL"] ?? "silent",
    METERLINE_LEASE_MS: String(LEASE_MS),
    METERLINE_BATCH_EVENTS_MAX: "40",
    METERLINE_BATCH_WAIT_MS: "20",
    METERLINE_FILTER_COPY_EVERY: "20",
    METERLINE_HTTP_PORT: "0",
    METERLINE_USAGE_STREAM_BYTES: String((STORE_BYTES / 2 / shards) | 0),
    METERLINE_JOURNAL_STREAM_BYTES: String(16 * MIB),
  };
}

function addressVariables({ natsUrl, clickhouseUrl }: Addresses): Record<string, string> {
  return {
    METERLINE_NATS_URL: natsUrl,
    METERLINE_CLICKHOUSE_URL: clickhouseUrl,
    METERLINE_CLICKHOUSE_PASSWORD: "",
  };
}

function contextOf(env: Readonly<Record<string, string>>): Context {
  return createContext({ settings: loadSettings(env), json: true, name: "fault test" });
}

type NatsControlInput = { readonly home: string; readonly shards: number; readonly supervised?: boolean };

async function natsControl({ home, shards, supervised }: NatsControlInput): Promise<ServerControl> {
  const port = await freePort();
  return serverControl(() => startNatsServer({ home, shards, port, storeBytes: STORE_BYTES }), supervised);
}

async function clickhouseControl(home: string): Promise<ServerControl> {
  const port = await freePort();
  return serverControl(() => startClickHouseServer({ home, host: "127.0.0.1", port, password: "" }));
}

async function applyFiles(services: Services, files: Readonly<Record<string, string>>): Promise<void> {
  const { journal, reader, project } = services;
  const { catalog, problems } = catalogInFiles(files);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  await applyCatalog(
    { journal, reader, project, newChangeId: randomUUID },
    { files: catalog, now: systemClock.now(), prune: false, confirm: () => Promise.resolve(true) },
  );
}

function sinkIn(context: Context): RunningSink {
  const stopping = new AbortController();
  const done = runSinkRole(context, stopping.signal).finally(() => context.close());
  done.catch(() => undefined);
  return {
    done,
    drain: async () => {
      stopping.abort();
      await done;
    },
  };
}
