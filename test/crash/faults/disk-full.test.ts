/**
 * A disk that is full, for ClickHouse and for NATS: what cannot be stored is not acknowledged, nothing ends, and when there is room again it goes
 * on by itself.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../cmd/system-clock.ts";
import { expectCountedOnce, untilAllStored } from "../../support/faults/expect-counted-once.ts";
import { openFaultWorld, type FaultWorld } from "../../support/faults/fault-world.ts";
import { Ledger } from "../../support/faults/ledger.ts";
import { seededRandom } from "../../support/faults/random.ts";
import { smallDisk, type SmallDisk } from "../../support/faults/small-disk.ts";

const SEED = 20_261_107;
const KIB = 1024;
/** Free bytes at which different files of one insert are the first that do not fit. */
const LEFT = [0, 8 * KIB, 24 * KIB, 48 * KIB];
const EVENTS = 20;
const AGAIN_MS = 30_000;

let disk: SmallDisk | null = null;
const mayMount = await smallDisk().then(async (tried) => (await tried?.remove(), tried !== null));
let world: FaultWorld;
let ledger: Ledger;

/** A disk of its own for each: what one leaves behind would be missing for the other. */
async function open(server: "nats" | "clickhouse"): Promise<void> {
  disk = await smallDisk();
  if (disk === null) throw new Error("a small disk could be mounted a moment ago");
  world = await openFaultWorld({ name: "disk-full", homes: { [server]: disk.path }, supervised: true });
  ledger = new Ledger(seededRandom(SEED));
}

async function publish(): Promise<void> {
  const deadline = systemClock.nowMs() + AGAIN_MS;
  for (let event = 0; event < EVENTS; event += 1)
    await ledger.sendUntilStored(world.services.nats, [ledger.fresh()], deadline);
}

/** Nothing was committed for half a second. */
async function standsStill(): Promise<boolean> {
  const before = await world.services.sinkStore.lastBatch({ shard: 0 });
  await systemClock.sleep(500);
  return (await world.services.sinkStore.lastBatch({ shard: 0 }))?.plan.first === before?.plan.first;
}

async function close(): Promise<void> {
  disk?.empty();
  await world?.stop();
  await disk?.remove();
}

// Guarantee: an insert that runs out of space in the middle leaves nothing that counts twice when it is made again.
describe.skipIf(!mayMount)("ClickHouse", () => {
  beforeEach(() => open("clickhouse"));
  afterEach(close);

  test("is waited for, whichever file of an insert was the first that did not fit", async () => {
    const sink = world.startSink();
    await publish();
    await untilAllStored(world.services);
    for (const left of LEFT) {
      disk?.fill(left);
      await publish();
      // A batch that still fits may be under way: it is the standstill that counts.
      await expect.poll(standsStill, { timeout: AGAIN_MS }).toBe(true);
      disk?.empty();
      await untilAllStored(world.services, AGAIN_MS);
    }
    await sink.drain();
    await expectCountedOnce({ services: world.services, ledger });
  });
});

// Guarantee: what nats-server acknowledged is there, what it could not store it did not acknowledge.
describe.skipIf(!mayMount)("NATS", () => {
  beforeEach(() => open("nats"));
  afterEach(close);

  test("acknowledges nothing that it could not store, and takes messages again", async () => {
    const sink = world.startSink();
    await publish();
    disk?.fill(4 * KIB);
    const refused = Array.from({ length: 100 }, () => ledger.fresh());
    const sent = await Promise.allSettled(refused.map((event) => ledger.send(world.services.nats, [event])));
    expect(sent.filter(({ status }) => status === "rejected").length).toBeGreaterThan(0);
    disk?.empty();
    await publish();
    await untilAllStored(world.services, AGAIN_MS);
    await sink.drain();
    await expectCountedOnce({ services: world.services, ledger });
  });
});
