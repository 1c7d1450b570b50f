/** A rating run that dies while it writes its lines, and the one that goes on with it. */
import { expect, test } from "vitest";
import type { RatedLineBatch } from "../../../src/app/ports.ts";
import { ratePeriod } from "../../../src/app/rating/rate-period.ts";
import { restoreRun } from "../../../src/app/rating/repeat-run.ts";
import { instantOf } from "../../../src/kernel/instant.ts";
import { billingCatalog, priceOf } from "../../support/billing-catalog.ts";
import { memoryInvoicing, runsOf } from "../../support/memory-invoicing.ts";
import type { WrittenEvent } from "../../support/usage-writer.ts";

/** Two inserts of lines. */
const CONTRACTS = 6_000;
const OCTOBER = { period: "2026-10", customers: [] };
const USAGE = priceOf({ key: "tokens", meter: "m-sum", price: { model: "per_unit", unitAmount: "0.005" } });

function worldOf(contracts: number) {
  const keys = Array.from({ length: contracts }, (_, index) => `c${String(index)}`);
  const versions = [{ from: "2026-01-01T00:00:00Z", prices: [USAGE] }];
  const world = memoryInvoicing(billingCatalog(keys.map((key) => ({ key, customer: key, versions }))));
  world.store.events.push(usage("c7", "1000", 1));
  return world;
}

function usage(customer: string, value: string, cut: number): WrittenEvent {
  const time = instantOf("2026-10-02T00:00:00Z", "time");
  return {
    ...{
      shard: 0,
      seq: 1,
      source: "s",
      id: `${customer}-${value}`,
      customer,
      meter: "m-sum",
      aggregation: "sum",
      dimensions: {},
    },
    time,
    value,
    cut,
  };
}

type Store = ReturnType<typeof worldOf>["deps"]["store"];

/** The store with something else done when a batch is written. */
function writing(store: Store, write: (batch: RatedLineBatch) => Promise<void>): Store {
  const ratedLineBatch = (): RatedLineBatch => {
    const batch = store.ratedLineBatch();
    return {
      get lines() {
        return batch.lines;
      },
      add: (line) => {
        batch.add(line);
      },
      write: () => write(batch),
    };
  };
  return { ...store, ratedLineBatch };
}

/** The store of a process that is killed in its second insert. */
function dying({ deps }: ReturnType<typeof worldOf>) {
  let inserts = 0;
  const store = writing(deps.store, (batch) => {
    inserts += 1;
    return inserts === 2 ? Promise.reject(new Error("killed")) : batch.write();
  });
  return { ...deps, store };
}

// Guarantee: a run that was killed and gone on with has the very lines that it would have had, and rates none of them twice.
test("a run that died is gone on with, as of its own cut", async () => {
  const world = worldOf(CONTRACTS);
  const begun = instantOf("2026-11-05T00:00:00Z", "now");
  await expect(ratePeriod(dying(world), OCTOBER)).rejects.toThrow("killed");
  expect(runsOf(world.journal)).toEqual([]);
  const written = world.store.lines.size;
  expect(written).toBeGreaterThan(0);
  expect(written).toBeLessThan(CONTRACTS);

  world.world.now = begun + 3_600_000_000_000n;
  world.store.events.push(usage("c8", "5", 2));
  const wrote: number[] = [];
  const store = writing(world.deps.store, (batch) => {
    wrote.push(batch.lines);
    return batch.write();
  });
  const run = await ratePeriod({ ...world.deps, store }, { ...OCTOBER, resume: true });
  expect(wrote.reduce((sum, lines) => sum + lines, 0)).toBe(CONTRACTS - written);
  expect(run).toMatchObject({ cut: 1, cutAt: "2026-11-05T00:00:00Z", lines: CONTRACTS });
  expect(await restoreRun(world.deps, run.runId)).toMatchObject({ exact: true, rewritten: 0 });
});

test("without being asked to, a run begins anew with what is known by then", async () => {
  const world = worldOf(CONTRACTS);
  await expect(ratePeriod(dying(world), OCTOBER)).rejects.toThrow("killed");
  const run = await ratePeriod(world.deps, OCTOBER);
  expect(run).toMatchObject({ cut: 2, lines: CONTRACTS });
});

// Guarantee: what was recorded is not gone on with.
test("where nothing died, a run begins", async () => {
  const world = worldOf(1);
  const first = await ratePeriod(world.deps, { ...OCTOBER, resume: true });
  expect(first.cut).toBe(1);
  const second = await ratePeriod(world.deps, { ...OCTOBER, resume: true });
  expect(second.cut).toBe(2);
});
