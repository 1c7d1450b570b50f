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

/** Two customers with a price for each meter, and what their queries do. */
function watched(fails?: string): RatePlanInput & { readonly open: Set<string>; readonly asked: string[] } {
  const prices = METERS.map((meter) => priceOf({ key: meter, meter, price: { model: "per_unit", unitAmount: "1" } }));
  const versions = [{ from: "2026-01-01T00:00:00Z", prices }];
  const catalog = billingCatalog(["acme", "globex"].map((key) => ({ key, customer: key, versions })));
  const open = new Set<string>();
  const asked: string[] = [];
  async function* meteredUsage(query: UsageQuery): AsyncGenerator<MeteredUsage> {
    asked.push(query.meter);
    open.add(query.meter);
    try {
      if (query.meter === fails) throw new Error("no answer");
      yield* memoryBillingStore().meteredUsage(query);
    } finally {
      open.delete(query.meter);
    }
  }
  const plan = planRating({
    catalog,
    period: parsePeriodArgument("2026-10"),
    customers: [],
    spansOf: testSpans,
  });
  return { store: { ...memoryBillingStore(), meteredUsage }, plan, run: RUN, open, asked };
}

test("the next price's usage is asked for while one is rated, and no more than that", async () => {
  const world = watched();
  const lines = ratePlan(world);
  await lines.next();
  expect(world.asked).toEqual(["m-sum", "m-count"]);
  await lines.return(undefined);
  expect([...world.open]).toEqual([]);
});

test("usage that cannot be read ends the run when its turn comes", async () => {
  const world = watched("m-count");
  const rated: string[] = [];
  const run = async (): Promise<void> => {
    for await (const { lineId } of ratePlan(world)) rated.push(lineId);
  };
  await expect(run()).rejects.toThrow("no answer");
  expect(rated).toHaveLength(2);
  expect([...world.open]).toEqual([]);
});
