/** Which queries a rating plan has open, and that each ends. */
import { expect, test } from "vitest";
import type { UsageQuery } from "../../../../src/app/ports.ts";
import { planRating } from "../../../../src/app/rating/rating-plan.ts";
import { ratePlan, type RatePlanInput } from "../../../../src/app/rating/rate-plan.ts";
import type { MeteredUsage } from "../../../../src/domain/rated-line.ts";
import { parsePeriodArgument } from "../../../../src/kernel/period.ts";
import { billingCatalog, priceOf, testSpans } from "../../../support/billing-catalog.ts";
import { memoryBillingStore } from "../../../support/memory-billing-store.ts";

const METERS = ["m-sum", "m-count", "m-max"];
const RUN = { runId: "run_1", cut: 1, catalogSeq: 1 };
/** More than a run holds the usage of. */
const MANY = 2_100;

type Watched = RatePlanInput & {
  /** Queries that have begun and not ended, of those that have a row to give. */
  readonly open: Set<UsageQuery>;
  readonly asked: string[];
};

/** Customers with a price for each meter, two versions of it in October, and what their queries do. */
function watched({ customers, fails }: { readonly customers: number; readonly fails?: string }): Watched {
  const prices = METERS.map((meter) => priceOf({ key: meter, meter, price: { model: "per_unit", unitAmount: "1" } }));
  const versions = ["2026-01-01T00:00:00Z", "2026-10-10T00:00:00Z"].map((from) => ({ from, prices }));
  const keys = Array.from({ length: customers }, (_, index) => `c${String(index).padStart(4, "0")}`);
  const catalog = billingCatalog(keys.map((key) => ({ key, customer: key, versions })));
  const open = new Set<UsageQuery>();
  const asked: string[] = [];
  async function* meteredUsage(query: UsageQuery): AsyncGenerator<MeteredUsage> {
    asked.push(query.meter);
    open.add(query);
    await Promise.resolve();
    try {
      if (query.meter === fails) throw new Error("no answer");
      for (const customer of keys)
        yield { customer, quantity: "1", eventCount: "1", shardRanges: [], eventsDigest: "1" };
    } finally {
      open.delete(query);
    }
  }
  const plan = planRating({ catalog, period: parsePeriodArgument("2026-10"), customers: [], spansOf: testSpans });
  return { store: { ...memoryBillingStore(), meteredUsage }, plan, run: RUN, open, asked };
}

// Guarantee: an insert of lines never waits for a query that waits for the lines: connections are few, and whoever has them all keeps the others out.
test.each([
  [2, 0],
  [MANY, 1],
])("while lines of %i customers are written, at most %i queries wait for them", async (customers, most) => {
  const world = watched({ customers });
  let lines = 0;
  let waiting = 0;
  for await (const _line of ratePlan(world)) {
    lines += 1;
    // What is read ahead goes on by itself.
    if (lines % 1_000 === 1) await new Promise((done) => setImmediate(done));
    waiting = Math.max(waiting, lines % 1_000 === 1 ? world.open.size : 0);
  }
  expect(lines).toBe(customers * METERS.length * 2);
  expect(waiting).toBe(most);
});

test("the next price's usage is read while one is rated, and no more than that", async () => {
  const world = watched({ customers: 2 });
  const lines = ratePlan(world);
  await lines.next();
  expect(world.asked).toEqual(["m-sum", "m-count"]);
  await lines.return(undefined);
  expect(world.open.size).toBe(0);
});

test("usage that cannot be read ends the run when its turn comes", async () => {
  const world = watched({ customers: 2, fails: "m-count" });
  const rated: string[] = [];
  const run = async (): Promise<void> => {
    for await (const { lineId } of ratePlan(world)) rated.push(lineId);
  };
  await expect(run()).rejects.toThrow("no answer");
  expect(rated).toHaveLength(2);
  expect(world.open.size).toBe(0);
});
