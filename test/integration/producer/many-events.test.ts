import { Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AppError } from "../../../src/kernel/errors.ts";
import { packMessage } from "../../../src/producer/event-packer.ts";
import { JetStreamProducer } from "../../../src/producer/jetstream-producer.ts";
import { openProducer } from "../../../src/producer/open-producer.ts";
import { producerLimits } from "../../../src/producer/producer-limits.ts";
import type { EventText } from "../../../src/producer/producer-types.ts";
import type { Spool } from "../../../src/producer/spool/open-spool.ts";
import type { Nats } from "../../../src/stream/connect.ts";
import { createFrameSender, FRAME_HEAD_BYTES, FRAME_TAIL_BYTES } from "../../../src/stream/publish-frame.ts";
import { makePlainStream, PLAIN_STREAM, storedEvents } from "../../support/plain-stream.ts";
import { startTestNats, type TestNats } from "../../support/test-nats.ts";

const HUNDRED = 100;

let server: TestNats;
let nats: Nats;

beforeAll(async () => {
  server = await startTestNats("many-events");
  nats = server.nats;
});

afterAll(() => server.stop());

beforeEach(async () => {
  await makePlainStream(nats);
});

function eventText(n: number, source = "gw"): EventText {
  const event = {
    specversion: "1.0",
    id: `e${n}`,
    source,
    type: "t",
    subject: "acme",
    data: { n, note: "é".repeat(40) },
  };
  return { source, id: event.id, text: JSON.stringify(event) };
}

const eventTexts = (events: number, source?: string): readonly EventText[] =>
  Array.from({ length: events }, (_, n) => eventText(n, source));

const idsUpTo = (events: number): readonly string[] => Array.from({ length: events }, (_, n) => `e${n}`);

async function storedIds(): Promise<readonly string[]> {
  return (await storedEvents(nats)).map(({ id }) => id);
}

describe("messages of many events", () => {
  // Guarantee: what is stored is the message as it was packed, whether its frame was made around it or by the library.
  test.each([
    ["gw", "in a frame around it"],
    [`gw/${"long".repeat(200)}`, "by the library, because its subject is too long for that"],
  ])("from %s are stored as they were packed", async (source) => {
    const texts = eventTexts(3 * HUNDRED, source);
    const producer = await openProducer(nats, { eventsPerMessage: HUNDRED, lingerMs: Infinity });
    await producer.sendTexts(texts);
    expect(await producer.flush()).toMatchObject({ accepted: 300, acked: 300, messages: 3 });
    for (let number = 0; number < 3; number += 1) {
      const packed = packMessage(texts.slice(number * HUNDRED, (number + 1) * HUNDRED), "");
      const stored = await nats.jsm.streams.getMessage(PLAIN_STREAM, { seq: number + 1 });
      expect(stored?.subject).toBe(packed.subject);
      expect(stored?.header.get("Nats-Msg-Id")).toBe(packed.msgId);
      expect(stored === null || Buffer.compare(stored.data, packed.body)).toBe(0);
    }
    // Once more, from memory that the messages before have left.
    await producer.sendTexts(texts);
    expect(await producer.close()).toMatchObject({ duplicate: 300, messages: 6, repeatedMessages: 3 });
  });

  // Guarantee: a release of the client library in which the short way is gone is noticed here, not by somebody who measures.
  test("this release of the client library takes whole frames", async () => {
    const body = Buffer.from(eventText(0).text);
    const memory = new Uint8Array(FRAME_HEAD_BYTES + body.length + FRAME_TAIL_BYTES);
    memory.set(body, FRAME_HEAD_BYTES);
    const { send } = createFrameSender(nats.connection);
    const framed = memory.subarray(FRAME_HEAD_BYTES, FRAME_HEAD_BYTES + body.length);
    expect(send({ subject: "usage.gw", msgId: "whole", body: framed, memory }, "acks.1")).toBe(true);
    const { protocol } = nats.connection as unknown as { protocol: { transport: { socket: object } } };
    expect(protocol.transport.socket).toBeInstanceOf(Socket);
    await nats.connection.flush();
    expect(await storedEvents(nats)).toMatchObject([{ id: "e0", msgId: "whole" }]);
  });
});

describe("sendAll and sendTexts", () => {
  test.each([{}, { spool: { sync: "process" } }, { spool: { sync: "disk" } }] as const)(
    "take all events in their order: %o",
    async (options) => {
      const { spool, ...rest } = options as { spool?: { sync: "process" | "disk" } };
      const directory = `${server.home}/spool-${spool?.sync ?? "none"}`;
      const producer = await openProducer(nats, {
        ...rest,
        ...(spool && { spool: { ...spool, directory } }),
        // Several turns at the gate.
        windowMessages: 4,
        eventsPerMessage: HUNDRED,
      });
      await producer.sendTexts(eventTexts(1_000));
      await producer.sendAll(
        Array.from({ length: 1_000 }, (_, n) => ({ id: `e${1_000 + n}`, source: "gw", type: "t", subject: "acme" })),
      );
      expect(await producer.close()).toMatchObject({ accepted: 2_000, acked: 2_000 });
      expect(await storedIds()).toEqual(idsUpTo(2_000));
    },
  );

  test("send nothing of nothing", async () => {
    const producer = await openProducer(nats);
    await producer.sendAll([]);
    expect(await producer.close()).toMatchObject({ accepted: 0 });
  });

  // Guarantee: the event that is named was not taken, nor any behind it; all before it are delivered.
  test("stop at the first event that is not taken", async () => {
    const producer = await openProducer(nats, { eventsPerMessage: 7, windowMessages: 2 });
    const good = Array.from({ length: 50 }, (_, n) => ({ id: `e${n}`, source: "gw", type: "t", subject: "acme" }));
    const bad = { ...good[0], id: "bad", type: "" } as (typeof good)[number];
    await expect(producer.sendAll([...good, bad, { ...bad, id: "behind", type: "t" }])).rejects.toMatchObject({
      code: "EVENT_INVALID",
    });
    expect(await producer.close()).toMatchObject({ accepted: 50, acked: 50 });
    expect(await storedIds()).toEqual(idsUpTo(50));
    await expect(producer.sendAll(good)).rejects.toMatchObject({ code: "PRODUCER_CLOSED" });
  });

  // Guarantee: programs that share a producer share its room; none waits until another has handed in everything.
  test("let others send meanwhile", async () => {
    const producer = await openProducer(nats, { eventsPerMessage: 10 });
    const order: string[] = [];
    const hundreds = (name: string): Iterable<EventText> =>
      (function* () {
        for (let n = 0; n < 10 * HUNDRED; n += 1) {
          order.push(name);
          yield { ...eventText(n), id: `${name}${n}` };
        }
      })();
    await Promise.all([producer.sendTexts(hundreds("a")), producer.sendTexts(hundreds("b"))]);
    expect(order.slice(0, 500)).toContain("b");
    expect(await producer.close()).toMatchObject({ acked: 2_000 });
  });

  // Guarantee: what the disk did not keep is said, also where a later event is wrong, and also while a later one waits for room.
  test.each([
    { when: "a later event is wrong", last: { ...eventText(200), id: "" }, room: Infinity },
    { when: "no later event is", last: eventText(200), room: Infinity },
    { when: "there is no room for a later one", last: eventText(200), room: 50 },
  ])("say that the spool did not keep an event when $when", async ({ last, room }) => {
    let isFull = (): boolean => number >= room;
    const failure = new AppError({ code: "SPOOL_FAILED", kind: "unavailable", message: "the disk is full" });
    let number = 0;
    const spool: Spool = {
      leftover: [],
      torn: undefined,
      append: () => (number += 1),
      written: () => new Promise((_done, failed) => setImmediate(failed, failure)),
      seal: () => undefined,
      settle: () => undefined,
      write: () => undefined,
      isFull: () => isFull(),
      close: () => undefined,
    };
    const options = { eventsPerMessage: 10 };
    const disconnect = (): Promise<void> => Promise.resolve();
    const producer = new JetStreamProducer({ nats, options, limits: producerLimits(options), spool, disconnect });
    await expect(producer.sendTexts([...eventTexts(HUNDRED), last])).rejects.toBe(failure);
    isFull = () => false;
    await producer.close();
  });
});
