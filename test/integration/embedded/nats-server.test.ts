import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { AppError } from "../../../src/kernel/errors.ts";
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

// Guarantee: producers can't bring rejected events in again, and a replay meets the writer of its producer.
test("only Meterline's own user reaches the subjects of replays", async () => {
  const dir = await tempDir("nats-users");
  const server = await startNatsServer({ home: dir.path, port: await freePort(), shards: 3, storeBytes: STORE_BYTES });
  const anybody = await connectNats({ url: server.url, name: "test" });
  const own = await connectNats({ url: server.url, name: "test", login: server.login });
  await ensureStreams(anybody, { shards: 3, ...LIMITS });
  for (const subject of ["quarantine.a.1.2.3.4", "usage_shard.0.quarantine.a.1.2.3.4"])
    await expect(anybody.js.publish(subject, "{}", { timeout: 500 })).rejects.toThrow();
  const streams = await Promise.all([0, 1, 2].map((shard) => own.jsm.streams.info(`USAGE_${shard}`)));
  expect(streams.map(({ state }) => state.messages)).toEqual([0, 0, 0]);
  for (const producer of ["a", "gateway~2Feu", "d", "e"]) {
    const usage = await anybody.js.publish(`usage.${producer}`, "{}");
    const replay = await own.js.publish(`quarantine.${producer}.1.2.3.4`, "{}");
    expect(replay.stream).toBe(usage.stream);
  }
  expect(statSync(join(dir.path, "nats/password")).mode & 0o077).toBe(0);
  expect(statSync(join(dir.path, "nats/nats-server.conf")).mode & 0o077).toBe(0);
  await expect(
    connectNats({ url: server.url, name: "test", login: { user: "meterline", password: "guessed" } }),
  ).rejects.toThrow(AppError);
  const url = server.url.replace("//", `//${server.login.user}:${server.login.password}@`);
  const byUrl = await connectNats({ url, name: "test" });
  await expect(byUrl.js.publish("quarantine.a.1.2.3.5", "{}")).resolves.toMatchObject({ duplicate: false });
  for (const nats of [anybody, own, byUrl]) await nats.close();
  await server.stop();
  await dir.remove();
});

test("a stream of an earlier release binds the subject of replays from then on, and one of somebody else is refused", async () => {
  const dir = await tempDir("nats-subjects");
  const server = await startNatsServer({ home: dir.path, port: await freePort(), shards: 1, storeBytes: STORE_BYTES });
  const nats = await connectNats({ url: server.url, name: "test" });
  await ensureStreams(nats, { shards: 1, ...LIMITS });
  await nats.jsm.streams.update("USAGE_0", { subjects: ["usage.>"] });
  await nats.js.publish("usage.a", "{}");
  await ensureStreams(nats, { shards: 1, ...LIMITS });
  const { config, state } = await nats.jsm.streams.info("USAGE_0");
  expect(config.subjects).toEqual(["usage.>", "quarantine.>"]);
  expect(state.messages).toBe(1);
  await nats.jsm.streams.update("USAGE_0", { subjects: ["usage.>", "other.>"] });
  await expect(ensureStreams(nats, { shards: 1, ...LIMITS })).rejects.toMatchObject({ code: "STREAM_UNSAFE" });
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
