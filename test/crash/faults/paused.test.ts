/**
 * A writer that sleeps longer than its lease and longer than ClickHouse remembers tokens, while another takes over and goes on: the window is made so
 * small that nothing but the fence keeps the sleeper from storing again what it had begun.
 */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectCountedOnce, untilAllStored } from "../../support/faults/expect-counted-once.ts";
import { openFaultWorld, type FaultWorld } from "../../support/faults/fault-world.ts";
import { Ledger } from "../../support/faults/ledger.ts";
import { seededRandom } from "../../support/faults/random.ts";
import { endOf, startMeterline } from "../../support/meterline-process.ts";

const SEED = 20_261_113;
const ROUNDS = 6;
/** Blocks that each table of the chain remembers, instead of 100,000. */
const WINDOW = 2;
const BATCHES_MEANWHILE = 4;
const CHAIN = [
  ...["usage_events_raw", "event_keys", "usage_events", "usage_windows", "usage_window_extremes"],
  ...["usage_window_latest", "usage_window_levels", "usage_unique_values", "sink_batches"],
];

let world: FaultWorld;
let ledger: Ledger;

beforeAll(async () => {
  world = await openFaultWorld({ name: "paused" });
  ledger = new Ledger(seededRandom(SEED));
  for (const table of CHAIN)
    await world.services.clickhouse.command({
      sql: `ALTER TABLE meterline.${table} MODIFY SETTING non_replicated_deduplication_window = ${WINDOW}`,
      doing: "making the window small",
    });
});

afterAll(async () => {
  await world?.stop();
});

async function batches(): Promise<number> {
  const [row] = await world.services.clickhouse.rows<{ batches: string }>({
    sql: "SELECT count() AS batches FROM meterline.sink_batches",
    doing: "counting batches",
  });
  return Number(row?.batches ?? 0);
}

async function publish(messages: number): Promise<void> {
  for (let message = 0; message < messages; message += 1)
    await ledger.send(world.services.nats, ledger.freshMany(1 + ledger.random(3)));
}

/** As many batches as it takes, each of its own messages. */
async function untilStoredMeanwhile(before: number): Promise<void> {
  while ((await batches()) < before + BATCHES_MEANWHILE) {
    await publish(3);
    await untilAllStored(world.services);
  }
}

test("the sleeper is fenced and stores nothing twice", { timeout: 120_000 }, async () => {
  let fenced = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const sleeper = startMeterline(world, ["sink"]);
    await publish(5);
    await untilAllStored(world.services);
    const publishing = publish(60);
    await delay(ledger.random(60));
    sleeper.signal("SIGSTOP");
    await publishing;
    const before = await batches();
    const successor = startMeterline(world, ["sink"]);
    await untilStoredMeanwhile(before);
    sleeper.signal("SIGCONT");
    await publish(5);
    await untilAllStored(world.services);
    successor.signal("SIGTERM");
    expect((await endOf(successor)).code).toBe(0);
    sleeper.signal("SIGTERM");
    if ((await endOf(sleeper)).code !== 0) fenced += 1;
  }
  expect(fenced).toBeGreaterThan(0);
  await untilAllStored(world.services).catch(() => undefined);
  await expectCountedOnce({ services: world.services, ledger });
});
