import { StorageType } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectNats, type Nats } from "../../../src/stream/connect.ts";
import { createPublisher, type OutgoingMessage } from "../../../src/stream/publisher.ts";
import { collectGarbage } from "../../support/collect-garbage.ts";
import { linkTo } from "../../support/faults/faulty-link.ts";
import { until } from "../../support/meterline-process.ts";
import { startTestNats, type TestNats } from "../../support/test-nats.ts";

const DEADLINE_MS = 20_000;
const BODY_BYTES = 1_000;

let server: TestNats;
let nats: Nats;

beforeAll(async () => {
  server = await startTestNats("publisher");
  nats = server.nats;
});

afterAll(() => server.stop());

function message(name: string, number: number): OutgoingMessage {
  const body = Buffer.alloc(BODY_BYTES, String(number).padStart(6, "0"));
  return { subject: `${name}.${String(number % 3)}`, body, msgId: `${name}/${String(number)}` };
}

async function makeStream(name: string, maxBytes = -1): Promise<void> {
  await nats.jsm.streams.add({
    name,
    subjects: [`${name}.>`],
    storage: StorageType.File,
    discard: "new",
    max_bytes: maxBytes,
  });
}

async function storedIn(name: string): Promise<number> {
  return (await nats.jsm.streams.info(name)).state.messages;
}

describe("createPublisher", () => {
  // Guarantee: what flush has awaited is stored, in order, once; a repetition is told apart.
  test("stores everything once, also when it is sent again", async () => {
    await makeStream("plain");
    let duplicates = 0;
    const publisher = createPublisher(nats, {
      windowMessages: 50,
      ackTimeoutMs: 5_000,
      onStored: (_message, { duplicate }) => {
        duplicates += duplicate ? 1 : 0;
      },
    });
    for (let number = 0; number < 1_000; number += 1) await publisher.publish(message("plain", number));
    await publisher.flush();
    expect(await storedIn("plain")).toBe(1_000);
    for (let number = 0; number < 100; number += 1) await publisher.publish(message("plain", number));
    await publisher.close();
    expect(duplicates).toBe(100);
    expect(await storedIn("plain")).toBe(1_000);
  });

  // Guarantee: a full stream is waited for, aloud; nothing is given up, nothing sent twice.
  test("waits while the stream is full and goes on when there is room", async () => {
    await makeStream("full", 50 * BODY_BYTES);
    const refusals: string[] = [];
    const publisher = createPublisher(nats, {
      windowMessages: 10,
      ackTimeoutMs: 400,
      onRefused: (reason) => refusals.push(reason),
    });
    const all = (async () => {
      for (let number = 0; number < 200; number += 1) await publisher.publish(message("full", number));
      await publisher.close();
    })();
    await until("the stream refuses", DEADLINE_MS, () => (refusals.length > 0 ? true : undefined));
    expect(await storedIn("full")).toBeLessThan(50);
    await nats.jsm.streams.update("full", { max_bytes: 1024 * 1024 });
    await all;
    expect(await storedIn("full")).toBe(200);
    expect(refusals[0]).toContain("maximum bytes");
  });

  // Guarantee: a message that no stream takes is not lost without a sign; it is stored as soon as one does.
  test("waits for a stream that takes the subject", async () => {
    const refusals: string[] = [];
    const publisher = createPublisher(nats, {
      windowMessages: 10,
      ackTimeoutMs: 400,
      onRefused: (reason) => refusals.push(reason),
    });
    await publisher.publish(message("later", 1));
    await until("nobody takes it", DEADLINE_MS, () => (refusals.length > 0 ? true : undefined));
    expect(refusals[0]).toContain("no stream");
    await makeStream("later");
    await publisher.close();
    expect(await storedIn("later")).toBe(1);
  });

  test("rejects what the server will never take, and says why", async () => {
    await nats.jsm.streams.add({ name: "small", subjects: ["small.>"], max_msg_size: 10 });
    const publisher = createPublisher(nats, { windowMessages: 10, ackTimeoutMs: 400 });
    await publisher.publish(message("small", 1));
    await expect(publisher.close()).rejects.toMatchObject({ kind: "invalid" });
  });

  // Guarantee: a connection that goes on holds nothing of a publisher that has ended, nor what its hooks hold.
  test("is let go by its connection once it has ended", async () => {
    await makeStream("ended");
    const hold = async (): Promise<WeakRef<object>> => {
      const rows = { stored: 0 };
      const onStored = (): void => {
        rows.stored += 1;
      };
      const publisher = createPublisher(nats, { windowMessages: 10, ackTimeoutMs: 5_000, onStored });
      publisher.send(message("ended", 1));
      await publisher.close();
      return new WeakRef(rows);
    };
    const held = await Promise.all([hold(), hold(), hold()]);
    await until("their hooks are garbage", DEADLINE_MS, () => {
      collectGarbage();
      return held.every((each) => each.deref() === undefined) ? true : undefined;
    });
    expect(held.map((each) => each.deref())).toEqual([undefined, undefined, undefined]);
    expect(nats.connection.isClosed()).toBe(false);
  });

  // Guarantee: memory is used again only when the client can't still write from it: not if a second attempt may wait for a connection.
  test("calls a body free if its message went out once", async () => {
    await makeStream("free");
    const { url, link } = await linkTo(server.url);
    const linked = await connectNats({ url, name: "linked" });
    const freed: string[] = [];
    const publisher = createPublisher(linked, {
      windowMessages: 10,
      ackTimeoutMs: 200,
      onBodyFree: ({ msgId }) => freed.push(msgId),
    });
    await publisher.publish(message("free", 1));
    await publisher.flush();
    let arrived = 0;
    const copies = nats.connection.subscribe("free.*", {
      callback: () => {
        arrived += 1;
      },
    });
    await nats.connection.flush();
    link.swallowAnswers();
    await publisher.publish(message("free", 2));
    await until("the message comes again", DEADLINE_MS, () => (arrived >= 2 ? true : undefined));
    link.heal();
    await publisher.close();
    expect(freed).toEqual(["free/1"]);
    expect(await storedIn("free")).toBe(2);
    copies.unsubscribe();
    await linked.close();
    await link.close();
  });

  // Guarantee: a loop that takes every room there is reads acknowledgements meanwhile; it does not fill its window first.
  test("has no more room than a turn of the event loop should bring", async () => {
    await makeStream("turns");
    let rooms = 0;
    const onRoom = (): void => {
      rooms += 1;
    };
    const publisher = createPublisher(nats, { windowMessages: 100_000, ackTimeoutMs: 5_000, onRoom });
    let sent = 0;
    while (publisher.hasRoom()) publisher.send(message("turns", sent++));
    expect(sent).toBe(Math.ceil((1024 * 1024) / BODY_BYTES));
    expect(rooms).toBe(0);
    await new Promise<void>((turned) => setImmediate(turned));
    expect(rooms).toBeGreaterThan(0);
    expect(publisher.hasRoom()).toBe(true);
    await publisher.close();
    expect(await storedIn("turns")).toBe(sent);
  });
});
