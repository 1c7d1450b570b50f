/** Usage that no price charges, where a customer has several contracts: each instant is asked about with the contracts that hold at it. */
import { describe, expect, test } from "vitest";
import { requireAllPriced } from "../../../../src/app/rating/find-unpriced.ts";
import { planRating } from "../../../../src/app/rating/rating-plan.ts";
import type { Catalog } from "../../../../src/domain/catalog.ts";
import { WEEKDAYS } from "../../../../src/domain/price-hours.ts";
import { instantOf } from "../../../../src/kernel/instant.ts";
import { parsePeriodArgument } from "../../../../src/kernel/period.ts";
import { billingCatalog, priceOf, testSpans, type TestContract } from "../../../support/billing-catalog.ts";
import type { WrittenEvent } from "../../../support/usage-writer.ts";
import { memoryBillingStore } from "../../../support/memory-billing-store.ts";

const OPEN = "2026-01-01T00:00:00Z";
const PRICE = { model: "per_unit", unitAmount: "1" } as const;
const SUM = priceOf({ key: "sum", meter: "m-sum", price: PRICE });
const COUNT = priceOf({ key: "count", meter: "m-count", price: PRICE });
const PEAK = priceOf({
  ...{ key: "peak", meter: "m-sum", price: PRICE, additional: true },
  when: { in: [{ days: WEEKDAYS, from: "08:00", to: "20:00" }] },
});

function contract(key: string, prices: (typeof SUM)[], more: Partial<TestContract> = {}): TestContract {
  return { key, customer: "acme", versions: [{ from: OPEN, prices }], ...more };
}

/** What is said of one event, null if nothing is wrong. */
function said(contracts: readonly TestContract[], meter: "m-sum" | "m-count", time: string) {
  const event = { meter, aggregation: meter === "m-sum" ? ("sum" as const) : ("count" as const), id: "e", value: "1" };
  const place = { customer: "acme", dimensions: {}, cut: 1, shard: 0, seq: 1, time: instantOf(time, "time") };
  return saidOf(contracts, [{ ...event, ...place }]);
}

async function saidOf(under: Catalog | readonly TestContract[], events: readonly WrittenEvent[]) {
  const catalog = "meters" in under ? under : billingCatalog(under);
  const store = memoryBillingStore();
  store.events.push(...events);
  const { parts } = planRating({
    ...{ catalog, period: parsePeriodArgument("2026-10"), customers: [] },
    spansOf: testSpans,
  });
  return requireAllPriced({ store, catalog, spansOf: testSpans, parts, cut: 1 }).then(
    () => null,
    (error: unknown) => String(error),
  );
}

describe("a contract that ends within the other's period", () => {
  const ended = contract("ended", [SUM], { to: "2026-10-15T00:00:00Z" });

  test("charges until then, and no longer", async () => {
    const contracts = [ended, contract("open", [PEAK])];
    expect(await said(contracts, "m-sum", "2026-10-10T02:00:00Z")).toBeNull();
    expect(await said(contracts, "m-sum", "2026-10-20T12:00:00Z")).toBeNull();
    expect(await said(contracts, "m-sum", "2026-10-20T02:00:00Z")).toContain(
      "customer acme, meter m-sum in 2026-10-15T00:00:00Z/2026-11-01T00:00:00Z",
    );
  });

  test("is missed by another meter's price neither", async () => {
    const contracts = [ended, contract("open", [COUNT])];
    expect(await said(contracts, "m-sum", "2026-10-14T23:59:59Z")).toBeNull();
    expect(await said(contracts, "m-sum", "2026-10-15T00:00:00Z")).toContain("1 used meters have no price");
  });

  test("says nothing about what is free", async () => {
    const free = [ended, contract("open", [COUNT], { unpriced: "free" })];
    expect(await said(free, "m-sum", "2026-10-20T00:00:00Z")).toBeNull();
  });
});

// Guarantee: seats that nobody charges are found in every month in which there are some, also when nothing changes.
describe("a recurring meter", () => {
  const level = (time: string, value: string, id: string): WrittenEvent => ({
    ...{ meter: "m-recurring-time_weighted_sum", aggregation: "time_weighted_sum" as const, id, value },
    ...{ customer: "acme", dimensions: {}, cut: 1, shard: 0, seq: 1, time: instantOf(time, "time") },
  });
  const gained = level("2026-08-03T00:00:00Z", "2", "a");

  test("is used by the level that a period begins with", async () => {
    expect(await saidOf([contract("open", [SUM])], [gained])).toContain("meter m-recurring-time_weighted_sum");
    const seats = priceOf({ key: "seats", meter: "m-recurring-time_weighted_sum", price: PRICE });
    expect(await saidOf([contract("open", [seats])], [gained])).toBeNull();
  });

  test("is not used when the level has come back to nothing before", async () => {
    const contracts = [contract("open", [SUM])];
    expect(await saidOf(contracts, [gained, level("2026-09-30T23:59:59Z", "-2", "b")])).toBeNull();
    expect(await saidOf(contracts, [gained, level("2026-10-02T00:00:00Z", "-2", "b")])).toContain("have no price");
  });

  test("is not used any more when it was taken out of the catalog", async () => {
    const catalog = billingCatalog([contract("open", [SUM])]);
    const [last] = catalog.meters.get(gained.meter) ?? [];
    const removed = last === undefined ? [] : [last, { ...last, version: 2, removed: true }];
    const without = { ...catalog, meters: new Map([...catalog.meters, [gained.meter, removed]]) };
    expect(await saidOf(without, [gained])).toBeNull();
  });
});

describe("a contract with another billing day", () => {
  // Billed for 15 September to 15 October; what it charges afterwards is in its next period, and no gap of this one.
  const middle = (more: Partial<TestContract> = {}) => contract("middle", [COUNT], { anchorDay: 15, ...more });

  test("charges in its next period, and the other one did in its last", async () => {
    const contracts = [middle(), contract("first", [SUM])];
    expect(await said(contracts, "m-count", "2026-10-20T00:00:00Z")).toBeNull();
    expect(await said(contracts, "m-sum", "2026-09-20T00:00:00Z")).toBeNull();
  });

  test("charges there until a version comes without the price", async () => {
    const dropped = { from: "2026-10-20T00:00:00Z", prices: [] };
    const contracts = [middle({ versions: [{ from: OPEN, prices: [COUNT] }, dropped] }), contract("first", [SUM])];
    expect(await said(contracts, "m-count", "2026-10-19T23:59:59Z")).toBeNull();
    expect(await said(contracts, "m-count", "2026-10-20T00:00:00Z")).toContain(
      "2026-10-20T00:00:00Z/2026-11-01T00:00:00Z",
    );
  });
});
