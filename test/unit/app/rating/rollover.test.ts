/** Free units that roll over from one finalized billing period into the next, computed by hand. */
import { describe, expect, test } from "vitest";
import { draftInvoices } from "../../../../src/app/invoicing/draft-invoices.ts";
import { finalizeInvoices } from "../../../../src/app/invoicing/finalize-invoices.ts";
import { repeatRun, restoreRun } from "../../../../src/app/rating/repeat-run.ts";
import type { RateCardPrice } from "../../../../src/domain/catalog.ts";
import type { RatedLine } from "../../../../src/domain/rated-line.ts";
import type { Rollover } from "../../../../src/domain/usage-discount.ts";
import { instantOf } from "../../../../src/kernel/instant.ts";
import { billingCatalog, priceOf, type TestContract } from "../../../support/billing-catalog.ts";
import { invoicesOf, memoryInvoicing, runsOf } from "../../../support/memory-invoicing.ts";

const SETTINGS = { graceMs: 0, series: "INV" };
const OPEN = "2026-08-01T00:00:00Z";

/** Each unit that is not free costs 1. */
function rolling(freeUnits: string, rollover?: Rollover, more: Partial<RateCardPrice> = {}): RateCardPrice {
  const usageDiscount = { freeUnits, ...(rollover !== undefined && { rollover }) };
  return priceOf({
    key: "calls",
    meter: "m-sum",
    price: { model: "per_unit", unitAmount: "1", usageDiscount },
    ...more,
  });
}

type Version = readonly [from: string, price: RateCardPrice];

function contractOf(versions: readonly Version[], more: Partial<TestContract> = {}): TestContract {
  return {
    key: "k",
    customer: "acme",
    ...more,
    versions: versions.map(([from, price]) => ({ from, prices: [price] })),
  };
}

function billing(...contracts: readonly TestContract[]) {
  const { deps, journal, store, world } = memoryInvoicing(billingCatalog(contracts));
  world.now = instantOf("2027-01-01T00:00:00Z", "now");
  return {
    deps,
    journal,
    use: (day: string, value: string, cut = 1) => {
      const seq = store.events.length + 1;
      const event = {
        meter: "m-sum",
        aggregation: "sum" as const,
        customer: "acme",
        dimensions: {},
        cut,
        shard: 0,
        seq,
      };
      store.events.push({ ...event, id: `e${String(seq)}`, time: instantOf(`${day}T12:00:00Z`, "time"), value });
    },
    finalize: async (period: string): Promise<readonly RatedLine[]> => {
      await finalizeInvoices(deps, { period, customers: [], settings: SETTINGS });
      return linesOf(runsOf(journal).at(-1)?.runId ?? "");
    },
    linesOf,
  };
  function linesOf(runId: string): readonly RatedLine[] {
    const lines = [...store.lines.values()].map(({ line }) => line).filter((line) => line.runId === runId);
    return lines.sort((a, b) => (a.periodFrom < b.periodFrom ? -1 : 1));
  }
}

const amountsOf = (lines: readonly RatedLine[]): readonly string[] => lines.map(({ amount }) => amount);
const leftOf = (lines: readonly RatedLine[]) => lines.at(-1)?.input.rollover?.left;
const grant = (granted: string, quantity: string, periods: number) => ({ granted, quantity, periods });

describe("units that a period leaves over", () => {
  test("are used before the next period's own, those that lapse first first", async () => {
    const { use, finalize } = billing(contractOf([[OPEN, rolling("10", { periods: 3 })]]));
    use("2026-08-03", "4");
    expect(leftOf(await finalize("2026-08"))).toEqual([grant("2026-08-01", "6", 2)]);
    use("2026-09-03", "1");
    expect(leftOf(await finalize("2026-09"))).toEqual([grant("2026-08-01", "5", 1), grant("2026-09-01", "10", 2)]);
    // 25 are free: 5 of August, 10 of September, 7 of October's own.
    use("2026-10-03", "22");
    const october = await finalize("2026-10");
    expect(amountsOf(october)).toEqual(["0"]);
    expect(leftOf(october)).toEqual([grant("2026-10-01", "3", 2)]);
    use("2026-11-03", "20");
    expect(amountsOf(await finalize("2026-11"))).toEqual(["7"]);
  });

  test("are all of them where more was taken back than used", async () => {
    const { use, finalize } = billing(contractOf([[OPEN, rolling("10", { periods: 1 })]]));
    use("2026-08-03", "-4");
    const lines = await finalize("2026-08");
    expect(amountsOf(lines)).toEqual(["-4"]);
    expect(leftOf(lines)).toEqual([grant("2026-08-01", "10", 0)]);
  });

  // Until the 15th 8 of 10 + 6 are used, 4 more afterwards: 12 of 20 + 6.
  test("are counted on when a version begins within the period, with the units of each version", async () => {
    const { use, finalize } = billing(
      contractOf([
        [OPEN, rolling("10", { periods: 2 })],
        ["2026-09-15T00:00:00Z", rolling("20", { periods: 2 })],
      ]),
    );
    use("2026-08-03", "4");
    await finalize("2026-08");
    use("2026-09-03", "8");
    use("2026-09-20", "4");
    const lines = await finalize("2026-09");
    expect(amountsOf(lines)).toEqual(["0", "0"]);
    expect(lines[0]?.input.rollover).toEqual({ rolledIn: [grant("2026-08-01", "6", 1)] });
    expect(lines[1]?.input.rollover).toEqual({
      rolledIn: [grant("2026-08-01", "6", 1)],
      left: [grant("2026-09-01", "14", 1)],
    });
  });

  test("are counted in the zone's days and periods, also from two instants", async () => {
    const { use, finalize } = billing(
      contractOf([[OPEN, rolling("10", { periods: 1 })]], { timeZone: "Europe/Berlin", anchorDay: 15 }),
    );
    use("2026-08-03", "4");
    await finalize("2026-08");
    const range = "2026-08-14T22:00:00Z/2026-08-31T22:00:00Z";
    const [line] = await finalize(range);
    expect(line?.input.rollover?.rolledIn).toEqual([grant("2026-07-15", "6", 0)]);
    const [next] = await finalize("2026-08-31T22:00:00Z/2026-09-14T22:00:00Z");
    expect(next?.input.rollover?.rolledIn).toEqual([grant("2026-08-15", "10", 0)]);
  });
});

describe("units lapse", () => {
  const changed: readonly (readonly [string, RateCardPrice])[] = [
    ["the meter", rolling("10", { periods: 2 }, { meter: "m-count" })],
    ["the filter", rolling("10", { periods: 2 }, { where: { region: "eu" } })],
    [
      "what a unit is",
      rolling("10", undefined, {
        price: {
          model: "per_unit",
          unitAmount: "1",
          unitConversion: { divideBy: "1000" },
          usageDiscount: { freeUnits: "10", rollover: { periods: 2 } },
        },
      }),
    ],
  ];
  test.each(changed)("where %s changes with the period", async (_, price) => {
    const { deps, finalize } = billing(
      contractOf([
        [OPEN, rolling("10", { periods: 2 })],
        ["2026-09-01T00:00:00Z", price],
      ]),
    );
    await finalize("2026-08");
    const [line] = await finalize("2026-09");
    expect(line?.input.rollover).toEqual({ rolledIn: [], left: [grant("2026-09-01", "10", 1)] });
    // Nothing that August left is asked for, so that September can also do without its invoice.
    const alone = billing(
      contractOf([
        [OPEN, rolling("10", { periods: 2 })],
        ["2026-09-01T00:00:00Z", price],
      ]),
    );
    await expect(alone.finalize("2026-09")).resolves.toHaveLength(1);
    expect((await repeatRun(deps, line?.runId ?? "")).wrongHashes).toEqual([]);
  });

  test("where it changes within the period, as if nothing had been rolled over", async () => {
    const other = rolling("10", { periods: 2 }, { where: { region: "" } });
    const { finalize } = billing(
      contractOf([
        [OPEN, rolling("10", { periods: 2 })],
        ["2026-09-15T00:00:00Z", other],
      ]),
    );
    await finalize("2026-08");
    const lines = await finalize("2026-09");
    expect(lines.map(({ input }) => input.rollover?.rolledIn)).toEqual([[grant("2026-08-01", "10", 1)], []]);
    expect(leftOf(lines)).toEqual([grant("2026-09-01", "10", 1)]);
  });

  test("where a version without rollover holds at the end of the period", async () => {
    const versions: readonly Version[] = [
      [OPEN, rolling("10", { periods: 2 })],
      ["2026-09-15T00:00:00Z", rolling("10")],
      ["2026-10-01T00:00:00Z", rolling("10", { periods: 2 })],
    ];
    const { use, finalize } = billing(contractOf(versions));
    await finalize("2026-08");
    use("2026-09-03", "12");
    use("2026-09-20", "3");
    // 12 of 20 are free, and from then on 15 less 12 of 10.
    expect(amountsOf(await finalize("2026-09"))).toEqual(["0", "3"]);
    expect((await finalize("2026-10"))[0]?.input.rollover?.rolledIn).toEqual([]);
  });

  test("where the contract ends, and are not there where it begins", async () => {
    const terms = { from: "2026-08-10T00:00:00Z", to: "2026-09-10T00:00:00Z" };
    const { finalize } = billing(contractOf([["2026-08-10T00:00:00Z", rolling("10", { periods: 2 })]], terms));
    expect(leftOf(await finalize("2026-08"))).toEqual([grant("2026-08-01", "10", 1)]);
    const [line] = await finalize("2026-09");
    expect(line?.input.rollover).toEqual({ rolledIn: [grant("2026-08-01", "10", 1)] });
  });
});

describe("the order of invoices", () => {
  // Guarantee: no period is billed without the units that the one before leaves over, whatever is drafted or finalized first.
  test("a period is finalized after the one before, from a run that knew what that left", async () => {
    const { deps, journal, linesOf, use, finalize } = billing(contractOf([[OPEN, rolling("10", { periods: 1 })]]));
    use("2026-08-03", "4");
    use("2026-09-03", "14");
    const { run } = await draftInvoices(deps, { period: "2026-09", customers: [] });
    const [draft] = linesOf(run.runId);
    expect(draft).toMatchObject({ amount: "4", input: { rollover: { rolledIn: [], awaits: "2026-08-01" } } });
    expect(draft?.breakdown[0]?.["text"]).toBe(
      "10 units free in this period; what the period of 2026-08-01 leaves over is added once its invoice is finalized",
    );
    await expect(finalize("2026-09")).rejects.toMatchObject({
      code: "PERIOD_BEFORE_OPEN",
      kind: "conflict",
      message: expect.stringContaining("2026-08-01T00:00:00Z/2026-09-01T00:00:00Z of contract k") as string,
    });
    await finalize("2026-08");
    expect(amountsOf(await finalize("2026-09"))).toEqual(["0"]);
    expect(invoicesOf(journal).map(({ total }) => total)).toEqual(["0", "0"]);
    // The draft's run is repeated as it was, although more is known today.
    expect(await restoreRun(deps, run.runId)).toMatchObject({ exact: true, differing: [] });
    for (const { runId } of runsOf(journal)) expect(await restoreRun(deps, runId)).toMatchObject({ exact: true });
  });

  test("usage that comes after the invoice changes nothing that it left", async () => {
    const { use, finalize } = billing(contractOf([[OPEN, rolling("10", { periods: 1 })]]));
    use("2026-08-03", "4");
    await finalize("2026-08");
    use("2026-08-04", "6", 3);
    use("2026-09-03", "16", 3);
    const [line] = await finalize("2026-09");
    expect(line).toMatchObject({ amount: "0", input: { rollover: { rolledIn: [grant("2026-08-01", "6", 0)] } } });
  });

  test("a period whose predecessor had other terms, or none, needs no invoice before it", async () => {
    const introduced = contractOf([
      [OPEN, rolling("10")],
      ["2026-09-01T00:00:00Z", rolling("10", { periods: 1 })],
    ]);
    await expect(billing(introduced).finalize("2026-09")).resolves.toHaveLength(1);
    const begun = contractOf([["2026-09-01T00:00:00Z", rolling("10", { periods: 1 })]], {
      from: "2026-09-01T00:00:00Z",
    });
    await expect(billing(begun).finalize("2026-09")).resolves.toHaveLength(1);
  });

  test("each contract waits for its own invoices alone", async () => {
    const rollingFrom = (key: string, from: string) =>
      contractOf([[from, rolling("10", { periods: 1 })]], { key, customer: key, from });
    const { deps, finalize } = billing(
      rollingFrom("acme", "2026-09-01T00:00:00Z"),
      rollingFrom("beta", "2026-08-01T00:00:00Z"),
    );
    await expect(finalize("2026-09")).rejects.toMatchObject({
      message: expect.stringContaining("of contract beta first (1 in all)") as string,
    });
    const own = { period: "2026-09", customers: ["acme"], settings: SETTINGS };
    expect((await finalizeInvoices(deps, own)).finalized).toHaveLength(1);
  });
});
