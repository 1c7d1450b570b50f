/** Messages that no program should have sent: each gets its verdict and reason once, what is right beside it counts, and the stream goes on. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../cmd/system-clock.ts";
import { expectCountedOnce, untilAllStored } from "../../support/faults/expect-counted-once.ts";
import { openFaultWorld, type FaultWorld } from "../../support/faults/fault-world.ts";
import { Ledger } from "../../support/faults/ledger.ts";
import { poisons } from "../../support/faults/poison.ts";
import { seededRandom } from "../../support/faults/random.ts";
import { endOf, startMeterline } from "../../support/meterline-process.ts";

const SEED = 20_261_105;

let world: FaultWorld;
let ledger: Ledger;

beforeAll(async () => {
  world = await openFaultWorld({ name: "poison" });
  ledger = new Ledger(seededRandom(SEED));
});

afterAll(async () => {
  await world?.stop();
});

async function publishPoison(): Promise<number> {
  const { nats } = world.services;
  const messages = poisons({ ledger, nowMs: systemClock.nowMs() });
  for (const { bytes, meant, options } of messages) {
    await ledger.sendBytes(nats, { bytes, meant }, options);
    await ledger.send(nats, [ledger.fresh()]);
  }
  return messages.length;
}

test("each gets its verdict and reason once, and nothing stops the stream", async () => {
  const sink = world.startSink();
  expect(await publishPoison()).toBeGreaterThan(60);
  await untilAllStored(world.services);
  await sink.drain();
  await expectCountedOnce({ services: world.services, ledger });
});

// Guarantee: what was decided about a poisoned batch is decided the same way by whoever has to make it again.
test("the same when the sink is killed over them, before and after the insert", async () => {
  await publishPoison();
  for (const point of ["planned", "insert-sent:3", "inserted:2", "committed"]) {
    const dying = startMeterline({ env: { ...world.env, METERLINE_CRASH_AT: point } }, ["sink"]);
    expect((await endOf(dying)).code).toBe(null);
  }
  const sink = world.startSink();
  await untilAllStored(world.services);
  await sink.drain();
  await expectCountedOnce({ services: world.services, ledger });
});
