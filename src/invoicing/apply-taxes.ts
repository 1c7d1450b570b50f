/**
 * Taxes of the lines. Every rate is applied to the line as the adjustments left it, none to another tax. Where taxes are rounded per invoice, a
 * rate's tax is computed on the exact sum of its lines and rounded once, and the lines have exact shares of it; where they are rounded per line,
 * the invoice has the sum. Either way the lines' taxes add up to the invoice's.
 */
import type { LineTax } from "../domain/invoice.ts";
import { concerns, type Taxes } from "../domain/contract-terms.ts";
import { present } from "../kernel/assert.ts";
import { canonicalJson } from "../kernel/canonical-json.ts";
import { currencyExponent } from "../kernel/currency.ts";
import { ONE, decimal, decimalText, divide, sumDecimals, type Decimal } from "../kernel/decimal.ts";
import { roundShares } from "./allocate.ts";
import type { BillingTerms } from "./billing-terms.ts";
import type { DraftLine } from "./draft-line.ts";

const HUNDRED = decimal("100");

/** The taxes of each line, in the order of the lines; undefined where its contract version says nothing about taxes. */
export function taxesOf(lines: readonly DraftLine[], terms: BillingTerms): readonly (readonly LineTax[] | undefined)[] {
  const taxesOfVersion = new Map(terms.parts.map((part) => [part.contractVersion, part.terms.taxes]));
  const found = lines.map((line) => {
    const taxes = taxesOfVersion.get(line.line.contractVersion);
    return taxes === undefined ? undefined : exactTaxes(line, taxes);
  });
  const groups = Map.groupBy(
    found.flat().filter((tax) => tax !== undefined),
    (tax) => tax.group,
  );
  const amounts = new Map([...groups.values()].flatMap((group) => roundedTaxes(group, terms)));
  return found.map((taxes, index) => {
    const own = taxes?.map((tax) => ({ ...tax, amount: present(amounts.get(tax), "the amount of a tax") }));
    const left = present(lines[index], "the line of a tax").left;
    const included = sumDecimals((own ?? []).filter(({ tax }) => tax.included).map(({ amount }) => amount));
    const base = decimalText(left.minus(included));
    return own?.map(({ tax, amount }) => ({ ...tax, base, amount: decimalText(amount) }));
  });
}

type ExactTax = {
  readonly tax: Omit<LineTax, "base" | "amount">;
  /** Taxes that are rounded together are alike in everything but their lines. */
  readonly group: string;
  readonly rounding: Taxes["rounding"];
  /** The exact tax is the dividend over the divisor: of a tax that is contained in the amount, the quotient may not end. */
  readonly dividend: Decimal;
  readonly divisor: Decimal;
};

function exactTaxes(line: DraftLine, taxes: Taxes): readonly ExactTax[] {
  const { rounding } = taxes;
  const included = taxes.amounts === "inclusive";
  const { price } = line.line;
  const rates = (taxes.rates ?? []).filter((rate) => concerns(rate, price));
  const exemptions = (taxes.exemptions ?? []).filter((exemption) => concerns(exemption, price));
  const all = sumDecimals(rates.map((rate) => decimal(rate.rate)));
  const divisor = included ? HUNDRED.plus(all) : HUNDRED;
  const stated = [
    ...rates.map(({ key, name, rate }) => ({ key, name, kind: "rate" as const, rate, reason: "", included })),
    ...exemptions.map(({ key, kind, reason }) => ({ key, name: key, kind, rate: "0", reason, included })),
  ];
  return stated.map((tax) => ({
    tax,
    group: canonicalJson([tax, rounding]),
    rounding,
    dividend: line.left.times(decimal(tax.rate)),
    divisor,
  }));
}

type Rounded = readonly (readonly [ExactTax, Decimal])[];

function roundedTaxes(group: readonly ExactTax[], { currency, rounding: mode }: BillingTerms): Rounded {
  const places = currencyExponent(currency);
  if (group[0]?.rounding === "line")
    return group.map((tax) => [tax, divide({ dividend: tax.dividend, divisor: tax.divisor, places, mode })] as const);
  // One divisor for all, so that the sum is exact: lines differ in it when some contain further taxes.
  const divisors = [...new Set(group.map((tax) => decimalText(tax.divisor)))];
  const dividends = group.map((tax) =>
    product([tax.dividend, ...divisors.filter((text) => !tax.divisor.eq(text)).map((text) => decimal(text))]),
  );
  const divisor = product(divisors.map((text) => decimal(text)));
  const total = divide({ dividend: sumDecimals(dividends), divisor, places, mode });
  const shares = roundShares({ total, currency, dividends, divisor });
  return group.map((tax, index) => [tax, present(shares[index], "the share of a tax")] as const);
}

function product(factors: readonly Decimal[]): Decimal {
  return factors.reduce((result, factor) => result.times(factor), ONE);
}
