/** From rated lines to an invoice: order, ids, totals, and what may not be mixed. */
import { expect, test } from "vitest";
import type { RatedLine } from "../../../src/domain/rated-line.ts";
import { draftInvoice, invoiceIdOf } from "../../../src/invoicing/draft-invoice.ts";
import { finalizableFrom, finalizeInvoice, overlaps } from "../../../src/invoicing/finalize-invoice.ts";
import { invoiceNumber } from "../../../src/invoicing/invoice-number.ts";
import { instantOf } from "../../../src/kernel/instant.ts";

const LINE: RatedLine = {
  runId: "run_1",
  lineId: "k/1/2026-10-01T00:00:00Z/tokens",
  customer: "acme",
  contract: "k",
  contractVersion: 1,
  contractHash: "ch",
  rateCard: "card",
  rateCardVersion: 1,
  price: "tokens",
  meter: "m",
  aggregation: "sum",
  where: {},
  description: "Tokens",
  billingFrom: "2026-10-01T00:00:00Z",
  billingTo: "2026-11-01T00:00:00Z",
  periodFrom: "2026-10-01T00:00:00Z",
  periodTo: "2026-11-01T00:00:00Z",
  quantity: "3",
  amount: "0.105",
  amountRounded: "0.11",
  currency: "EUR",
  eventCount: "3",
  shardRanges: [],
  eventsDigest: "7",
  cut: 4,
  catalogSeq: 9,
  ratingRev: 1,
  input: {
    ratingRev: 1,
    currency: "EUR",
    rounding: "half_up",
    price: { model: "per_unit", unitAmount: "0.035" },
    quantity: "3",
  },
  breakdown: [],
};

test("the total is the sum of the rounded lines, not the rounded sum of the exact ones", () => {
  const lines = ["a", "b", "c"].map((price) => ({ ...LINE, price, lineId: `k/1/2026-10-01T00:00:00Z/${price}` }));
  expect(draftInvoice(lines)).toMatchObject({ subtotal: "0.33", tax: "0", total: "0.33" });
});

// Guarantee: the order in which lines are read does not matter: same invoice, same root.
test("lines stand in the order of their periods and prices, however they came", () => {
  const later = {
    ...LINE,
    contractVersion: 2,
    periodFrom: "2026-10-10T00:00:00Z",
    lineId: "k/2/2026-10-10T00:00:00Z/a",
    price: "a",
  };
  const fee = { ...LINE, price: "fee", meter: "", lineId: "k/1/2026-10-01T00:00:00Z/fee" };
  const invoice = draftInvoice([later, LINE, fee]);
  expect(invoice.lines.map((line) => [line.lineNumber, line.price])).toEqual([
    [1, "fee"],
    [2, "tokens"],
    [3, "a"],
  ]);
  expect(invoice.lines[0]?.lineId).toBe(`${invoice.invoiceId}-1`);
  expect(draftInvoice([fee, later, LINE])).toEqual(invoice);
});

test("the id follows from contract and period alone", () => {
  const id = invoiceIdOf({ contract: "k", periodFrom: LINE.billingFrom, periodTo: LINE.billingTo });
  expect(id).toMatch(/^inv_[0-9a-f]{20}$/);
  expect(draftInvoice([{ ...LINE, runId: "run_2", cut: 5, amountRounded: "9" }]).invoiceId).toBe(id);
  expect(invoiceIdOf({ contract: "k2", periodFrom: LINE.billingFrom, periodTo: LINE.billingTo })).not.toBe(id);
});

test("lines of two runs, contracts or currencies make no invoice", () => {
  for (const other of [
    { runId: "run_2" },
    { contract: "k2" },
    { currency: "USD" },
    { customer: "beta" },
    { billingTo: "2026-12-01T00:00:00Z" },
  ]) {
    expect(() => draftInvoice([LINE, { ...LINE, ...other }])).toThrow(/belong to two invoices/);
  }
  expect(() => draftInvoice([])).toThrow(/missing/);
});

test("a number is the series and the position, with six digits or more", () => {
  expect(invoiceNumber("INV", 42)).toBe("INV-000042");
  expect(invoiceNumber("INV", 12_345_678)).toBe("INV-12345678");
  expect(() => invoiceNumber("inv", 1)).toThrow(/up to 16 capitals/);
  expect(() => invoiceNumber("INV", 0)).toThrow(/not a number from 1/);
});

test("finalizing adds number and time and changes nothing else", () => {
  const draft = draftInvoice([LINE]);
  const finalizedAt = instantOf("2026-11-03T09:00:00Z", "finalizedAt");
  expect(finalizeInvoice(draft, { series: "INV", position: 7, finalizedAt })).toEqual({
    ...draft,
    series: "INV",
    position: 7,
    number: "INV-000007",
    finalizedAt: "2026-11-03T09:00:00Z",
  });
  expect(finalizableFrom(draft, 3_600_000)).toBe(instantOf("2026-11-01T01:00:00Z", "due"));
});

test("periods of one contract overlap, those of two or side by side do not", () => {
  const october = draftInvoice([LINE]);
  const other = (changes: Partial<RatedLine>) => draftInvoice([{ ...LINE, ...changes }]);
  expect(overlaps(october, other({ billingFrom: "2026-10-31T23:45:00Z", billingTo: "2026-12-01T00:00:00Z" }))).toBe(
    true,
  );
  expect(overlaps(october, other({ billingFrom: "2026-11-01T00:00:00Z", billingTo: "2026-12-01T00:00:00Z" }))).toBe(
    false,
  );
  expect(overlaps(october, other({ contract: "k2", billingTo: "2026-12-01T00:00:00Z" }))).toBe(false);
  expect(overlaps(october, october)).toBe(false);
});
