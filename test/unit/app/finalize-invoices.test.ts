/** Finalization: who gets which number, what blocks it, and what a repetition finds. */
import { describe, expect, test } from "vitest";
import { draftInvoices } from "../../../src/app/invoicing/draft-invoices.ts";
import { finalizeInvoices } from "../../../src/app/invoicing/finalize-invoices.ts";
import { ratePeriod } from "../../../src/app/rating/rate-period.ts";
import { restoreRun } from "../../../src/app/rating/repeat-run.ts";
import { invoiceLineHash } from "../../../src/domain/invoice-hash.ts";
import { WEEKDAYS } from "../../../src/domain/price-hours.ts";
import { merkleRoot } from "../../../src/invoicing/merkle.ts";
import { instantOf } from "../../../src/kernel/instant.ts";
import { billingCatalog, priceOf, type TestContract } from "../../support/billing-catalog.ts";
import { invoicesOf, memoryInvoicing, runsOf } from "../../support/memory-invoicing.ts";
import type { WrittenEvent } from "../../support/usage-writer.ts";

const SETTINGS = { graceMs: 24 * 3_600_000, series: "INV" };
const OCTOBER = { period: "2026-10", customers: [], settings: SETTINGS };
const FEE = priceOf({ key: "fee", price: { model: "flat", amount: "10" } });
const SUM = priceOf({ key: "tokens", meter: "m-sum", price: { model: "per_unit", unitAmount: "0.005" } });

describe("finalizing at once", () => {
  // Guarantee: however many processes finalize at once, each contract period gets one invoice, and the numbers have no gap.
  test("20 processes give one invoice per contract and numbers without a gap", async () => {
    const { deps, journal } = memoryInvoicing(billingCatalog(manyContracts(130)));
    const results = await Promise.all(Array.from({ length: 20 }, () => finalizeInvoices(deps, OCTOBER)));
    const invoices = invoicesOf(journal);
    expect(invoices.map((invoice) => invoice.position)).toEqual(Array.from({ length: 130 }, (_, index) => index + 1));
    expect(new Set(invoices.map((invoice) => invoice.invoiceId)).size).toBe(130);
    expect(invoices[41]?.number).toBe("INV-000042");
    expect(results.reduce((sum, result) => sum + result.finalized.length, 0)).toBe(130);
    for (const result of results) expect(result.finalized.length + result.already.length).toBe(130);
  });

  test("a second finalization changes nothing and says what was done before", async () => {
    const { deps, journal, world } = memoryInvoicing(billingCatalog(manyContracts(3)));
    const first = await finalizeInvoices(deps, OCTOBER);
    const entries = journal.entries.length;
    const second = await finalizeInvoices(deps, OCTOBER);
    expect(second).toMatchObject({ finalized: [], already: first.finalized.map(({ number }) => ({ number })) });
    expect(journal.entries.length).toBe(entries);
    expect(world.projected).toBeGreaterThan(1);
  });

  // Guarantee: a process that died after some invoices leaves whole ones; the next one numbers the rest behind them.
  test("a repetition after a death half way does the rest", async () => {
    const { deps, journal } = memoryInvoicing(billingCatalog(manyContracts(120)));
    let appends = 0;
    const dying = {
      ...deps,
      journal: {
        ...deps.journal,
        append: (input: Parameters<typeof deps.journal.append>[0]) =>
          ++appends > 51 ? Promise.reject(new Error("killed")) : deps.journal.append(input),
      },
    };
    await expect(finalizeInvoices(dying, OCTOBER)).rejects.toThrow("killed");
    expect(invoicesOf(journal)).toHaveLength(50);
    const rest = await finalizeInvoices(deps, OCTOBER);
    expect(rest.finalized).toHaveLength(70);
    expect(invoicesOf(journal).map((invoice) => invoice.position)).toEqual(
      Array.from({ length: 120 }, (_, index) => index + 1),
    );
    expect(runsOf(journal)).toHaveLength(1);
  });
});

describe("what blocks a finalization", () => {
  test("the grace after the period's end", async () => {
    const { deps, journal, world } = memoryInvoicing(billingCatalog(manyContracts(1)));
    world.now = instantOf("2026-11-01T23:59:59Z", "now");
    await expect(finalizeInvoices(deps, OCTOBER)).rejects.toMatchObject({
      code: "INVOICE_NOT_DUE",
      message: expect.stringContaining("2026-11-02T00:00:00Z") as string,
    });
    expect(journal.entries).toHaveLength(0);
    world.now = instantOf("2026-11-02T00:00:00Z", "now");
    expect((await finalizeInvoices(deps, OCTOBER)).finalized).toHaveLength(1);
  });

  test("a failed verification", async () => {
    const { deps, journal } = memoryInvoicing(billingCatalog(manyContracts(1)));
    const discrepancy = { check: "windows", table: "usage_windows", key: "acme", problem: "sum is 2, recomputed 3" };
    const failing = { ...deps, verifyForFinalize: () => Promise.resolve([discrepancy]) };
    await expect(finalizeInvoices(failing, OCTOBER)).rejects.toMatchObject({
      code: "FINALIZE_UNVERIFIED",
      kind: "mismatch",
    });
    expect(invoicesOf(journal)).toHaveLength(0);
  });

  test("rated lines that are not those of the recorded run", async () => {
    const { deps, store, journal } = memoryInvoicing(billingCatalog(manyContracts(1)));
    await ratePeriod(deps, { period: "2026-10", customers: [] });
    const [key, stored] = [...store.lines][0] ?? [];
    if (key === undefined || stored === undefined) throw new Error("no rated line");
    store.lines.set(key, { ...stored, line: { ...stored.line, amountRounded: "11" } });
    await expect(finalizeInvoices(deps, OCTOBER)).rejects.toMatchObject({ code: "RATED_LINES_CHANGED" });
    expect(invoicesOf(journal)).toHaveLength(0);
  });

  test("a price without its meter, and usage without a price, each by name", async () => {
    const missing = billingCatalog([contractOf({ prices: [{ ...SUM, meter: "m-none" }] })]);
    await expect(finalizeInvoices(memoryInvoicing(missing).deps, OCTOBER)).rejects.toMatchObject({
      code: "RATING_IMPOSSIBLE",
      message: expect.stringContaining("m-none") as string,
    });
    const unpriced = memoryInvoicing(billingCatalog([contractOf({ prices: [FEE] })]));
    unpriced.store.events.push(eventOf({ value: "5" }));
    await expect(finalizeInvoices(unpriced.deps, OCTOBER)).rejects.toMatchObject({
      code: "USAGE_UNPRICED",
      message: expect.stringContaining("customer acme, meter m-sum") as string,
    });
    const free = memoryInvoicing(billingCatalog([{ ...contractOf({ prices: [FEE] }), unpriced: "free" }]));
    free.store.events.push(eventOf({ value: "5" }));
    expect((await finalizeInvoices(free.deps, OCTOBER)).finalized[0]?.total).toBe("10");
  });

  // Guarantee: a gap of a quarter of an hour between prices is no gap as long as nobody uses it, and names the usage once somebody does.
  test("usage in hours without a price, and no other", async () => {
    const span = (from: string, to: string) => ({ in: [{ days: WEEKDAYS, from, to }] });
    const day = { ...SUM, key: "day", when: span("08:00", "20:00") };
    const night = { ...SUM, key: "night", when: span("20:15", "08:00") };
    const finalizing = (time: string, others: Partial<TestContract> = {}) => {
      const { deps, store } = memoryInvoicing(
        billingCatalog([{ ...contractOf({ prices: [day, night] }), timeZone: "Asia/Kathmandu", ...others }]),
      );
      store.events.push({ ...eventOf({ value: "5" }), time: instantOf(time, "time") });
      return finalizeInvoices(deps, OCTOBER);
    };
    // Kathmandu is 5:45 ahead: 20:14:59 and 20:15 there are 14:29:59 and 14:30 in UTC.
    await expect(finalizing("2026-10-14T14:29:59Z")).rejects.toMatchObject({
      code: "USAGE_UNPRICED",
      message: expect.stringContaining("1 used meters have no price") as string,
    });
    expect((await finalizing("2026-10-14T14:30:00Z")).finalized).toHaveLength(1);
    expect((await finalizing("2026-10-14T14:14:59Z")).finalized).toHaveLength(1);
    expect((await finalizing("2026-10-14T14:29:59Z", { unpriced: "free" })).finalized).toHaveLength(1);
  });

  test("a period that overlaps a finalized one", async () => {
    const { deps } = memoryInvoicing(billingCatalog(manyContracts(1)));
    await finalizeInvoices(deps, OCTOBER);
    const overlapping = { ...OCTOBER, period: "2026-10-15T00:00:00Z/2026-11-02T00:00:00Z" };
    await expect(finalizeInvoices(deps, overlapping)).rejects.toMatchObject({ code: "INVOICE_OVERLAPS" });
  });
});

// Guarantee: what was used after a draft in the middle of the period is billed all the same.
test("a run from before the period's end is not finalized: the period is rated again", async () => {
  const { deps, journal, store, invoiceStore, world } = memoryInvoicing(
    billingCatalog([contractOf({ prices: [SUM] })]),
  );
  store.events.push(eventOf({ value: "1000" }));
  world.now = instantOf("2026-10-20T00:00:00Z", "now");
  const { drafted } = await draftInvoices(deps, { period: "2026-10", customers: [] });
  expect(drafted[0]?.total).toBe("5");
  expect([...invoiceStore.drafts.keys()]).toEqual([drafted[0]?.invoiceId]);
  store.events.push(eventOf({ value: "1000", id: "e2", cut: world.cut }));
  world.now = instantOf("2026-11-05T00:00:00Z", "now");
  const { finalized } = await finalizeInvoices(deps, OCTOBER);
  expect(finalized[0]).toMatchObject({ invoiceId: drafted[0]?.invoiceId, total: "10" });
  expect(runsOf(journal)).toHaveLength(2);
});

// Guarantee: a run that died early and was gone on with late knows less than one that began in between; the invoice has what that one knew.
test("of two runs the one of the later cut is finalized, whichever was recorded last", async () => {
  const { deps, journal, store } = memoryInvoicing(billingCatalog([contractOf({ prices: [SUM] })]));
  store.events.push(eventOf({ value: "1000" }));
  const october = { period: "2026-10", customers: [] };
  const write = () => Promise.reject(new Error("killed"));
  const ratedLineBatch = () => ({ ...deps.store.ratedLineBatch(), write });
  const dying = { ...deps, store: { ...deps.store, ratedLineBatch } };
  await expect(ratePeriod(dying, october)).rejects.toThrow("killed");
  store.events.push(eventOf({ value: "1000", id: "e2", cut: 2 }));
  await ratePeriod(deps, { ...october, customers: ["acme"] });
  await ratePeriod(deps, { ...october, resume: true });
  expect(runsOf(journal).map(({ cut }) => cut)).toEqual([2, 1]);
  const { finalized } = await finalizeInvoices(deps, { ...OCTOBER, customers: ["acme"] });
  expect(finalized[0]).toMatchObject({ cut: 2, total: "10" });
  expect(runsOf(journal)).toHaveLength(2);
});

test("a finalized invoice adds up, and its root proves its lines", async () => {
  const { deps, journal, store } = memoryInvoicing(billingCatalog([contractOf({ prices: [FEE, SUM] })]));
  store.events.push(eventOf({ value: "1.5" }));
  await finalizeInvoices(deps, OCTOBER);
  const [invoice] = invoicesOf(journal);
  expect(invoice?.lines.map((line) => [line.price, line.quantity, line.amountExact, line.amount])).toEqual([
    ["fee", "1", "10", "10"],
    ["tokens", "1.5", "0.0075", "0.01"],
  ]);
  expect(invoice).toMatchObject({
    subtotal: "10.01",
    tax: "0",
    total: "10.01",
    periodFrom: "2026-10-01T00:00:00Z",
    periodTo: "2026-11-01T00:00:00Z",
  });
  expect(invoice?.merkleRoot).toBe(merkleRoot((invoice?.lines ?? []).map((line) => invoiceLineHash(line))));
});

// Guarantee: late usage changes no run; lines that are gone come back with the same bytes, lines that were changed are named and kept.
test("a run is repeated to the same bytes after late usage, and missing lines are restored", async () => {
  const { deps, store, world } = memoryInvoicing(billingCatalog([contractOf({ prices: [FEE, SUM] })]));
  store.events.push(eventOf({ value: "7" }));
  const run = await ratePeriod(deps, { period: "2026-10", customers: [] });
  const before = JSON.stringify([...store.lines]);
  store.events.push(eventOf({ value: "1000", id: "late", cut: world.cut }));
  store.lines.clear();
  expect(await restoreRun(deps, run.runId)).toMatchObject({ exact: true, rewritten: 2, differing: [] });
  expect(JSON.stringify([...store.lines])).toBe(before);
  const [key, stored] = [...store.lines][1] ?? [];
  if (key === undefined || stored === undefined) throw new Error("no rated line");
  store.lines.set(key, { ...stored, line: { ...stored.line, amount: "1" } });
  expect(await restoreRun(deps, run.runId)).toMatchObject({ exact: false, differing: [stored.line.lineId] });
  await expect(restoreRun(deps, "run_unknown")).rejects.toMatchObject({ code: "RUN_UNKNOWN" });
});

function manyContracts(count: number): readonly TestContract[] {
  return Array.from({ length: count }, (_, index) => {
    const number = String(index).padStart(3, "0");
    return { key: `k-${number}`, customer: `c-${number}`, versions: [{ from: "2026-01-01T00:00:00Z", prices: [FEE] }] };
  });
}

function contractOf(input: { readonly prices: TestContract["versions"][number]["prices"] }): TestContract {
  return { key: "k", customer: "acme", versions: [{ from: "2026-01-01T00:00:00Z", prices: input.prices }] };
}

function eventOf(input: { value: string; id?: string; cut?: number }): WrittenEvent {
  return {
    meter: "m-sum",
    aggregation: "sum",
    customer: "acme",
    time: instantOf("2026-10-10T10:00:00Z", "time"),
    id: input.id ?? "e1",
    value: input.value,
    dimensions: {},
    cut: input.cut ?? 1,
    shard: 0,
    seq: 1,
  };
}
