/** ClickHouse that is away for longer than every window and lease, that refuses once, or that is slow: nothing is lost, nothing counts twice. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { nanos } from "@nats-io/transport-node";
import { systemClock } from "../../../cmd/system-clock.ts";
import { expectBooksAgree, expectCountedOnce, untilAllStored } from "../../support/faults/expect-counted-once.ts";
import { openFaultWorld, type FaultWorld, type RunningSink } from "../../support/faults/fault-world.ts";
import { Ledger } from "../../support/faults/ledger.ts";
import { seededRandom } from "../../support/faults/random.ts";

const SEED = 20_261_108;
/** Longer than the lease (500 ms), JetStream's window and the consumer's ack wait as they are set below. */
const AWAY_MS = 2_500;
const WINDOW_MS = 200;
const ACK_WAIT_MS = 300;
const THROWN_SQL = "SELECT sum(value) AS thrown FROM system.errors WHERE name = 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO'";

let world: FaultWorld;
let ledger: Ledger;
let sink: RunningSink;

beforeAll(async () => {
  world = await openFaultWorld({ name: "outages" });
  const { jsm } = world.services.nats;
  await jsm.streams.update("USAGE_0", { duplicate_window: nanos(WINDOW_MS) });
  await jsm.consumers.update("USAGE_0", "sink", { ack_wait: nanos(ACK_WAIT_MS) });
  ledger = new Ledger(seededRandom(SEED));
  sink = world.startSink();
});

afterEach(async () => {
  await untilAllStored(world.services);
  await expectBooksAgree({ services: world.services, ledger });
});

afterAll(async () => {
  await sink?.drain();
  await world?.stop();
});

async function publish(messages: number): Promise<void> {
  for (let index = 0; index < messages; index += 1)
    await ledger.send(world.services.nats, ledger.freshMany(1 + ledger.random(3)));
}

async function command(sql: string): Promise<void> {
  await world.services.clickhouse.command({ sql, doing: "arranging a fault" });
}

/** A view behind the sink's insert that somebody else made: it does to the insert what its expression does. */
async function withView(expression: string, run: () => Promise<void>): Promise<void> {
  await command("CREATE TABLE IF NOT EXISTS meterline.zz_fault (x UInt8) ENGINE = Null");
  await command(
    `CREATE MATERIALIZED VIEW meterline.zz_fault_mv TO meterline.zz_fault AS SELECT toUInt8(${expression}) AS x FROM meterline.usage_ingest`,
  );
  await run();
  await command("DROP VIEW IF EXISTS meterline.zz_fault_mv SYNC");
}

async function storedTo(): Promise<number> {
  return (await world.services.sinkStore.lastBatch({ shard: 0 }))?.plan.last ?? 0;
}

test("ClickHouse away for longer than the lease, JetStream's window and the ack wait", async () => {
  await publish(60);
  await untilAllStored(world.services);
  const stored = await storedTo();
  const publishing = publish(60);
  await world.clickhouse.kill();
  await publishing;
  await publish(10);
  await systemClock.sleep(AWAY_MS);
  const { delivered, ack_floor } = await world.services.nats.jsm.consumers.info("USAGE_0", "sink");
  expect(delivered.stream_seq).toBeGreaterThan(stored);
  expect(ack_floor.stream_seq).toBeLessThan(delivered.stream_seq);
  await world.clickhouse.start();
});

/** Exceptions of throwIf that the server has seen. */
async function thrown(): Promise<number> {
  const rows = await world.services.clickhouse.rows<{ thrown: string }>({ sql: THROWN_SQL, doing: "counting" });
  return Number(rows[0]?.thrown);
}

// Guarantee: the insert's part in the views before the one that threw is recognised when the same insert comes again.
test("a view that throws once: the batch is inserted again, by the same writer", async () => {
  const epoch = (await world.services.keys.read(0))?.value.epoch;
  const before = await thrown();
  await withView(`throwIf((${THROWN_SQL}) <= ${before})`, async () => {
    await publish(20);
    await untilAllStored(world.services);
  });
  expect(await thrown()).toBeGreaterThan(before);
  expect((await world.services.keys.read(0))?.value.epoch).toBe(epoch);
});

// Guarantee: a view that always throws is not taken for the fence, although both use the same error.
test("a view that throws for ever stops the sink by name; without it, the next sink goes on with the open plan", async () => {
  await withView("throwIf(1)", async () => {
    await publish(20);
    await expect(sink.done).rejects.toMatchObject({ code: "CLICKHOUSE_THROW_IF", kind: "broken" });
  });
  sink = world.startSink();
});

test("an insert that takes longer than the lease and the ack wait, with messages delivered again meanwhile", async () => {
  await withView("sleepEachRow(0.05)", async () => {
    const began = systemClock.nowMs();
    await publish(20);
    await untilAllStored(world.services);
    expect(systemClock.nowMs() - began).toBeGreaterThan(ACK_WAIT_MS);
  });
});

test("all of it verifies", async () => {
  await untilAllStored(world.services);
  await expectCountedOnce({ services: world.services, ledger });
});
