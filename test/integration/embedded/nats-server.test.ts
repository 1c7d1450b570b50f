import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { startNatsServer } from "../../../src/embedded/nats-server.ts";
import { ensureStreams } from "../../../src/stream/ensure-streams.ts";
import { connectNats } from "../../../src/stream/connect.ts";
import { freePort } from "../../support/free-port.ts";
import { tempDir } from "../../support/temp-dir.ts";

const STORE_BYTES = 256 * 1024 * 1024;
const LIMITS = { usageBytesMax: 16 * 1024 * 1024, journalBytesMax: 16 * 1024 * 1024, messageBytesMax: 1024 * 1024 };

// Guarantee: one producer always meets the same writer, whatever further tokens its subjects have.
test("with several shards a producer's subjects all land in one stream", async () => {
  const dir = await tempDir("nats-shards");
  const server = await startNatsServer({ home: dir.path, port: await freePort(), shards: 3, storeBytes: STORE_BYTES });
  const nats = await connectNats({ url: server.url, name: "test" });
  await ensureStreams(nats, { shards: 3, ...LIMITS });
  const streams = new Set<string>();
  for (const producer of ["a", "b", "gateway~2Feu", "d", "e", "f"]) {
    const acks = await Promise.all(
      ["", ".x", ".x.y.z"].map((rest) => nats.js.publish(`usage.${producer}${rest}`, "{}")),
    );
    expect(new Set(acks.map((ack) => ack.stream)).size).toBe(1);
    streams.add(acks[0]?.stream ?? "");
  }
  expect(streams.size).toBeGreaterThan(1);
  await nats.close();
  await server.stop();
  await dir.remove();
});

test("what was acknowledged is there after kill -9, and the next start goes on", async () => {
  const dir = await tempDir("nats-kill");
  const port = await freePort();
  const first = await startNatsServer({ home: dir.path, port, shards: 1, storeBytes: STORE_BYTES });
  const nats = await connectNats({ url: first.url, name: "test" });
  await ensureStreams(nats, { shards: 1, ...LIMITS });
  for (let i = 0; i < 50; i += 1) await nats.js.publish("usage.a", `{"i":${i}}`);
  process.kill(first.pid, "SIGKILL");
  await first.exited;
  const second = await startNatsServer({ home: dir.path, port, shards: 1, storeBytes: STORE_BYTES });
  const plain = await connect({ servers: second.url });
  const info = await (await jetstreamManager(plain)).streams.info("USAGE_0");
  expect(info.state.messages).toBe(50);
  expect((await jetstream(plain).publish("usage.b", "{}")).seq).toBe(51);
  await plain.close();
  await nats.close();
  await second.stop();
  await dir.remove();
});

// Guarantee: the server that a killed Meterline leaves behind is ended by the next start, and nothing is lost with it.
test("a start after kill -9 of the parent ends the server that was left", async () => {
  const dir = await tempDir("nats-orphan");
  const port = await freePort();
  const input = JSON.stringify({ home: dir.path, port, shards: 1, storeBytes: STORE_BYTES });
  const script = `import { startNatsServer } from ${JSON.stringify(new URL("../../../src/embedded/nats-server.ts", import.meta.url).href)};
    const server = await startNatsServer(${input});
    process.stdout.write(String(server.pid), () => process.kill(process.pid, "SIGKILL"));`;
  const parent = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  const orphan = Number(parent.stdout);
  expect(parent.signal).toBe("SIGKILL");
  expect(process.kill(orphan, 0)).toBe(true);
  const lines: string[] = [];
  const next = await startNatsServer({
    home: dir.path,
    port,
    shards: 1,
    storeBytes: STORE_BYTES,
    log: (line) => lines.push(line),
  });
  expect(next.pid).not.toBe(orphan);
  expect(lines.join()).toContain(String(orphan));
  await next.stop();
  await dir.remove();
});

test("a busy port and a directory in use are told by the setting that mends them", async () => {
  const dir = await tempDir("nats-busy");
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  const busy = typeof address === "object" && address !== null ? address.port : 0;
  const start = (port: number) => startNatsServer({ home: dir.path, port, shards: 1, storeBytes: STORE_BYTES });
  await expect(start(busy)).rejects.toMatchObject({
    code: "PORT_IN_USE",
    message: expect.stringContaining("METERLINE_NATS_PORT") as string,
  });
  other.close();
  const server = await start(await freePort());
  await expect(start(await freePort())).rejects.toMatchObject({
    code: "DIRECTORY_IN_USE",
    message: expect.stringContaining("METERLINE_HOME") as string,
  });
  await server.stop();
  await dir.remove();
});
