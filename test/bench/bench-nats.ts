/** A nats-server alone, for what needs no ClickHouse: the embedded one's own configuration, with a usage stream. */
import { startNatsServer } from "../../src/embedded/nats-server.ts";
import { connectNats, type Nats } from "../../src/stream/connect.ts";
import { ensureStreams } from "../../src/stream/ensure-streams.ts";
import { freePort } from "../support/free-port.ts";
import { tempDir } from "../support/temp-dir.ts";
import { requireEqual } from "./benchmark.ts";
import { USAGE_STREAM } from "./bench-world.ts";

export type BenchNats = {
  readonly url: string;
  readonly nats: Nats;
  /** Requires so many messages in the stream, and takes them away. */
  readonly takeAway: (messages: number) => Promise<void>;
  readonly stop: () => Promise<void>;
};

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

export async function startBenchNats(sync: "always" | "interval"): Promise<BenchNats> {
  const dir = await tempDir("bench-nats");
  const server = await startNatsServer({
    home: dir.path,
    port: await freePort(),
    shards: 1,
    storeBytes: 16 * GIB,
    sync,
  });
  const nats = await connectNats({ url: server.url, name: "bench", login: server.login });
  await ensureStreams(nats, {
    shards: 1,
    usageBytesMax: 12 * GIB,
    journalBytesMax: 16 * MIB,
    messageBytesMax: 8 * MIB,
  });
  return {
    url: server.url,
    nats,
    takeAway: async (messages) => {
      const { state } = await nats.jsm.streams.info(USAGE_STREAM);
      requireEqual("messages in the stream", state.messages, messages);
      await nats.jsm.streams.purge(USAGE_STREAM);
    },
    stop: async () => {
      await nats.close();
      await server.stop();
      await dir.remove();
    },
  };
}
