import { headers } from "@nats-io/transport-node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { UsageStream } from "../../../src/app/ports.ts";
import { startNatsServer, type NatsServer } from "../../../src/embedded/nats-server.ts";
import { instantOf } from "../../../src/kernel/instant.ts";
import { connectNats, type Nats } from "../../../src/stream/connect.ts";
import { ensureStreams, type EnsureStreamsInput } from "../../../src/stream/ensure-streams.ts";
import { openReader } from "../../../src/stream/sequence-reader.ts";
import { openUsageStream } from "../../../src/stream/usage-stream.ts";
import { freePort } from "../../support/free-port.ts";
import { tempDir } from "../../support/temp-dir.ts";

const MIB = 1024 * 1024;
const SIZES: EnsureStreamsInput = {
  shards: 1,
  usageBytesMax: 128 * MIB,
  journalBytesMax: 8 * MIB,
  messageBytesMax: 8 * MIB,
};
/** With time enough for a busy machine; a take that names how much it expects ends when that is there. */
const TAKE = {
  messagesMax: 1_000,
  bytesMax: 4 * MIB,
  waitMs: 50,
  idleMs: 20_000,
  signal: new AbortController().signal,
};

let home: Awaited<ReturnType<typeof tempDir>>;
let port: number;
let server: NatsServer;
let nats: Nats;
const opened: UsageStream[] = [];

beforeEach(async () => {
  home = await tempDir("usage-stream");
  port = await freePort();
  await start();
  nats = await connectNats({ url: server.url, name: "test" });
  await ensureStreams(nats, SIZES);
});

afterEach(async () => {
  for (const stream of opened.splice(0)) await stream.close();
  await nats.close();
  await server.stop();
  await home.remove();
});

async function start(): Promise<void> {
  server = await startNatsServer({ home: home.path, port, shards: 1, storeBytes: 1024 * MIB });
}

async function open(prefetchBytesMax = 8 * MIB): Promise<UsageStream> {
  const stream = await openUsageStream(nats, { shard: 0, shards: 1, prefetchBytesMax });
  opened.push(stream);
  return stream;
}

async function publish(count: number, bytes = 10): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => nats.js.publish("usage.gw.x", "x".repeat(bytes))));
}

async function sequences(stream: UsageStream, from: number, upTo: number): Promise<readonly number[]> {
  const all: number[] = [];
  while (from + all.length <= upTo) {
    const taken = await stream.take({ ...TAKE, from: from + all.length });
    if (taken.length === 0) break;
    all.push(...taken.map((message) => message.seq));
  }
  return all;
}

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

describe("taking", () => {
  test("gives messages in order with subject, body and the stream's time", async () => {
    await publish(3);
    const [first, second] = await (await open()).take({ ...TAKE, from: 1, messagesMax: 3, waitMs: 20_000 });
    expect(first).toMatchObject({ seq: 1, subject: "usage.gw.x" });
    expect(Buffer.from(first?.body ?? []).toString()).toBe("x".repeat(10));
    const stored = await nats.jsm.streams.getMessage("USAGE_0", { seq: 1 });
    expect(first?.ingestedAt).toBe(instantOf(stored?.timestamp ?? "", "time"));
    expect((second?.ingestedAt ?? 0n) >= (first?.ingestedAt ?? 0n)).toBe(true);
  });

  test("ends at the limits, and the rest stays for the next", async () => {
    await publish(10, 1_000);
    const stream = await open();
    const patient = { ...TAKE, waitMs: 20_000 };
    expect((await stream.take({ ...patient, from: 1, messagesMax: 4 })).map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect((await stream.take({ ...patient, from: 3, bytesMax: 3_000 })).map(({ seq }) => seq)).toEqual([3, 4]);
    expect(await sequences(stream, 5, 10)).toEqual(range(5, 10));
  });

  test("waits for the first message, then only as long as it is told", async () => {
    const stream = await open();
    expect(await stream.take({ ...TAKE, from: 1, idleMs: 30 })).toEqual([]);
    const taking = stream.take({ ...TAKE, from: 1 });
    await publish(1);
    expect((await taking).map(({ seq }) => seq)).toEqual([1]);
  });

  test("ends at once when it is aborted", async () => {
    const abort = new AbortController();
    const taking = (await open()).take({ ...TAKE, from: 1, idleMs: 60_000, signal: abort.signal });
    abort.abort();
    expect(await taking).toEqual([]);
  });

  test("tells binary mode, in any case, from other headers", async () => {
    for (const name of ["CE-Type", "content-type"]) {
      const sent = headers();
      sent.set(name, "x");
      await nats.js.publish("usage.gw", "{}", { headers: sent });
    }
    const taken = await (await open()).take({ ...TAKE, from: 1, messagesMax: 2, waitMs: 20_000 });
    expect(taken.map((message) => message.binaryMode ?? false)).toEqual([true, false]);
  });

  test("a message larger than the buffer still comes through", async () => {
    await publish(2, 100_000);
    expect(await sequences(await open(65_536), 1, 2)).toEqual([1, 2]);
  });

  // Guarantee: what is read ahead stays bounded, however much the stream holds.
  test("reads ahead no more than its buffer", async () => {
    await publish(200, 10_000);
    const stream = await open(200_000);
    await stream.take({ ...TAKE, from: 1, messagesMax: 5 });
    await expect.poll(async () => (await delivered()) > 5).toBe(true);
    expect(await delivered()).toBeLessThan(25);
    expect(await sequences(stream, 1, 200)).toEqual(range(1, 200));
  });

  async function delivered(): Promise<number> {
    return (await nats.jsm.consumers.info("USAGE_0", "sink")).delivered.stream_seq;
  }
});

describe("position", () => {
  // Guarantee: what a dead reader had been given comes again at once, without waiting for its acknowledgement to expire.
  test("messages given to a reader that died are read by sequence", async () => {
    await publish(50);
    const dead = await connectNats({ url: server.url, name: "dead" });
    const reader = await openUsageStream(dead, { shard: 0, shards: 1, prefetchBytesMax: 8 * MIB });
    await reader.take({ ...TAKE, from: 1 });
    await dead.connection.close();
    await reader.close();
    const next = await open();
    expect(await sequences(next, 21, 50)).toEqual(range(21, 50));
    await publish(5);
    expect(await sequences(next, 51, 55)).toEqual(range(51, 55));
    await next.ackAll(55);
    // The server has the acknowledgement when it answers, and carries it out when it likes.
    await expect
      .poll(() => nats.jsm.consumers.info("USAGE_0", "sink"), { timeout: 10_000 })
      .toMatchObject({ num_ack_pending: 0, ack_floor: { stream_seq: 55 } });
  });

  // Guarantee: a reader that was paused, and still asks for messages when its successor is there, keeps nothing from it.
  test("messages given to a reader that lives on come as well", async () => {
    await publish(50);
    await (await open()).take({ ...TAKE, from: 1 });
    const next = await open();
    expect(await sequences(next, 21, 50)).toEqual(range(21, 50));
    await publish(5);
    expect((await next.take({ ...TAKE, from: 51 }))[0]?.seq).toBe(51);
    expect(await sequences(next, 52, 55)).toEqual(range(52, 55));
  });

  test("what lies before the position is dropped", async () => {
    await publish(30);
    expect(await sequences(await open(), 11, 30)).toEqual(range(11, 30));
  });

  test("a consumer that somebody deleted is made again", async () => {
    await publish(5);
    const stream = await open();
    expect(await sequences(stream, 1, 5)).toEqual(range(1, 5));
    await nats.jsm.consumers.delete("USAGE_0", "sink");
    await publish(5);
    expect(await sequences(stream, 6, 10)).toEqual(range(6, 10));
  });

  test("goes on after the server was killed", async () => {
    await publish(10);
    const stream = await open();
    expect(await sequences(stream, 1, 10)).toEqual(range(1, 10));
    process.kill(server.pid, "SIGKILL");
    await server.exited;
    await start();
    await expect.poll(() => nats.connection.rtt().catch(() => -1), { timeout: 10_000 }).toBeGreaterThanOrEqual(0);
    await publish(10);
    expect(await sequences(stream, 11, 20)).toEqual(range(11, 20));
  });

  // Guarantee: a message that is gone without being stored is an error, never skipped.
  test("a hole is an error that names the message", async () => {
    await publish(10);
    await nats.jsm.streams.update("USAGE_0", { deny_delete: false }).catch(() => undefined);
    await nats.jsm.streams.purge("USAGE_0", { seq: 6 });
    await expect(sequences(await open(), 3, 10)).rejects.toMatchObject({ code: "STREAM_HOLE", kind: "broken" });
    await expect((await open()).range({ first: 4, last: 7 })).rejects.toThrow(
      /Message 4 of the stream USAGE_0 is gone/,
    );
  });

  // Guarantee: new messages under old sequences are never taken for messages that are stored already.
  test("a stream that begins again under a reader is an error", async () => {
    await publish(10);
    const stream = await open();
    expect(await sequences(stream, 1, 10)).toEqual(range(1, 10));
    await nats.jsm.streams.delete("USAGE_0");
    await ensureStreams(nats, SIZES);
    await publish(3);
    const waiting = stream.take({ ...TAKE, from: 11 });
    await expect(waiting).rejects.toMatchObject({
      code: expect.stringMatching(/^(STREAM_WENT_BACK|JETSTREAM_10059)$/) as string,
      kind: "broken",
    });
  });

  // Guarantee: what a reader did not get is not taken for gone.
  test("an answer that was given up in the middle is read on", async () => {
    await publish(50);
    const reader = await openReader(nats, { stream: "USAGE_0", from: 1 });
    const seqs: number[] = [];
    const read = (goesOn: () => boolean): Promise<number> =>
      reader.read({
        ...{ messagesMax: Math.min(30, 50 - seqs.length), bytesMax: 0, signal: TAKE.signal },
        onMessage: ({ seq }) => {
          seqs.push(seq);
          return goesOn();
        },
      });
    await read(() => seqs.length < 10);
    while (seqs.length < 50) await read(() => true);
    await reader.close();
    expect(seqs).toEqual(range(1, 50));
  });

  test("a range is read whole", async () => {
    await publish(30);
    expect((await (await open()).range({ first: 7, last: 25 })).map(({ seq }) => seq)).toEqual(range(7, 25));
  });
});

describe("the streams", () => {
  test("are made again without change, and grow with their settings", async () => {
    await ensureStreams(nats, { ...SIZES, usageBytesMax: 160 * MIB });
    const { config } = await nats.jsm.streams.info("USAGE_0");
    expect(config).toMatchObject({
      max_bytes: 160 * MIB,
      discard: "new",
      retention: "limits",
      max_age: 0,
      deny_delete: true,
      allow_rollup_hdrs: false,
      subjects: ["usage.>", "quarantine.>"],
    });
    expect((await nats.jsm.streams.info("JOURNAL")).config).toMatchObject({
      deny_delete: true,
      deny_purge: true,
      subjects: ["journal"],
    });
  });

  test("a stream that would drop messages is refused by name", async () => {
    await nats.jsm.streams.update("USAGE_0", { max_age: 3_600_000_000_000 });
    await expect(ensureStreams(nats, SIZES)).rejects.toThrow(/USAGE_0 could lose messages: it drops messages by age/);
  });
});
