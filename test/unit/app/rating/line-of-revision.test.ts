/** Runs of the first revision of the rules are repeated as they were written. */
import { expect, test } from "vitest";
import { ratePeriod } from "../../../../src/app/rating/rate-period.ts";
import { repeatRun } from "../../../../src/app/rating/repeat-run.ts";
import type { RatingRunEntry } from "../../../../src/domain/journal-entry.ts";
import { instantOf } from "../../../../src/kernel/instant.ts";
import { billingCatalog, priceOf } from "../../../support/billing-catalog.ts";
import { memoryInvoicing } from "../../../support/memory-invoicing.ts";

/** 20 units at 1, then 19 at 2: 20, and 78 less the 40 that the first 20 come to at 2. */
async function rated() {
  const versions = [
    ["2026-01-01T00:00:00Z", "1"],
    ["2026-10-12T00:00:00Z", "2"],
  ].map(([from = "", unitAmount = ""]) => ({
    from,
    prices: [priceOf({ key: "use", meter: "m-sum", price: { model: "per_unit", unitAmount } })],
  }));
  const { deps, store } = memoryInvoicing(
    billingCatalog([{ key: "acme-2026", customer: "acme", timeZone: "UTC", versions }]),
  );
  for (const [time, value] of [
    ["2026-10-02T00:00:00Z", "20"],
    ["2026-10-20T00:00:00Z", "19"],
  ] as const)
    store.events.push({
      ...{ id: time, customer: "acme", meter: "m-sum", aggregation: "sum", dimensions: {} },
      ...{ time: instantOf(time, "time"), value, cut: 1, shard: 0, seq: 1 },
    });
  const run = await ratePeriod(deps, { period: "2026-10", customers: [] });
  const repeat = (ratingRev: number) =>
    repeatRun({ ...deps, findRun: () => Promise.resolve<RatingRunEntry>({ ...run, ratingRev }) }, run.runId);
  return { run, repeat };
}

// Guarantee: a later part's words are true where the price changed: what lies before was billed 20, and comes to 40 at the new price.
test("a later part is less of what lies before it at its own price", async () => {
  const { run, repeat } = await rated();
  const { rated: lines, linesHash } = await repeat(2);
  expect(linesHash).toBe(run.linesHash);
  expect(lines.map(({ amount }) => amount)).toEqual(["20", "38"]);
  expect(lines[1]?.breakdown).toContainEqual({
    kind: "prior",
    amount: "-40",
    total: "78",
    text: "78 EUR for the period so far at this price, less 40 EUR for what lies before this part",
  });
});

// Guarantee: what an earlier release rated can still be verified and restored by its hashes.
test("a run of revision 1 has that revision's number and words", async () => {
  const { repeat } = await rated();
  const { rated: lines } = await repeat(1);
  expect(lines.map(({ ratingRev, input }) => [ratingRev, input.ratingRev])).toEqual([
    [1, 1],
    [1, 1],
  ]);
  expect(lines[1]?.breakdown).toContainEqual({
    kind: "prior",
    amount: "-40",
    total: "78",
    text: "Of 78 EUR for the period so far, 40 EUR were billed before",
  });
});

test("a run of a revision that is not known is refused", async () => {
  const { repeat } = await rated();
  await expect(repeat(3)).rejects.toThrow("was rated by revision 3 of the rules, this release has 1 and 2");
});
