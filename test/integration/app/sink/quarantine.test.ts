/** Rejected events kept, and brought in again, on real servers: counted once, with their first arrival, and by nobody but a replay. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SinkStore } from "../../../../src/app/ports.ts";
import { replayQuarantined, type ReplayMessage } from "../../../../src/app/quarantine/replay-quarantined.ts";
import type { QuarantineFilter, QuarantinedEvent } from "../../../../src/app/quarantine/quarantine-types.ts";
import { quarantineStore } from "../../../../src/clickhouse/quarantine-store.ts";
import { AppError } from "../../../../src/kernel/errors.ts";
import { present } from "../../../../src/kernel/assert.ts";
import { DEFAULT_EVENT_TIME_RANGE } from "../../../../src/metering/decode-context.ts";
import { compileMeteringCatalog, type MeteringCatalog } from "../../../../src/metering/metering-catalog.ts";
import { connectNats, type Nats } from "../../../../src/stream/connect.ts";
import { catalogOf } from "../../../support/catalog-of.ts";
import { startTestServers, type TestServers } from "../../../support/servers.ts";
import {
  openSinkWorld,
  startSink,
  untilStored,
  type RunningSink,
  type SinkWorld,
} from "../../../support/sink-world.ts";
import { eventOf } from "../../../support/usage-message-of.ts";

const METERS = [
  { key: "tokens", eventType: "llm.completion", aggregation: "sum", value: "/data/outputTokens" },
] as const;
const catalogWith = (...customers: string[]): MeteringCatalog =>
  compileMeteringCatalog(catalogOf({ meters: METERS, customers: customers.map((key) => ({ key })) }));
const BEFORE = catalogWith("acme");
const REPAIRED = catalogWith("acme", "globex");

let servers: TestServers;
let world: SinkWorld;
/** A connection that may publish replays. */
let own: Nats;
let sink: RunningSink;
let catalog = BEFORE;

const SHARDS = 2;

function start(holder: string, store: SinkStore = world.store): RunningSink {
  const head = (): Promise<MeteringCatalog> => Promise.resolve(catalog);
  return startSink(world, { holder, deps: { store, catalogs: { head, at: head } } });
}

beforeEach(async () => {
  catalog = BEFORE;
  servers = await startTestServers({ shards: SHARDS });
  world = await openSinkWorld(servers, SHARDS);
  own = await connectNats({ url: servers.natsOwnUrl, name: "replays" });
  sink = start("a#1");
});

afterEach(async () => {
  await sink.drain();
  await own.close();
  await world.close();
  await servers.stop();
});

async function publish(subject: string, body: string, msgID = ""): Promise<void> {
  await (subject.startsWith("usage.") ? world.nats : own).js.publish(subject, body, msgID === "" ? {} : { msgID });
}

/** Three events of a customer whom the catalog does not know yet, one without a time, beside one that is fine and one that nothing mends. */
async function publishRejected(): Promise<void> {
  const lost = eventOf({ id: "e3", subject: "globex", time: undefined });
  await publish("usage.gw", JSON.stringify([eventOf(), eventOf({ id: "e2", subject: "globex" }), lost]));
  await publish("usage.other~2Feu.x", JSON.stringify(eventOf({ source: "other/eu", subject: "globex" })));
  await publish("usage.gw", "no json");
  await untilStored(world);
}

async function replay(filter: QuarantineFilter = {}, lose: (message: ReplayMessage) => boolean = () => false) {
  const result = await replayQuarantined(
    {
      store: quarantineStore(world.clickhouse),
      catalog,
      timeRange: DEFAULT_EVENT_TIME_RANGE,
      publish: async (message) => {
        if (!lose(message)) await own.js.publish(message.subject, message.body, { msgID: message.msgId });
      },
      onProgress: () => undefined,
    },
    filter,
  );
  await untilStored(world);
  return result;
}

async function verdicts(): Promise<Readonly<Record<string, number>>> {
  const rows = await world.clickhouse.rows<{ verdict: string; events: string }>({
    sql: "SELECT verdict, toString(count()) AS events FROM finance.event_verdicts GROUP BY verdict",
    doing: "counting verdicts",
  });
  return Object.fromEntries(rows.map(({ verdict, events }) => [verdict, Number(events)]));
}

async function column<T>(sql: string): Promise<readonly T[]> {
  const rows = await world.clickhouse.rows<{ value: T }>({ sql, doing: "looking" });
  return rows.map(({ value }) => value);
}

async function waiting(filter: QuarantineFilter = {}): Promise<readonly QuarantinedEvent[]> {
  const found: QuarantinedEvent[] = [];
  for await (const events of quarantineStore(world.clickhouse).events(filter, 0)) found.push(...events);
  return found;
}

const billed = () => column<string>("SELECT toString(sum(quantity_sum)) AS value FROM meterline.usage_windows");

// Guarantee: a repaired catalog brings rejected events in once each, with their identity and first arrival, and every stored event has one verdict.
test("replays what the repaired catalog accepts, once, and leaves the rest", async () => {
  await publishRejected();
  expect(await verdicts()).toEqual({ accepted: 1, rejected: 4 });
  const [firstArrival] = await column<string>(
    "SELECT toString(ingested_at) AS value FROM meterline.usage_events_raw WHERE id = 'e3'",
  );

  catalog = REPAIRED;
  expect(await replay()).toEqual({ looked: 4, replayed: 3, stillRejected: { invalid_json: 1 } });
  expect(await verdicts()).toEqual({ accepted: 4, rejected: 1, replayed: 3 });
  expect(await billed()).toEqual(["176"]);
  expect(
    await column(
      "SELECT toString(ingested_at) AS value FROM finance.event_verdicts WHERE id = 'e3' AND verdict = 'accepted'",
    ),
  ).toEqual([firstArrival]);
  expect(await column("SELECT toString(event_time) AS value FROM meterline.usage_events WHERE id = 'e3'")).toEqual([
    firstArrival,
  ]);

  expect(await replay()).toEqual({ looked: 1, replayed: 0, stillRejected: { invalid_json: 1 } });
  expect(await verdicts()).toEqual({ accepted: 4, rejected: 1, replayed: 3 });
});

// Guarantee: without the server's memory of message ids a repeated replay is a duplicate, and a run that died half way is finished by the next.
test("counts once when a replay is killed, repeated, and overtaken by the producer", async () => {
  await publishRejected();
  catalog = REPAIRED;
  let sent = 0;
  const first: ReplayMessage[] = [];
  await replay({}, (message) => {
    first.push(message);
    sent += 1;
    return sent > 1;
  });
  expect(await verdicts()).toEqual({ accepted: 2, rejected: 3, replayed: 1 });
  await replay();
  for (const { subject, body } of first) await own.js.publish(subject, body);
  await publish("usage.gw", JSON.stringify(eventOf({ id: "e2", subject: "globex" })), "again");
  await untilStored(world);
  expect(await verdicts()).toEqual({ accepted: 4, duplicate: 4, rejected: 1, replayed: 3 });
  expect(await billed()).toEqual(["176"]);
});

// Guarantee: the plan of a batch with replays gives the same bytes in another process, whether its rows are there already or not.
test.each(["insert", "commit"] as const)(
  "a writer that loses ClickHouse at the %s of replays leaves them to the next",
  async (step) => {
    await publishRejected();
    await sink.drain();
    catalog = REPAIRED;
    let attempts = 0;
    const failing = async (): Promise<never> => {
      attempts += 1;
      return Promise.reject(new AppError({ code: "DOWN", kind: "unavailable", message: "down for the test" }));
    };
    const dying = start("b#1", { ...world.store, [step]: failing });
    const replaying = replay();
    await expect.poll(() => attempts).toBeGreaterThan(0);
    await dying.drain();
    sink = start("c#1");
    expect(await replaying).toMatchObject({ replayed: 3 });
    expect(await verdicts()).toEqual({ accepted: 4, rejected: 1, replayed: 3 });
    expect(await billed()).toEqual(["176"]);
  },
);

// Guarantee: a replay that is rejected again waits in place of its origin, and is replayed like it, with the first arrival still.
test("replays a replay that came too early", async () => {
  await publishRejected();
  const origin = present((await waiting({ reason: "unknown_customer" }))[0], "an event");
  catalog = REPAIRED;
  const messages: ReplayMessage[] = [];
  await replay(
    { places: [{ shard: origin.shard, seq: origin.origin.seq, position: origin.origin.position }] },
    (message) => {
      messages.push(message);
      return true;
    },
  );
  catalog = BEFORE;
  expect(messages).toHaveLength(1);
  for (const { subject, body } of messages) await own.js.publish(subject, body);
  await untilStored(world);
  expect(await verdicts()).toEqual({ accepted: 1, rejected: 4, replayed: 1 });

  catalog = REPAIRED;
  expect(await replay()).toMatchObject({ replayed: 3 });
  expect(await verdicts()).toEqual({ accepted: 4, rejected: 1, replayed: 4 });
  expect(
    await column(
      `SELECT DISTINCT toString(toUnixTimestamp64Nano(ingested_at)) AS value FROM finance.event_verdicts WHERE id = '${origin.id}' AND source = '${origin.source}'`,
    ),
  ).toEqual([origin.arrivedAt.toString()]);
});

// Guarantee: whoever gets to the subject of replays can bring in nothing that was not rejected, and change nothing about it.
test("rejects what only pretends to be a replay", async () => {
  await publishRejected();
  catalog = REPAIRED;
  const event = present((await waiting({ reason: "unknown_customer", source: "gw" }))[0], "an event");
  const { incarnation, seq, position } = event.origin;
  const place = `${incarnation}.${seq}.${position}`;
  const body = new TextDecoder().decode(event.raw);
  await publish(`quarantine.gw.${place}.${event.arrivedAt}`, `${body} `);
  await publish(`quarantine.gw.${place}.${event.arrivedAt - 1n}`, body);
  await publish(`quarantine.gw.${incarnation}.${seq}.0.${event.arrivedAt}`, JSON.stringify(eventOf()));
  await publish(`quarantine.gw.${incarnation}.999.0.${event.arrivedAt}`, body);
  await publish("quarantine.gw.what.ever", JSON.stringify([eventOf({ id: "x" }), eventOf({ id: "y" })]));
  await untilStored(world);
  expect(await verdicts()).toEqual({ accepted: 1, rejected: 9 });
  expect(await column("SELECT count() AS value FROM meterline.usage_replays")).toEqual(["0"]);
  expect(await replay({ reason: "replay_invalid" })).toEqual({
    looked: 5,
    replayed: 0,
    stillRejected: { replay_invalid: 5 },
  });
  expect(await replay({ reason: "unknown_customer" })).toMatchObject({ replayed: 3 });
  expect(await billed()).toEqual(["176"]);
});

test("shows what waits, by filter, and counts it by producer and reason", async () => {
  await publishRejected();
  const ids = async (filter: QuarantineFilter): Promise<string[]> =>
    (await waiting(filter)).map(({ producer, id }) => `${producer}:${id}`).sort();
  expect(await ids({})).toEqual(["gw:", "gw:e2", "gw:e3", "other/eu:e1"]);
  expect(await ids({ source: "other/eu" })).toEqual(["other/eu:e1"]);
  expect(await ids({ reason: "invalid_json" })).toEqual(["gw:"]);
  const events = await waiting();
  const last = present(events.map(({ arrivedAt }) => arrivedAt).sort((a, b) => (a < b ? 1 : -1))[0], "an arrival");
  expect(await ids({ since: last })).toEqual(["gw:"]);
  expect(await ids({ since: last + 1n })).toEqual([]);
  expect(new TextDecoder().decode((await waiting({ reason: "invalid_json" }))[0]?.raw)).toBe("no json");

  catalog = REPAIRED;
  await replay({ source: "other/eu" });
  expect(await ids({ source: "other/eu" })).toEqual([]);
  const [replayed] = await waiting({ source: "other/eu", replayedToo: true });
  expect(replayed?.replays).toHaveLength(1);
  const view = await world.clickhouse.rows({
    sql: "SELECT producer, reason, events, replayed, isNull(first_ingested_at) AS none FROM finance.quarantine ORDER BY producer, reason",
    doing: "reading the view",
  });
  expect(view).toEqual([
    { producer: "gw", reason: "invalid_json", events: "1", replayed: "0", none: 0 },
    { producer: "gw", reason: "unknown_customer", events: "2", replayed: "0", none: 0 },
    { producer: "other/eu", reason: "unknown_customer", events: "0", replayed: "1", none: 1 },
  ]);
  const counts = await quarantineStore(world.clickhouse).counts({});
  expect(counts).toEqual([
    { producer: "gw", reason: "invalid_json", events: "1" },
    { producer: "gw", reason: "unknown_customer", events: "2" },
  ]);
});
