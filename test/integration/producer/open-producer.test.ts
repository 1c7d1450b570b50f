import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startNatsServer } from "../../../src/embedded/nats-server.ts";
import { openProducer } from "../../../src/producer/open-producer.ts";
import type { EventFate, ProducerEvent, ProducerOptions } from "../../../src/producer/producer-types.ts";
import { connectNats, type Nats } from "../../../src/stream/connect.ts";
import { linkTo, type FaultyLink } from "../../support/faults/faulty-link.ts";
import { serverControl, type ServerControl } from "../../support/faults/server-control.ts";
import { freePort } from "../../support/free-port.ts";
import { until } from "../../support/meterline-process.ts";
import { makePlainStream, PLAIN_STREAM, storedEvents } from "../../support/plain-stream.ts";
import { tempDir, type TempDir } from "../../support/temp-dir.ts";

const DEADLINE_MS = 60_000;
const EVENTS = 3_000;

let dir: TempDir;
let server: ServerControl;
let nats: Nats;
let link: { readonly url: string; readonly link: FaultyLink };

beforeAll(async () => {
  dir = await tempDir("producer");
  const port = await freePort();
  server = await serverControl(() => startNatsServer({ home: dir.path, port, shards: 1, storeBytes: 1024 ** 3 }));
  nats = await connectNats({ url: server.url, name: "test" });
  link = await linkTo(server.url);
});

afterAll(async () => {
  await link.link.close();
  await nats.close();
  await server.stop();
  await dir.remove();
});

beforeEach(async () => {
  await nats.jsm.streams.delete(PLAIN_STREAM).catch(() => undefined);
});

function event(n: number, source = `gw${n % 3}`): ProducerEvent {
  return { id: `e${n}`, source, type: "t", subject: "acme", n };
}

/** A producer that remembers every fate. */
async function remembering(url: string, options: ProducerOptions = {}) {
  const fates: EventFate[] = [];
  const troubles: string[] = [];
  const producer = await openProducer(
    { url },
    { ...options, onFate: (fate) => fates.push(fate), onTrouble: (trouble) => troubles.push(trouble) },
  );
  return { producer, fates, troubles };
}

function named({ source, id }: { readonly source: string; readonly id: string }): string {
  return `${source}/${id}`;
}

/** Each of so many events has one fate, and it is one of these. */
function expectOneFateEach(fates: readonly EventFate[], events: number, outcomes: readonly string[]): void {
  expect(fates.map(named).sort()).toEqual(Array.from({ length: events }, (_, n) => named(event(n))).sort());
  expect(fates.filter(({ outcome }) => !outcomes.includes(outcome))).toEqual([]);
}

async function expectStoredOnce(events: number): Promise<void> {
  const stored = await storedEvents(nats);
  expect(stored.map(named).sort()).toEqual(Array.from({ length: events }, (_, n) => named(event(n))).sort());
}

describe("openProducer", () => {
  // Guarantee: every event is stored once, in its source's message, and its fate says where.
  test("packs events by source and says of each where it lies", async () => {
    await makePlainStream(nats);
    const { producer, fates } = await remembering(server.url, { eventsPerMessage: 10, lingerMs: Infinity });
    for (let n = 0; n < 95; n += 1) await producer.send(event(n));
    const counts = await producer.close();
    expect(counts).toMatchObject({ accepted: 95, acked: 95, duplicate: 0, failed: 0, underWay: 0, messages: 12 });
    expectOneFateEach(fates, 95, ["acked"]);
    for (const fate of fates.slice(0, 12)) {
      if (fate.outcome !== "acked") continue;
      const message = await nats.jsm.streams.getMessage(PLAIN_STREAM, { seq: fate.seq });
      expect(message?.subject).toBe(`usage.${fate.source}`);
      expect(message?.json<ProducerEvent[]>()[fate.position]).toMatchObject({ id: fate.id, source: fate.source });
    }
    await expect(producer.send(event(1))).rejects.toMatchObject({ code: "PRODUCER_CLOSED" });
  });

  // Guarantee: one by one, a message has the id that any client would give it; sent by another run it is a duplicate, and stored once.
  test("gives single events the id of source and id", async () => {
    await makePlainStream(nats);
    for (const outcome of ["acked", "duplicate"]) {
      const { producer, fates } = await remembering(server.url, { eventsPerMessage: 1 });
      for (let n = 0; n < 20; n += 1) await producer.send(event(n));
      await producer.close();
      expectOneFateEach(fates, 20, [outcome]);
    }
    expect((await storedEvents(nats)).map(({ msgId }) => msgId)).toContain("gw0/e0");
    await expectStoredOnce(20);
  });

  test("sends what waits after the linger without being asked", async () => {
    await makePlainStream(nats);
    const { producer, fates } = await remembering(server.url, { lingerMs: 20 });
    await producer.send(event(0));
    await until("the event is acknowledged", DEADLINE_MS, () => (fates.length === 1 ? true : undefined));
    await producer.close();
  });

  // Guarantee: back-pressure; more than the window is never under way, however fast events are handed in.
  test("waits when the window is full", async () => {
    await makePlainStream(nats);
    link.link.swallowAnswers();
    const { producer, fates } = await opened({ eventsPerMessage: 1, windowMessages: 8, ackTimeoutMs: 300 });
    let taken = 0;
    const all = Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        await producer.send(event(n));
        taken += 1;
      }),
    );
    await until("the window is full", DEADLINE_MS, () => (taken === 8 ? true : undefined));
    expect(producer.counts()).toMatchObject({ accepted: 8, underWay: 8 });
    link.link.heal();
    await all;
    await producer.close();
    expectOneFateEach(fates, 200, ["acked", "duplicate"]);
    await expectStoredOnce(200);
  });

  // Guarantee: a server that dies and comes back, and connections that are cut, cost no event and double none; nor does memory that one body leaves to another.
  test("delivers everything once across kill -9 of the server and resets of the connection", async () => {
    await makePlainStream(nats);
    const padding = "x".repeat(1_000);
    const { producer, fates } = await remembering(link.url, {
      eventsPerMessage: 7,
      windowMessages: 20,
      ackTimeoutMs: 500,
    });
    for (let n = 0; n < EVENTS; n += 1) {
      if (n === 500 || n === 2_500) link.link.reset();
      if (n === 1_000) void server.kill().then(() => server.start());
      if (n === 2_000) link.link.delay(2);
      await producer.send({ ...event(n), padding });
    }
    link.link.delay(0);
    await producer.close();
    expectOneFateEach(fates, EVENTS, ["acked", "duplicate"]);
    await expectStoredOnce(EVENTS);
  });

  // Guarantee: a stream that is full is waited for; nothing is given up, nothing doubled.
  test("waits for a full stream, and says so", async () => {
    await makePlainStream(nats, { max_bytes: 20_000 });
    const { producer, fates, troubles } = await remembering(server.url, { eventsPerMessage: 5, ackTimeoutMs: 400 });
    for (let n = 0; n < 500; n += 1) await producer.send(event(n));
    const closed = producer.close();
    await until("the stream refuses", DEADLINE_MS, () => (troubles.length > 0 ? true : undefined));
    expect(troubles[0]).toContain("maximum bytes");
    await nats.jsm.streams.update(PLAIN_STREAM, { max_bytes: 10_000_000 });
    await closed;
    expectOneFateEach(fates, 500, ["acked", "duplicate"]);
    await expectStoredOnce(500);
  });

  // Guarantee: at the deadline the fate is told, once, with what is known: that it is not known to be stored.
  test("fails what is not acknowledged by its deadline, and goes on", async () => {
    const { producer, fates } = await remembering(server.url, {
      eventsPerMessage: 4,
      ackTimeoutMs: 200,
      deadlineMs: 600,
    });
    for (let n = 0; n < 10; n += 1) await producer.send(event(n));
    const counts = await producer.flush();
    expect(counts).toMatchObject({ accepted: 10, failed: 10, underWay: 0 });
    expectOneFateEach(fates, 10, ["failed"]);
    expect(fates[0]).toMatchObject({ error: { code: "PUBLISH_DEADLINE", kind: "unavailable" } });
    await makePlainStream(nats);
    for (let n = 0; n < 10; n += 1) await producer.send(event(n));
    expect(await producer.close()).toMatchObject({ acked: 10, failed: 10 });
    await expectStoredOnce(10);
  });

  test("refuses an event that the server can't take, and fails one that the stream won't take", async () => {
    await makePlainStream(nats, { max_msg_size: 2_000 });
    const { producer, fates } = await remembering(server.url, { eventsPerMessage: 1 });
    const huge = { ...event(0), data: "x".repeat(8 * 1024 * 1024) };
    await expect(producer.send(huge)).rejects.toMatchObject({ code: "EVENT_TOO_LARGE" });
    await producer.send({ ...event(1), data: "x".repeat(3_000) });
    await producer.send(event(2));
    await producer.close();
    expect(new Map(fates.map((fate) => [fate.id, fate.outcome]))).toEqual(
      new Map([
        ["e1", "failed"],
        ["e2", "acked"],
      ]),
    );
    expect(fates).toHaveLength(2);
    expect(fates.find(({ id }) => id === "e1")).toMatchObject({ error: { code: "JETSTREAM_10054", kind: "invalid" } });
  });

  // Guarantee: an abort ends at once, and leaves no event without a fate.
  test("ends at an abort with a fate for everything taken", async () => {
    const abort = new AbortController();
    const { producer, fates } = await remembering(server.url, {
      eventsPerMessage: 1,
      windowMessages: 5,
      signal: abort.signal,
    });
    const sent = Promise.allSettled(Array.from({ length: 9 }, (_, n) => producer.send(event(n))));
    abort.abort();
    const results = await sent;
    expect(results.map(({ status }) => status)).toEqual([
      ...Array.from({ length: 5 }, () => "fulfilled"),
      ...Array.from({ length: 4 }, () => "rejected"),
    ]);
    expectOneFateEach(fates, 5, ["failed"]);
    expect(await producer.close()).toMatchObject({ accepted: 5, failed: 5, underWay: 0 });
  });

  // Guarantee: what an abort leaves in the spool is delivered by the next start, in the same messages.
  test("leaves what was taken in the spool, for the next start", async () => {
    const spool = { directory: `${dir.path}/spool` };
    const abort = new AbortController();
    const first = await remembering(server.url, { eventsPerMessage: 10, spool, signal: abort.signal });
    for (let n = 0; n < 25; n += 1) await first.producer.send(event(n, "gw"));
    abort.abort();
    await first.producer.close();
    expect(first.fates.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 25 }, () => "spooled"));
    await makePlainStream(nats);
    const second = await remembering(server.url, { eventsPerMessage: 10, spool });
    await second.producer.send(event(25, "gw"));
    const counts = await second.producer.close();
    expect(counts).toMatchObject({ accepted: 26, replayed: 25, acked: 26 });
    const stored = await storedEvents(nats);
    expect(stored.map(({ id }) => id)).toEqual(Array.from({ length: 26 }, (_, n) => `e${n}`));
    expect(new Set(stored.slice(0, 10).map(({ msgId }) => msgId)).size).toBe(1);
  });

  /** Through the link; a connection is there before its answers are swallowed. */
  async function opened(options: ProducerOptions) {
    link.link.heal();
    const producer = await remembering(link.url, options);
    link.link.swallowAnswers();
    return producer;
  }
});
