/** Applying is idempotent: whatever small catalog was applied, its files have nothing more to say, in whatever order they say it. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { emptyJournalState } from "../../../src/app/catalog/fold-journal.ts";
import { planApply, type ApplyPlan } from "../../../src/app/catalog/plan-apply.ts";
import type { JournalState } from "../../../src/app/catalog/fold-journal.ts";
import { instantOf } from "../../../src/kernel/instant.ts";
import { bodiesOfPlan, catalogInFiles, stateAfter } from "../../support/catalog-in-files.ts";

type Entity = { readonly key: string };
type Sections = Readonly<Record<"meters" | "customers" | "rateCards" | "contracts", readonly Entity[]>>;

const RUNS = 100;
const NOW = "2026-11-20T12:00:00Z";
const LATER = "2027-03-03T00:00:00Z";

const key = fc.stringMatching(/^[a-z][a-z0-9._-]{0,8}$/);
const keys = (max: number): fc.Arbitrary<string[]> => fc.uniqueArray(key, { minLength: 1, maxLength: max });
const amount = fc.tuple(fc.nat(9999), fc.nat(999)).map(([whole, part]) => `${whole}.${part}`);

const price = fc.oneof(
  amount.map((unitAmount) => ({ model: "per_unit", unitAmount })),
  fc.tuple(amount, amount).map(([first, rest]) => ({
    model: "graduated",
    tiers: [
      { upTo: "1000", unitAmount: first },
      { upTo: null, unitAmount: rest },
    ],
  })),
  amount.map((packageAmount) => ({ model: "package", packageAmount, packageSize: "100" })),
);

const catalog: fc.Arbitrary<Sections> = fc
  .record({
    meters: keys(4),
    customers: keys(3),
    aliases: fc.boolean(),
    prices: fc.array(price, { minLength: 4, maxLength: 4 }),
    flat: fc.option(amount, { nil: undefined }),
    timeZone: fc.constantFrom("Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"),
    anchorDay: fc.integer({ min: 1, max: 31 }),
    dimensions: fc.boolean(),
  })
  .map(({ meters, customers, aliases, prices, flat, timeZone, anchorDay, dimensions }) => ({
    meters: meters.map((meter, index) => ({
      key: meter,
      eventType: "used",
      ...(index % 2 === 0 ? { aggregation: "count" } : { aggregation: "sum", value: "/data/value" }),
      ...(dimensions ? { dimensions: { region: "/data/region" } } : {}),
    })),
    customers: customers.map((customer) => ({
      key: customer,
      name: `Customer ${customer}`,
      currency: "EUR",
      timeZone,
      ...(aliases ? { aliases: [`${customer}:z`, `${customer}:a`] } : {}),
    })),
    rateCards: [
      {
        key: "card",
        currency: "EUR",
        prices: [
          ...meters.map((meter, index) => ({ key: `p-${meter}`, meter, price: prices[index] })),
          ...(flat === undefined ? [] : [{ key: "fee", price: { model: "flat", amount: flat } }]),
        ],
      },
    ],
    contracts: customers.map((customer) => ({
      key: `of-${customer}`,
      customer,
      rateCard: "card",
      effective: { from: "2026-01-01T00:00:00Z" },
      billing: { interval: "month", anchorDay },
    })),
  }));

function plan(state: JournalState, files: Readonly<Record<string, string>>, now: string): ApplyPlan {
  const { catalog: entities, unread } = catalogInFiles(files);
  return planApply({ state, files: entities, unread, now: instantOf(now, "now"), prune: true });
}

// Guarantee: the files are the whole truth; the same truth again, later, in one file or in four, backwards, and pruning, changes nothing.
test("what was applied has nothing left to apply", () => {
  fc.assert(
    fc.property(catalog, (sections) => {
      const first = plan(emptyJournalState(), { "catalog.json": JSON.stringify(sections) }, NOW);
      expect(first.problems).toEqual([]);
      const entities = Object.values(sections).reduce((sum, list) => sum + list.length, 0);
      expect(first.versions).toHaveLength(entities);
      const state = stateAfter(bodiesOfPlan(first, "first"));
      const apart = Object.entries(sections).map(([section, list]): [string, string] => [
        `${section}.json`,
        JSON.stringify({ [section]: [...list].reverse() }),
      ]);
      for (const files of [{ "catalog.json": JSON.stringify(sections) }, Object.fromEntries(apart)])
        for (const now of [NOW, LATER]) {
          const again = plan(state, files, now);
          expect(again).toMatchObject({ problems: [], versions: [], changes: [] });
        }
    }),
    { numRuns: RUNS },
  );
});
