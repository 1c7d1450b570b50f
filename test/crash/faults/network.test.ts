/**
 * The network between the sink and each server: slow, cut, silent in one direction or both. Producers reach NATS on another way, so that the sink
 * alone is cut off.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../cmd/system-clock.ts";
import { expectBooksAgree, expectCountedOnce, untilAllStored } from "../../support/faults/expect-counted-once.ts";
import { openFaultWorld, type FaultWorld, type RunningSink } from "../../support/faults/fault-world.ts";
import { linkTo, type FaultyLink } from "../../support/faults/faulty-link.ts";
import { Ledger } from "../../support/faults/ledger.ts";
import { seededRandom } from "../../support/faults/random.ts";

const SEED = 20_261_110;
const SERVERS = ["nats", "clickhouse"] as const;
const DELAY_MS = 20;
/** Twice the sink's lease. */
const SILENT_MS = 1_000;

let world: FaultWorld;
let ledger: Ledger;
let sink: RunningSink;
const links: Partial<Record<(typeof SERVERS)[number], FaultyLink>> = {};

beforeAll(async () => {
  world = await openFaultWorld({
    name: "network",
    through: async ({ natsUrl, clickhouseUrl }) => {
      const nats = await linkTo(natsUrl);
      const clickhouse = await linkTo(clickhouseUrl);
      Object.assign(links, { nats: nats.link, clickhouse: clickhouse.link });
      return { natsUrl: nats.url, clickhouseUrl: clickhouse.url };
    },
  });
  ledger = new Ledger(seededRandom(SEED));
  sink = world.startSink();
});

afterEach(async () => {
  await untilAllStored(world.services);
  await expectBooksAgree({ services: world.services, ledger });
});

afterAll(async () => {
  for (const link of Object.values(links)) link.heal();
  await sink?.drain();
  for (const link of Object.values(links)) await link.close();
  await world?.stop();
});

function link(server: (typeof SERVERS)[number]): FaultyLink {
  const found = links[server];
  if (found === undefined) throw new Error(`no link to ${server}`);
  return found;
}

async function publish(messages = 30): Promise<void> {
  for (let index = 0; index < messages; index += 1)
    await ledger.send(world.services.nats, ledger.freshMany(1 + ledger.random(3)));
}

/** A sink that was cut off for longer than its lease may have been told that another holds the shard: then it has ended, and a new one starts. */
async function restartIfEnded(): Promise<void> {
  const ended = await Promise.race([sink.done.then(alwaysTrue, alwaysTrue), systemClock.sleep(100).then(() => false)]);
  if (ended) sink = world.startSink();
}

function alwaysTrue(): true {
  return true;
}

test.each(SERVERS)("latency to %s", async (server) => {
  link(server).delay(DELAY_MS);
  await publish();
  await untilAllStored(world.services);
  link(server).heal();
});

test.each(SERVERS)("resets of the connections to %s, at random", async (server) => {
  for (let round = 0; round < 6; round += 1) {
    const publishing = publish(10);
    await systemClock.sleep(ledger.random(80));
    link(server).reset();
    await publishing;
  }
});

// Guarantee: an answer that was lost is no failure of what was asked: the same insert again counts once, the same key write is recognised.
test.each(SERVERS)("answers of %s that never arrive", async (server) => {
  for (let round = 0; round < 3; round += 1) {
    const publishing = publish(10);
    await systemClock.sleep(ledger.random(60));
    link(server).swallowAnswers();
    await publishing;
    await systemClock.sleep(100 + ledger.random(100));
    link(server).heal();
    await untilAllStored(world.services);
  }
});

// Guarantee: a sink that cannot reach its key stores nothing under a lease that has run out and been taken by another.
test.each(SERVERS)(
  "a partition from %s for longer than the lease, with a standby that is not cut off",
  async (server) => {
    const publishing = publish();
    await systemClock.sleep(ledger.random(60));
    link(server).partition();
    await publishing;
    const standby = world.startSink({
      METERLINE_NATS_URL: world.nats.url,
      METERLINE_CLICKHOUSE_URL: world.clickhouse.url,
    });
    await systemClock.sleep(SILENT_MS);
    await publish(5);
    link(server).heal();
    await untilAllStored(world.services);
    await publish(5);
    await untilAllStored(world.services);
    await standby.drain().catch(() => undefined);
    await restartIfEnded();
  },
);

test("all of it verifies", async () => {
  await sink.drain();
  await expectCountedOnce({ services: world.services, ledger });
  expect(ledger.acknowledged.length).toBeGreaterThan(300);
});
