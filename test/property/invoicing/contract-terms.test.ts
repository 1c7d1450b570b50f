/** Invoices of random lines under random terms add up in every way there is to add them up. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Commitment, ContractTerms, Discount, Taxes } from "../../../src/domain/contract-terms.ts";
import type { Invoice, InvoiceLine } from "../../../src/domain/invoice.ts";
import { draftInvoice } from "../../../src/invoicing/draft-invoice.ts";
import { ROUNDING_MODES } from "../../../src/kernel/decimal.ts";
import { currencyExponent } from "../../../src/kernel/currency.ts";
import { billingTerms, ratedLine, type TermsInput } from "../../support/rated-lines.ts";

const PRICES = ["a", "b", "c", "d"] as const;
const places = (currency: string): number => currencyExponent(currency);

/** Minor units as a decimal text. */
function amountOf(units: bigint, currency: string): string {
  const digits = places(currency);
  const text = (units < 0n ? -units : units).toString().padStart(digits + 1, "0");
  const whole = digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
  return `${units < 0n ? "-" : ""}${digits === 0 ? whole : whole.replace(/\.?0+$/, "")}`;
}
/** Whole numbers of 10^-12, so that sums need no library. */
function scaled(text: string): bigint {
  const [whole = "0", fraction = ""] = text.replace("-", "").split(".");
  const value = BigInt(whole + fraction.padEnd(12, "0"));
  return text.startsWith("-") ? -value : value;
}
const sum = (texts: readonly string[]): bigint => texts.reduce((total, text) => total + scaled(text), 0n);

const subset = fc.option(fc.subarray([...PRICES], { minLength: 1 }), { nil: undefined });
const percent = fc.integer({ min: 0, max: 100_000 }).map((thousandths) => amountOf(BigInt(thousandths), "KWD"));
const named = (prices: readonly string[] | undefined) => (prices === undefined ? {} : { prices: [...prices] });

const discounts = (currency: string): fc.Arbitrary<Discount[]> =>
  fc.uniqueArray(
    fc
      .tuple(fc.constantFrom("x", "y", "z"), fc.boolean(), percent, fc.bigInt(0n, 50_000n), subset)
      .map(([key, byPercent, rate, units, prices]) => ({
        key,
        ...named(prices),
        ...(byPercent ? { percent: rate } : { amount: amountOf(units, currency) }),
      })),
    { maxLength: 3, selector: ({ key }) => key },
  );
const commitments = (currency: string): fc.Arbitrary<Commitment[]> =>
  fc.tuple(fc.bigInt(0n, 50_000n), fc.bigInt(0n, 50_000n), fc.bigInt(0n, 50_000n)).map(([low, more, inner]) => [
    {
      key: "all",
      minimumAmount: amountOf(low + inner, currency),
      maximumAmount: amountOf(low + inner + more, currency),
    },
    { key: "some", prices: ["a", "b"], minimumAmount: amountOf(inner, currency) },
  ]);
const taxes: fc.Arbitrary<Taxes> = fc
  .tuple(
    fc.constantFrom("exclusive" as const, "inclusive" as const),
    fc.constantFrom("line" as const, "invoice" as const),
    percent,
    percent,
    subset,
    fc.boolean(),
  )
  .map(([amounts, rounding, rate, other, prices, isCompound]) => ({
    amounts,
    rounding,
    rates: [
      { key: "vat", name: "VAT", rate },
      { key: "city", name: "City", rate: other, ...named(prices), ...(isCompound && { compoundOn: ["vat"] }) },
    ],
  }));

type World = {
  readonly terms: Omit<TermsInput, "versions">;
  readonly spanning: ContractTerms;
  readonly amounts: readonly string[];
};
const world: fc.Arbitrary<World> = fc
  .tuple(fc.constantFrom("JPY", "EUR", "KWD", "CLF"), fc.constantFrom(...ROUNDING_MODES))
  .chain(([currency, rounding]) =>
    fc
      .record({
        discounts: discounts(currency),
        commitments: fc.option(commitments(currency), { nil: undefined }),
        taxes: fc.option(taxes, { nil: undefined }),
        units: fc.array(fc.bigInt(-2_000n, 30_000n), { minLength: 1, maxLength: PRICES.length }),
      })
      .map(({ units, commitments: committed, taxes: own, discounts: listed }) => ({
        terms: { currency, rounding },
        spanning: {
          discounts: listed,
          ...(committed !== undefined && { commitments: committed }),
          ...(own !== undefined && { taxes: own }),
        },
        amounts: units.map((amount) => amountOf(amount, currency)),
      })),
  );

function invoiceOf({ terms, spanning, amounts }: World, reversed = false): Invoice {
  const lines = amounts.map((amount, index) =>
    ratedLine({ price: PRICES[index] ?? "a", amount, currency: terms.currency ?? "EUR" }),
  );
  return draftInvoice(reversed ? lines.toReversed() : lines, billingTerms({ ...terms, versions: [spanning] }));
}

const adjustmentsOf = (line: InvoiceLine): bigint => sum((line.adjustments ?? []).map(({ amount }) => amount));

// Guarantee: subtotal, discounts, net, taxes and total are sums of the lines' shares, with nothing left over.
test("every total is the sum of its parts", () => {
  fc.assert(
    fc.property(world, (given) => {
      const invoice = invoiceOf(given);
      expect(scaled(invoice.subtotal)).toBe(sum(invoice.lines.map(({ amount }) => amount)));
      expect(scaled(invoice.net ?? invoice.subtotal)).toBe(sum(invoice.lines.map((line) => line.net ?? line.amount)));
      expect(scaled(invoice.total)).toBe(scaled(invoice.net ?? invoice.subtotal) + scaled(invoice.tax));
      expect(scaled(invoice.tax)).toBe(sum((invoice.taxes ?? []).map(({ amount }) => amount)));
      for (const tax of invoice.taxes ?? []) {
        const own = invoice.lines.flatMap((line) => (line.taxes ?? []).filter(({ key }) => key === tax.key));
        expect(scaled(tax.amount)).toBe(sum(own.map(({ amount }) => amount)));
        expect(scaled(tax.base)).toBe(sum(own.map(({ base }) => base)));
      }
      for (const line of invoice.lines) {
        const included = (line.taxes ?? []).filter((tax) => tax.included).map(({ amount }) => amount);
        expect(scaled(line.net ?? line.amount)).toBe(scaled(line.amount) + adjustmentsOf(line) - sum(included));
      }
    }),
  );
});

test("nothing is taken below zero, and inclusive amounts are what is paid", () => {
  fc.assert(
    fc.property(world, (given) => {
      const invoice = invoiceOf(given);
      for (const line of invoice.lines) {
        const left = scaled(line.amount) + adjustmentsOf(line);
        expect(left >= 0n || (left === scaled(line.amount) && left < 0n)).toBe(true);
      }
      if (given.spanning.taxes?.amounts !== "inclusive") return;
      expect(scaled(invoice.total)).toBe(
        scaled(invoice.subtotal) + sum((invoice.adjustments ?? []).map(({ amount }) => amount)),
      );
    }),
  );
});

test("commitments hold before tax", () => {
  fc.assert(
    fc.property(world, (given) => {
      const [all] = given.spanning.commitments ?? [];
      if (all === undefined) return;
      const invoice = invoiceOf(given);
      const left = invoice.lines.reduce((total, line) => total + scaled(line.amount) + adjustmentsOf(line), 0n);
      expect(left >= scaled(all.minimumAmount ?? "0") && left <= scaled(all.maximumAmount ?? "0")).toBe(true);
    }),
  );
});

// Guarantee: rounded by invoice, a tax is within the rounding of its exact value whatever the lines are; rounded by line, each line's is.
test("a tax differs from its exact value by less than one minor unit, of the invoice or of each line", () => {
  fc.assert(
    fc.property(world, (given) => {
      const { taxes: stated } = given.spanning;
      if (stated === undefined || stated.amounts !== "exclusive") return;
      const unit = 10n ** BigInt(12 - places(given.terms.currency ?? "EUR"));
      const invoice = invoiceOf(given);
      const near = (amount: string, base: string, rate: string): void => {
        const off = scaled(amount) * 100n * 10n ** 12n - scaled(base) * scaled(rate);
        expect((off < 0n ? -off : off) < unit * 100n * 10n ** 12n).toBe(true);
      };
      if (stated.rounding === "invoice") for (const tax of invoice.taxes ?? []) near(tax.amount, tax.base, tax.rate);
      for (const tax of invoice.lines.flatMap((line) => line.taxes ?? [])) near(tax.amount, tax.base, tax.rate);
    }),
  );
});

test("the order of the lines changes nothing", () => {
  fc.assert(
    fc.property(world, (given) => {
      expect(invoiceOf(given, true)).toEqual(invoiceOf(given));
    }),
  );
});
