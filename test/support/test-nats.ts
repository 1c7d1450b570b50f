/** A real nats-server and a connection to it for one test file that needs no ClickHouse: an own port, own data, all gone after `stop`. */
import { startNatsServer } from "../../src/embedded/nats-server.ts";
import { connectNats, type Nats } from "../../src/stream/connect.ts";
import { freePort } from "./free-port.ts";
import { tempDir } from "./temp-dir.ts";

const STORE_BYTES = 1024 ** 3;

export type TestNats = {
  readonly url: string;
  readonly home: string;
  readonly nats: Nats;
  readonly stop: () => Promise<void>;
};

export async function startTestNats(name: string): Promise<TestNats> {
  const dir = await tempDir(name);
  const server = await startNatsServer({ home: dir.path, port: await freePort(), shards: 1, storeBytes: STORE_BYTES });
  const nats = await connectNats({ url: server.url, name: "test" });
  return {
    url: server.url,
    home: dir.path,
    nats,
    stop: async () => {
      await nats.close();
      await server.stop();
      await dir.remove();
    },
  };
}
