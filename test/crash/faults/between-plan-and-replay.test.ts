/**
 * The sink is killed with an open plan, and before the next one makes its batch again the world changes. The bytes must be the planned ones, or
 * nothing is inserted and somebody is told.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { CrashPoint } from "../../../src/app/sink/crash-points.ts";
import { connectClickHouse } from "../../../src/clickhouse/connect.ts";
import { migrate } from "../../../src/clickhouse/migrate.ts";
import { expectBooksAgree, expectCountedOnce, untilAllStored } from "../../support/faults/expect-counted-once.ts";
import { metersFile } from "../../support/faults/fault-catalog.ts";
import { openFaultWorld, type FaultWorld } from "../../support/faults/fault-world.ts";
import { Ledger } from "../../support/faults/ledger.ts";
import { textOf } from "../../support/faults/meant-event.ts";
import { seededRandom } from "../../support/faults/random.ts";
import { endOf, runMeterline, startMeterline } from "../../support/meterline-process.ts";

const SEED = 20_261_109;

let world: FaultWorld;
let ledger: Ledger;

beforeAll(async () => {
  world = await openFaultWorld({ name: "between" });
  ledger = new Ledger(seededRandom(SEED));
});

afterEach(async () => {
  await count();
  await expectBooksAgree({ services: world.services, ledger });
});

afterAll(async () => {
  await world?.stop();
});

async function count(env: Readonly<Record<string, string>> = {}): Promise<void> {
  const sink = world.startSink(env);
  await untilAllStored(world.services);
  await sink.drain();
}

/** Publishes, and lets a sink die over it: `planned` is before the insert, `inserted` behind it. */
async function dieWithOpenPlan(point: CrashPoint): Promise<void> {
  for (let index = 0; index < 12; index += 1) await ledger.send(world.services.nats, ledger.freshMany(2));
  const dying = startMeterline({ env: { ...world.env, METERLINE_CRASH_AT: point } }, ["sink"]);
  expect((await endOf(dying)).code).toBe(null);
  const plan = (await world.services.keys.read(0))?.value.plan;
  expect(plan && (await world.services.sinkStore.batchOf({ shard: 0, plan }))).toBe(null);
}

test.each(["planned", "inserted"] as const)("a meter, a customer and a contract after %s", async (point) => {
  const [event] = ledger.freshMany(1, { customer: `new-${point}` });
  if (event === undefined) throw new Error("no event");
  const tooEarly = { rejected: "unknown_customer", text: textOf(event) } as const;
  await ledger.send(world.services.nats, [tooEarly], { subject: event.source });
  await dieWithOpenPlan(point);
  const customer = { key: event.customer, name: "new", currency: "EUR", timeZone: "UTC" };
  await world.apply({
    "meters.yaml": metersFile([{ key: `later-${point}`, aggregation: "sum", value: "/data/tokens" }]),
    "customers.yaml": JSON.stringify({ customers: [customer] }),
    "rate-cards.yaml": JSON.stringify({ rateCards: [card(point)] }),
    "contracts.yaml": JSON.stringify({ contracts: [contract(event.customer, point)] }),
  });
  await count();
  const rows = await world.services.clickhouse.rows<{ events: string }>({
    sql: "SELECT count() AS events FROM meterline.usage_events WHERE meter = {meter: String}",
    params: { meter: `later-${point}` },
    doing: "counting the new meter's events",
  });
  expect(rows[0]?.events).toBe("0");
});

function card(name: string): object {
  return { key: `card-${name}`, currency: "EUR", prices: [{ key: "fee", price: { model: "flat", amount: "1.00" } }] };
}

function contract(customer: string, name: string): object {
  const effective = { from: "2026-01-01T00:00:00Z", to: null };
  const billing = { interval: "month", anchorDay: 1 };
  return { key: `contract-${name}`, customer, rateCard: `card-${name}`, effective, billing, unpriced: "free" };
}

// Guarantee: another release never guesses at the rows of a plan that it would make otherwise.
test("a release with another decoder revision refuses the open plan and leaves it to the one that made it", async () => {
  await dieWithOpenPlan("inserted");
  const { keys } = world.services;
  const found = await keys.read(0);
  if (found?.value.plan == null) throw new Error("no plan is open");
  const { plan } = found.value;
  const other = { ...found.value, plan: { ...plan, decoderRev: plan.decoderRev + 1 } };
  const revision = await keys.compareAndSet({ shard: 0, revision: found.revision, key: other });
  await expect(world.startSink().done).rejects.toMatchObject({ code: "DECODER_REVISION" });
  const taken = await keys.read(0);
  expect(revision).not.toBe(null);
  if (taken !== null) await keys.compareAndSet({ shard: 0, revision: taken.revision, key: { ...taken.value, plan } });
});

// Guarantee: a view that is made between an insert and its repetition would get those rows twice, or once too few: no schema changes then.
test("`migrate` refuses while a plan is open or a sink runs, and works after it drained", async () => {
  const { clickhouse } = world.services;
  const forget =
    "ALTER TABLE meterline.schema_migrations DELETE WHERE version = (SELECT max(version) FROM meterline.schema_migrations)";
  await dieWithOpenPlan("inserted");
  await clickhouse.command({ sql: forget, settings: { mutations_sync: "2" }, doing: "forgetting a migration" });
  await leaseEnds();
  const open = await runMeterline(world, ["migrate"]);
  expect(open.stderr).toContain("is planned but not stored");
  expect(open.code).not.toBe(0);
  const sink = startMeterline(world, ["sink"]);
  expect((await endOf(sink)).stderr).toContain("meterline migrate");
  // The release that made the plan is still the schema's.
  await migrate(clickhouse);
  const running = world.startSink();
  await untilAllStored(world.services);
  await clickhouse.command({ sql: forget, settings: { mutations_sync: "2" }, doing: "forgetting a migration" });
  expect((await runMeterline(world, ["migrate"])).stderr).toContain("is held by");
  await running.drain();
  const applied = await runMeterline(world, ["migrate"]);
  expect(applied.stderr + String(applied.code)).toMatch(/0$/);
  expect(applied.stdout).toContain("Applied");
});

async function leaseEnds(): Promise<void> {
  const found = await world.services.keys.read(0);
  if (found === null) throw new Error("the shard has no key");
  await world.services.keys.compareAndSet({
    shard: 0,
    revision: found.revision,
    key: { ...found.value, expiry: 0 },
  });
}

// Guarantee: the insert pins every setting that decides blocks and parsing, whatever the server's defaults have become.
test("the server's settings for parsing, blocks, threads and deduplication are others at the replay", async () => {
  await dieWithOpenPlan("inserted");
  const settings = {
    async_insert: "1",
    wait_for_async_insert: "0",
    insert_deduplicate: "0",
    deduplicate_blocks_in_dependent_materialized_views: "0",
    max_insert_block_size: "3",
    min_insert_block_size_rows: "1",
    min_insert_block_size_bytes: "10",
    max_block_size: "2",
    input_format_parallel_parsing: "1",
    max_insert_threads: "4",
    max_threads: "4",
    input_format_null_as_default: "1",
    materialized_views_ignore_errors: "1",
  };
  const url = new URL(world.env["METERLINE_CLICKHOUSE_URL"] ?? "");
  for (const [name, value] of Object.entries(settings)) url.searchParams.set(`clickhouse_setting_${name}`, value);
  const other = connectClickHouse({ url: url.toString(), user: "default", password: "" });
  const sql = "SELECT value FROM system.settings WHERE name = 'max_block_size'";
  expect(await other.rows({ sql, doing: "reading a default" })).toEqual([{ value: "2" }]);
  await other.close();
  await count({ METERLINE_CLICKHOUSE_URL: url.toString() });
});

test("all of it verifies", async () => {
  await expectCountedOnce({ services: world.services, ledger });
});
