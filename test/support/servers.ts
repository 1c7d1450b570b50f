/** A real nats-server and the real ClickHouse engine for one test file: own ports, own data, both gone after `stop`. */
import { startClickHouseServer } from "../../src/embedded/clickhouse-server.ts";
import { startNatsServer } from "../../src/embedded/nats-server.ts";
import { freePort } from "./free-port.ts";
import { copySchemaInto } from "./schema-home.ts";
import { tempDir } from "./temp-dir.ts";

const STORE_BYTES = 1024 ** 3;

export type TestServers = {
  readonly natsUrl: string;
  /** The address with Meterline's own user, who may publish replays. */
  readonly natsOwnUrl: string;
  readonly clickhouseUrl: string;
  readonly home: string;
  /** Of the servers' processes, for what measures their work. */
  readonly natsPid: number;
  readonly clickhousePid: number;
  readonly stop: () => Promise<void>;
};

export async function startTestServers(
  input: {
    readonly shards?: number;
    readonly storeBytes?: number;
    readonly natsSync?: "always" | "interval";
    readonly clickhouseFsync?: boolean;
    /** A database as `migrate` leaves it, unless this is false. */
    readonly schema?: boolean;
  } = {},
): Promise<TestServers> {
  const dir = await tempDir("servers");
  const stops: (() => Promise<void>)[] = [() => dir.remove()];
  const stop = async (): Promise<void> => {
    for (const step of stops.splice(0).reverse()) await step();
  };
  try {
    const nats = await startNatsServer({
      home: dir.path,
      port: await freePort(),
      shards: input.shards ?? 1,
      storeBytes: input.storeBytes ?? STORE_BYTES,
      sync: input.natsSync ?? "always",
    });
    stops.push(() => nats.stop());
    if (input.schema ?? true) await copySchemaInto(dir.path);
    const clickhouse = await startClickHouseServer({
      home: dir.path,
      host: "127.0.0.1",
      port: await freePort(),
      password: "",
      fsync: input.clickhouseFsync ?? false,
    });
    stops.push(() => clickhouse.stop());
    const natsOwnUrl = nats.url.replace("//", `//${nats.login.user}:${nats.login.password}@`);
    const pids = { natsPid: nats.pid, clickhousePid: clickhouse.pid };
    return { natsUrl: nats.url, natsOwnUrl, clickhouseUrl: clickhouse.url, home: dir.path, ...pids, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
