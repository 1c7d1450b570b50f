import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startNatsServer, type NatsServer } from "../../src/embedded/nats-server.ts";
import { openProducer } from "../../src/producer/open-producer.ts";
import { connectNats, type Nats } from "../../src/stream/connect.ts";
import { seededRandom } from "../../cmd/demo/random.ts";
import { freePort } from "../support/free-port.ts";
import { makePlainStream, storedEvents } from "../support/plain-stream.ts";
import { tempDir, type TempDir } from "../support/temp-dir.ts";
import type { ProducerChildInput } from "./producer-child.ts";

const CHILD = new URL("producer-child.ts", import.meta.url).pathname;
const KILLS = 4;
const EVENTS_PER_RUN = 5_000;
const KILLED_WITHIN = 600;

let dir: TempDir;
let server: NatsServer;
let nats: Nats;

beforeAll(async () => {
  dir = await tempDir("producer-crash");
  server = await startNatsServer({ home: dir.path, port: await freePort(), shards: 1, storeBytes: 1024 ** 3 });
  nats = await connectNats({ url: server.url, name: "test" });
});

afterAll(async () => {
  await nats.close();
  await server.stop();
  await dir.remove();
});

/** Runs the program until it has taken so many events, kills it, and gives what it said it took. */
async function takenUntilKilled(input: ProducerChildInput, killAfter: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, [CHILD, JSON.stringify(input)], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    if (text.split("\n").length > killAfter) child.kill("SIGKILL");
  });
  await once(child, "close");
  return text.split("\n").slice(0, -1);
}

// Guarantee: whenever the program is killed, every event that the producer took reaches the stream after a restart, in the message it was in before.
test.each([
  { sync: "process" as const, eventsPerMessage: 10 },
  { sync: "process" as const, eventsPerMessage: 1 },
  { sync: "disk" as const, eventsPerMessage: 10 },
])("kill -9 at random loses and doubles nothing: $sync, $eventsPerMessage per message", async (options) => {
  await makePlainStream(nats);
  const random = seededRandom(options.eventsPerMessage + (options.sync === "disk" ? 1 : 0));
  const directory = `${dir.path}/spool-${options.sync}-${options.eventsPerMessage}`;
  const common = { ...options, url: server.url, directory, events: EVENTS_PER_RUN };
  const taken: string[] = [];
  for (let run = 0; run < KILLS; run += 1)
    taken.push(...(await takenUntilKilled({ ...common, run }, 1 + random.below(KILLED_WITHIN))));
  const last = await openProducer(
    { url: server.url },
    { eventsPerMessage: options.eventsPerMessage, spool: { directory } },
  );
  await last.close();
  const stored = await storedEvents(nats);
  const ids = stored.map(({ id }) => id);
  expect(taken.length).toBeGreaterThan(KILLS);
  expect(taken.filter((id) => !ids.includes(id))).toEqual([]);
  expect(ids.length).toBe(new Set(ids).size);
  expect(readdirSync(directory).filter((name) => name.endsWith(".spool"))).toEqual([]);
});
