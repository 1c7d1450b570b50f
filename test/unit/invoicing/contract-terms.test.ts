/** Discounts, commitments and taxes on an invoice, with amounts from published documentation or computed by hand. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ContractTerms, Discount, Taxes } from "../../../src/domain/contract-terms.ts";
import type { Invoice } from "../../../src/domain/invoice.ts";
import { draftInvoice } from "../../../src/invoicing/draft-invoice.ts";
import type { Proration } from "../../../src/kernel/proration.ts";
import { billingTerms, ratedLine, vat, type LineInput, type TermsInput } from "../../support/rated-lines.ts";

type Amounts = Readonly<Record<string, string>>;

function invoiceOf(amounts: Amounts, terms: ContractTerms, more: Omit<TermsInput, "versions"> = {}): Invoice {
  const lines = Object.entries(amounts).map(([price, amount]) => ratedLine({ price, amount, ...more }));
  return draftInvoice(lines, billingTerms({ ...more, versions: [terms] }));
}

const takenOff = (invoice: Invoice): readonly string[] =>
  invoice.lines.flatMap((line) => (line.adjustments ?? []).map(({ key, amount }) => `${line.price} ${key} ${amount}`));
const taxed = (invoice: Invoice): readonly string[] =>
  invoice.lines.flatMap((line) => (line.taxes ?? []).map(({ key, amount }) => `${line.price} ${key} ${amount}`));

describe("discounts", () => {
  test.each([
    // Orb, invoice calculations: 12 off of two prices with subtotals of 5 and 15.
    {
      what: "an amount by the lines' shares",
      discounts: [{ key: "c", amount: "12" }],
      off: ["a c -3", "b c -9"],
      net: "8",
    },
    // Stripe and Flexprice stack coupons on what the ones before left: twice 10 % is 19 %.
    {
      what: "two percentages one after the other",
      discounts: [
        { key: "c", percent: "10" },
        { key: "d", percent: "10" },
      ],
      off: ["a c -0.5", "a d -0.45", "b c -1.5", "b d -1.35"],
      net: "16.2",
    },
    { what: "more than there is", discounts: [{ key: "c", amount: "100" }], off: ["a c -5", "b c -15"], net: "0" },
    { what: "named prices", discounts: [{ key: "c", percent: "50", prices: ["b"] }], off: ["b c -7.5"], net: "12.5" },
    // 33.33 % of 20.00 is 6.666: 6.67, of which 1.6675 and 5.0025.
    {
      what: "a percentage that is rounded once",
      discounts: [{ key: "c", percent: "33.33" }],
      off: ["a c -1.67", "b c -5"],
      net: "13.33",
    },
  ])("$what", ({ discounts, off, net }) => {
    const invoice = invoiceOf({ a: "5", b: "15" }, { discounts });
    expect(takenOff(invoice)).toEqual(off);
    expect(invoice).toMatchObject({ subtotal: "20", net, tax: "0", total: net });
  });

  test("the order in which they are listed counts", () => {
    const half: Discount = { key: "half", percent: "50" };
    const five: Discount = { key: "five", amount: "5" };
    expect(invoiceOf({ a: "20" }, { discounts: [half, five] }).total).toBe("5");
    expect(invoiceOf({ a: "20" }, { discounts: [five, half] }).total).toBe("7.5");
  });

  // Guarantee: a credit on one line (a volume tier that got cheaper in the middle of the month) is neither discounted nor turned into a debt.
  test("lines below zero are left alone, and lower what a discount can take", () => {
    const invoice = invoiceOf({ a: "10", b: "-4" }, { discounts: [{ key: "c", amount: "100" }] });
    expect(takenOff(invoice)).toEqual(["a c -6"]);
    expect(invoice.total).toBe("0");
    expect(invoiceOf({ a: "3", b: "-4" }, { discounts: [{ key: "c", percent: "100" }] }).total).toBe("-1");
  });

  test.each([
    { held: true, discount: { periods: 10 } },
    { held: false, discount: { periods: 9 } },
    { held: true, discount: { from: "2026-10-15T00:00:00Z", periods: 1 } },
    { held: false, discount: { from: "2026-11-01T00:00:00Z" } },
    { held: true, discount: { until: "2026-10-01T00:15:00Z" } },
    { held: false, discount: { until: "2026-10-01T00:00:00Z" } },
  ])("October of a contract since January: $discount holds: $held", ({ held, discount }) => {
    const invoice = invoiceOf({ a: "10" }, { discounts: [{ key: "c", percent: "50", ...discount }] });
    expect(invoice.total).toBe(held ? "5" : "10");
  });

  test("says on the line what it did", () => {
    const invoice = invoiceOf({ a: "5", b: "15" }, { discounts: [{ key: "c", name: "Launch", percent: "20" }] });
    expect(invoice.lines[0]?.adjustments?.[0]?.text).toBe(
      "Launch, 20 % of 20.00 EUR: -4.00 EUR, of which -1.00 EUR on this line",
    );
    expect(invoice.adjustments).toEqual([{ kind: "discount", key: "c", name: "Launch", amount: "-4" }]);
  });
});

describe("commitments", () => {
  const minimum = { commitments: [{ key: "base", name: "Minimum", minimumAmount: "1000" }] };

  // Lago, negotiated contracts: 800 of usage under a minimum of 1,000 gives a true-up of 200, 1,300 gives none.
  test("a shortfall is a line of its own that names what it compares", () => {
    const invoice = invoiceOf({ a: "500", b: "300" }, minimum);
    expect(invoice).toMatchObject({ subtotal: "1000", total: "1000" });
    expect(invoice.lines[2]).toMatchObject({
      lineNumber: 3,
      price: "base",
      description: "Minimum",
      amount: "200",
      ratedLineId: "",
      compares: [invoice.lines[0]?.lineId, invoice.lines[1]?.lineId],
      explanation: [
        "Committed: at least 1000.00 EUR before tax",
        "a: 500.00 EUR",
        "b: 300.00 EUR",
        "Together 800.00 EUR after discounts; missing are 200.00 EUR",
      ],
    });
    expect(invoiceOf({ a: "1300" }, minimum).lines).toHaveLength(1);
  });

  test("a maximum is taken off the lines by exact shares", () => {
    const invoice = invoiceOf({ a: "100", b: "50" }, { commitments: [{ key: "cap", maximumAmount: "100" }] });
    expect(takenOff(invoice)).toEqual(["a cap -33.33", "b cap -16.67"]);
    expect(invoice).toMatchObject({ subtotal: "150", net: "100", total: "100" });
  });

  // OpenMeter, discounts and commitment: percentages first, then minimum and maximum, then taxes.
  test("come after discounts and before taxes", () => {
    const terms = { ...minimum, discounts: [{ key: "c", percent: "50" }], taxes: vat("10") };
    expect(invoiceOf({ a: "1200" }, terms)).toMatchObject({ subtotal: "1600", net: "1000", tax: "100", total: "1100" });
  });

  test("of named prices count no others, and a larger one counts the shortfall of a smaller one", () => {
    const commitments = [
      { key: "all", minimumAmount: "100" },
      { key: "some", prices: ["a"], minimumAmount: "30" },
    ];
    const invoice = invoiceOf({ a: "10", b: "25" }, { commitments });
    expect(invoice.lines.map(({ price, amount }) => `${price} ${amount}`)).toEqual([
      "a 10",
      "b 25",
      "some 20",
      "all 45",
    ]);
    expect(invoice.lines[3]?.compares).toHaveLength(3);
    expect(invoice.total).toBe("100");
  });
});

describe("amounts per billing period, when terms change within it", () => {
  const MIDDLE = "2026-10-16T00:00:00Z";
  const halves = [
    ratedLine({ price: "a", amount: "100", to: MIDDLE }),
    ratedLine({ price: "a", amount: "100", version: 2, from: MIDDLE }),
  ];
  const least = (minimumAmount: string): ContractTerms => ({ commitments: [{ key: "spend", minimumAmount }] });
  const most = (maximumAmount: string): ContractTerms => ({ commitments: [{ key: "cap", maximumAmount }] });
  const off = (amount: string): ContractTerms => ({ discounts: [{ key: "c", amount }] });
  const changed = (proration: Proration, ...[first, second]: readonly ContractTerms[]): Invoice =>
    draftInvoice(halves, billingTerms({ proration, versions: [{ ...first }, { ...second, from: MIDDLE }] }));

  // October has 15 days before the 16th, and 16 from it on.
  test.each<readonly [string, Invoice, string]>([
    ["a minimum of 310, then 620: 150 + 320", changed("day", least("310"), least("620")), "470"],
    ["a minimum that stays", changed("day", least("310"), least("310")), "310"],
    ["a minimum of 31 for the first 15 days is met", changed("day", least("31"), {}), "200"],
    ["a minimum of 310 for the last 16 days: 160 of their own", changed("day", {}, least("310")), "260"],
    ["a maximum of 62, then 124: 30 + 64", changed("day", most("62"), most("124")), "94"],
    ["a maximum of 62 for the last 16 days: 32 of their own", changed("day", {}, most("62")), "132"],
    ["31 off, then 62: 15 + 32", changed("day", off("31"), off("62")), "153"],
    ["31 off for the first 15 days", changed("day", off("31"), {}), "185"],
    ["by the second, days of 24 hours", changed("second", least("310"), least("620")), "470"],
    ["not prorated, a minimum of 310, then 620", changed("none", least("310"), least("620")), "310"],
    ["not prorated, 31 off, then 62", changed("none", off("31"), off("62")), "169"],
  ])("%s", (_, invoice, total) => {
    expect(invoice.total).toBe(total);
  });

  // Guarantee: what the period does not begin with waits for the next one, and takes nothing away until then.
  test("not prorated, a bound that begins in the middle does not hold yet", () => {
    expect(changed("none", {}, most("62")).total).toBe("200");
    expect(changed("none", {}, least("310")).total).toBe("200");
    expect(changed("none", {}, off("62")).total).toBe("200");
  });

  test("of a contract that begins on the 15th are for 17 of 31 days, and say so", () => {
    const from = "2026-10-15T00:00:00Z";
    const lines = [ratedLine({ price: "a", amount: "100", from })];
    const invoiceWith = (terms: ContractTerms): Invoice =>
      draftInvoice(lines, billingTerms({ proration: "day", contractFrom: from, versions: [{ ...terms, from }] }));
    const shortfall = invoiceWith(least("310")).lines[1];
    expect(shortfall).toMatchObject({ price: "spend", amount: "70" });
    expect(shortfall?.explanation?.slice(0, 2)).toEqual([
      "Committed: at least 170.00 EUR before tax",
      "17 of 31 days of 310 EUR: 310 for the first 31, less 140 for the first 14",
    ]);
    const [capped] = invoiceWith(most("31")).lines;
    expect(capped?.adjustments?.map(({ text }) => text)).toEqual([
      "cap, at most 17.00 of 100.00 EUR (17 of 31 days of 31 EUR: 31 for the first 31, less 14 for the first 14): -83.00 EUR",
    ]);
    const [lowered] = invoiceWith(off("31")).lines;
    expect(lowered?.adjustments?.map(({ amount }) => amount)).toEqual(["-17"]);
  });
});

describe("taxes", () => {
  test.each([
    // Stripe, rounding: 0.43 and 4.84 at 15 % give 0.0645 and 0.726; line by line 0.06 + 0.73, on the sum 0.7905.
    {
      what: "rounded by line",
      taxes: vat("15", { rounding: "line" }),
      on: ["a vat 0.06", "b vat 0.73"],
      total: "6.06",
    },
    { what: "rounded by invoice", taxes: vat("15"), on: ["a vat 0.06", "b vat 0.73"], total: "6.06" },
    // 20 %: 0.086 and 0.968 round up one by one (0.09 + 0.97 = 1.06), but 1.054 together is 1.05: the larger remainder has the cent.
    { what: "by line, 20 %", taxes: vat("20", { rounding: "line" }), on: ["a vat 0.09", "b vat 0.97"], total: "6.33" },
    { what: "by invoice, 20 %", taxes: vat("20"), on: ["a vat 0.08", "b vat 0.97"], total: "6.32" },
  ])("$what", ({ taxes, on, total }) => {
    const invoice = invoiceOf({ a: "0.43", b: "4.84" }, { taxes });
    expect(taxed(invoice)).toEqual(on);
    expect(invoice).toMatchObject({ subtotal: "5.27", total });
  });

  // Stripe, inclusive and exclusive: 10 % on 600 is 660; 10 % within 600 stays 600, and 600 / 11 is 54.545….
  test("on top of the amounts, or contained in them", () => {
    expect(invoiceOf({ a: "600" }, { taxes: vat("10") })).toMatchObject({ tax: "60", total: "660" });
    const inclusive = invoiceOf({ a: "600" }, { taxes: vat("10", { amounts: "inclusive" }) });
    expect(inclusive).toMatchObject({ subtotal: "600", net: "545.45", tax: "54.55", total: "600" });
    expect(inclusive.taxes).toMatchObject([{ base: "545.45", amount: "54.55", included: true }]);
  });

  // Flexprice, calculation order: 25 % off 80, 10 off the rest, 8.25 % on 70.
  test("on what discounts leave", () => {
    const discounts = [
      { key: "api", percent: "25", prices: ["api"] },
      { key: "ten", amount: "10" },
    ];
    expect(invoiceOf({ api: "80", fee: "20" }, { discounts, taxes: vat("8.25") })).toMatchObject({
      subtotal: "100",
      net: "70",
      tax: "5.78",
      total: "75.78",
    });
  });

  test("several rates on a line are each on the same base, and contained ones share it", () => {
    const rates = [
      { key: "gst", name: "GST", rate: "5" },
      { key: "pst", name: "PST", rate: "9.975", prices: ["a"] },
    ];
    // 5 % of 150 and 9.975 % of 100.
    const exclusive = invoiceOf({ a: "100", b: "50" }, { taxes: { amounts: "exclusive", rounding: "invoice", rates } });
    expect(exclusive.taxes).toMatchObject([
      { key: "gst", base: "150", amount: "7.5" },
      { key: "pst", base: "100", amount: "9.98" },
    ]);
    // 114.975 contains 5 and 9.975; 105 contains 5.
    const inclusive = invoiceOf(
      { a: "114.98", b: "105" },
      { taxes: { amounts: "inclusive", rounding: "line", rates } },
    );
    expect(taxed(inclusive)).toEqual(["a gst 5", "a pst 9.98", "b gst 5"]);
    expect(inclusive).toMatchObject({ net: "200", total: "219.98" });
  });

  describe("a compound rate taxes another tax too", () => {
    const rates: Taxes["rates"] = [
      { key: "gst", name: "GST", rate: "5" },
      { key: "qst", name: "QST", rate: "8.5", compoundOn: ["gst"] },
    ];

    test("as docs/catalog.md tells", () => {
      const page = readFileSync(join(import.meta.dirname, "../../../docs/catalog.md"), "utf8");
      expect(page).toContain("with GST of 5 % and QST of 8.5 % on it, 100.00 have 5.00 and 8.93 on 105.00");
      const invoice = invoiceOf({ a: "100" }, { taxes: { amounts: "exclusive", rounding: "line", rates } });
      expect(invoice).toMatchObject({ subtotal: "100", tax: "13.93", total: "113.93" });
      expect(invoice.taxes).toMatchObject([
        { key: "gst", base: "100", amount: "5" },
        { key: "qst", base: "105", amount: "8.93" },
      ]);
    });

    // 8.5 % of 157.50 are 13.3875; of 105.00 8.925, of 52.50 4.4625: the cent that is left goes to the first.
    test("on the sum, rounded once, and shared out", () => {
      const invoice = invoiceOf({ a: "100", b: "50" }, { taxes: { amounts: "exclusive", rounding: "invoice", rates } });
      expect(invoice.taxes).toMatchObject([
        { base: "150", amount: "7.5" },
        { base: "157.5", amount: "13.39" },
      ]);
      expect(taxed(invoice)).toEqual(["a gst 5", "a qst 8.93", "b gst 2.5", "b qst 4.46"]);
    });

    // 0.10 has 0.005 of GST, which is 0.01: 50 % of 0.11 are 0.055.
    test("as that is rounded, so that the invoice can be recalculated", () => {
      const halves = rates.map((rate) => (rate.key === "qst" ? { ...rate, rate: "50" } : rate));
      const invoice = invoiceOf({ a: "0.1" }, { taxes: { amounts: "exclusive", rounding: "line", rates: halves } });
      expect(invoice.taxes).toMatchObject([
        { base: "0.1", amount: "0.01" },
        { base: "0.11", amount: "0.06" },
      ]);
    });

    test("where both are on the line", () => {
      const some = rates.map((rate) => (rate.key === "gst" ? { ...rate, prices: ["a"] } : rate));
      const invoice = invoiceOf(
        { a: "100", b: "50" },
        { taxes: { amounts: "exclusive", rounding: "line", rates: some } },
      );
      expect(taxed(invoice)).toEqual(["a gst 5", "a qst 8.93", "b qst 4.25"]);
    });

    // 200 and 10 of GST, 17.85 are 8.5 % of 210; a third one of 10 % on both is 22.785 on 227.85.
    test("that the amount contains, and one on top of both", () => {
      const taxes: Taxes = { amounts: "inclusive", rounding: "invoice", rates };
      const invoice = invoiceOf({ a: "227.85" }, { taxes });
      expect(invoice).toMatchObject({ net: "200", tax: "27.85", total: "227.85" });
      expect(invoice.taxes).toMatchObject([
        { base: "200", amount: "10" },
        { base: "210", amount: "17.85" },
      ]);
      const third = { key: "city", name: "City", rate: "10", compoundOn: ["gst", "qst"] };
      const three = { ...taxes, amounts: "exclusive" as const, rates: [...rates, third] };
      expect(invoiceOf({ a: "200" }, { taxes: three }).taxes?.at(-1)).toMatchObject({
        base: "227.85",
        amount: "22.79",
      });
    });
  });

  test("reverse charge and exemption stand on the invoice with their reason", () => {
    const exemptions = [
      { key: "rc", kind: "reverse_charge" as const, reason: "Article 196 of Directive 2006/112/EC", prices: ["a"] },
    ];
    const rates = [{ key: "vat", name: "VAT", rate: "19", prices: ["b"] }];
    const invoice = invoiceOf(
      { a: "100", b: "10" },
      { taxes: { amounts: "exclusive", rounding: "line", rates, exemptions } },
    );
    expect(invoice.taxes).toEqual([
      {
        key: "rc",
        name: "rc",
        kind: "reverse_charge",
        rate: "0",
        reason: "Article 196 of Directive 2006/112/EC",
        included: false,
        base: "100",
        amount: "0",
      },
      { key: "vat", name: "VAT", kind: "rate", rate: "19", reason: "", included: false, base: "10", amount: "1.9" },
    ]);
    expect(invoice.total).toBe("111.9");
  });

  // Guarantee: a rate goes with the version that holds in the line's period; tax law asks for the rate of the supply.
  test("a rate that changes within the period taxes each part by its own", () => {
    const half: Partial<LineInput> = { to: "2026-10-16T00:00:00Z" };
    const lines = [
      ratedLine({ price: "a", amount: "100", ...half }),
      ratedLine({ price: "a", amount: "100", version: 2, from: "2026-10-16T00:00:00Z" }),
    ];
    const versions = [{ taxes: vat("16") }, { from: "2026-10-16T00:00:00Z", taxes: vat("19") }] as ContractTerms[];
    const invoice = draftInvoice(lines, billingTerms({ versions }));
    expect(invoice.taxes?.map(({ rate, amount }) => `${rate} ${amount}`)).toEqual(["16 16", "19 19"]);
  });

  test.each([
    ["JPY", "999", "99"],
    ["EUR", "9.99", "1"],
    ["KWD", "9.995", "1"],
    ["CLF", "9.9995", "1"],
  ])("are rounded to the minor unit of %s", (currency, amount, tax) => {
    // 10 %, rounded down: 99.9, 0.999, 0.9995 and 0.99995; up: 1.
    const rounding = currency === "JPY" ? "down" : "up";
    expect(invoiceOf({ a: amount }, { taxes: vat("10") }, { currency, rounding }).tax).toBe(tax);
  });
});

// Guarantee: what an invoice without such terms was, it stays, byte for byte.
test("terms that say nothing leave no trace", () => {
  const lines = [ratedLine({ price: "a", amount: "5" })];
  expect(draftInvoice(lines, billingTerms({ versions: [{}] }))).toEqual(draftInvoice(lines));
  expect(Object.keys(draftInvoice(lines))).not.toContain("net");
});
