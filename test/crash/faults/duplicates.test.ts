/** Repetitions of every kind, and identities that come again with another body: of each identity one event counts, once, in every view. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { nanos } from "@nats-io/transport-node";
import { systemClock } from "../../../cmd/system-clock.ts";
import {
  expectBooksAgree,
  expectCountedOnce,
  expectTamperingFound,
  untilAllStored,
} from "../../support/faults/expect-counted-once.ts";
import { openFaultWorld, type FaultWorld, type RunningSink } from "../../support/faults/fault-world.ts";
import { Ledger } from "../../support/faults/ledger.ts";
import type { MeantEvent } from "../../support/faults/meant-event.ts";
import { seededRandom } from "../../support/faults/random.ts";
import { connectNats } from "../../../src/stream/connect.ts";

const SEED = 20_261_104;
const REPETITIONS = 10;
/** The server's shortest: 100 ms. */
const WINDOW_MS = 150;

let world: FaultWorld;
let ledger: Ledger;
let sink: RunningSink;

beforeAll(async () => {
  world = await openFaultWorld({ name: "duplicates", shards: 2 });
  for (let shard = 0; shard < world.shards; shard += 1)
    await world.services.nats.jsm.streams.update(`USAGE_${shard}`, { duplicate_window: nanos(WINDOW_MS) });
  ledger = new Ledger(seededRandom(SEED));
  sink = world.startSink();
});

afterAll(async () => {
  await sink?.drain();
  await world?.stop();
});

async function expectExact(): Promise<void> {
  await untilAllStored(world.services);
  await expectBooksAgree({ services: world.services, ledger });
}

function idOf({ source, id }: MeantEvent): string {
  return `${source}/${id}`;
}

async function repeat(count: number, send: (attempt: number) => Promise<unknown>): Promise<void> {
  for (let attempt = 0; attempt < count; attempt += 1) await send(attempt);
}

// Guarantee: JetStream's window only spares work; what it lets through is recognised, and what it drops was stored.
test("every event ten times, inside and outside of JetStream's window", async () => {
  const { nats } = world.services;
  let dropped = 0;
  for (const event of ledger.freshMany(8)) {
    await repeat(REPETITIONS, async (attempt) => {
      if (attempt === REPETITIONS / 2) await systemClock.sleep(WINDOW_MS * 2);
      if (!(await ledger.send(nats, [event], { msgID: idOf(event) }))) dropped += 1;
    });
  }
  expect(dropped).toBeGreaterThan(0);
  await expectExact();
});

test("every event ten times without a message id, in one message and across messages", async () => {
  const { nats } = world.services;
  const events = ledger.freshMany(6, { source: "gw0" });
  await ledger.send(
    nats,
    events.flatMap((event) => [event, event]),
  );
  await repeat(4, () => ledger.send(nats, events));
  for (const event of events) await repeat(4, () => ledger.send(nats, [event]));
  await expectExact();
});

test("another timestamp, across the turn of a day and of a month: the first one counts, in its window", async () => {
  const { nats } = world.services;
  const turns = [
    "2026-03-31T23:59:59.999999999Z",
    "2026-04-01T00:00:00Z",
    "2026-02-14T23:59:59Z",
    "2026-02-15T00:00:00Z",
  ];
  for (const [index, time] of turns.entries()) {
    const event = ledger.fresh({ time });
    await ledger.send(nats, [event]);
    await ledger.send(nats, [{ ...event, time: turns[(index + 1) % turns.length] ?? time }]);
    const { time: _none, ...untimed } = event;
    await ledger.send(nats, [untimed]);
  }
  await expectExact();
});

test("the same identity with another body is a conflict, however often and from wherever it comes", async () => {
  const { nats } = world.services;
  const event = ledger.fresh({ tokens: "0.1" });
  const others = [
    { tokens: "0.2" },
    { model: "other" },
    { user: "other" },
    { customer: event.customer === "acme" ? "globex" : "acme" },
  ];
  await ledger.send(nats, [event, ...others.map((other) => ({ ...event, ...other }))]);
  for (const other of others) await repeat(2, () => ledger.send(nats, [{ ...event, ...other }]));
  // Written otherwise: nothing here decides that two spellings of a number are one.
  await ledger.send(nats, [{ ...event, tokens: "1e-1" }]);
  await ledger.send(nats, [{ ...event, tokens: "0.1000000000000000000000" }]);
  await expectExact();
});

test("two producers at once with the same events", async () => {
  const clients = await Promise.all(["one", "two"].map((name) => connectNats({ url: world.nats.url, name })));
  const events = Array.from({ length: 30 }, () => ledger.fresh());
  await Promise.all(clients.flatMap((client) => events.map((event) => ledger.send(client, [event]))));
  await Promise.all(clients.map((client) => client.close()));
  await expectExact();
});

// Guarantee: an identity is known by what is stored, not by what a process or a server remembers.
test("after restarts of the sink, of nats-server and of ClickHouse", async () => {
  const { nats } = world.services;
  const events = Array.from({ length: 20 }, () => ledger.fresh());
  for (const event of events) await ledger.send(nats, [event], { msgID: idOf(event) });
  await untilAllStored(world.services);
  await sink.drain();
  await world.nats.kill();
  await world.clickhouse.kill();
  await Promise.all([world.nats.start(), world.clickhouse.start()]);
  const deadline = Date.now() + 20_000;
  sink = world.startSink();
  for (const event of events) {
    await ledger.sendUntilStored(nats, [event], deadline);
    await ledger.sendUntilStored(nats, [{ ...event, tokens: `${event.tokens}1`.slice(0, -2) + "7" }], deadline);
  }
  await expectExact();
});

// Guarantee: there is no age beyond which an identity is forgotten. Ninety days are simulated by what is stored: the identities of a stream
// that was created long ago, with nothing of them left in JetStream's window or in the sink's memory.
test("ninety days later", async () => {
  const { nats, clickhouse } = world.services;
  const events = Array.from({ length: 10 }, () => ledger.fresh({ time: "2026-01-05T10:00:00Z" }));
  for (const event of events) await ledger.send(nats, [event]);
  await untilAllStored(world.services);
  await sink.drain();
  for (const table of ["usage_events_raw", "event_keys", "usage_events"])
    await clickhouse.command({ sql: `OPTIMIZE TABLE meterline.${table} FINAL`, doing: "merging as time does" });
  sink = world.startSink();
  for (const event of events) {
    await ledger.send(nats, [{ ...event, time: "2026-04-05T10:00:00Z" }]);
    await ledger.send(nats, [{ ...event, time: "2026-04-05T10:00:00Z", user: "someone else" }]);
  }
  await expectExact();
});

test("all of it verifies, and a row that is tampered with is found", async () => {
  await sink.drain();
  await expectCountedOnce({ services: world.services, ledger });
  await expectTamperingFound(world.services);
  sink = world.startSink();
});
