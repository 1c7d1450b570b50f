/**
 * Taxes of the lines. A rate is applied to the line as the adjustments left it, a compound one also to the taxes that it names, as they were rounded: the
 * invoice can be recalculated from what it says. Where taxes are rounded per invoice, a rate's tax is computed on the exact sum of its lines and rounded once,
 * and the lines have exact shares of it; where they are rounded per line, the invoice has the sum. Either way the lines' taxes add up to the invoice's.
 */
import type { LineTax } from "../domain/invoice.ts";
import { concerns, type Taxes } from "../domain/contract-terms.ts";
import { present } from "../kernel/assert.ts";
import { canonicalJson } from "../kernel/canonical-json.ts";
import { currencyExponent } from "../kernel/currency.ts";
import { ONE, ZERO, decimal, decimalText, divide, sumDecimals, type Decimal } from "../kernel/decimal.ts";
import { roundShares } from "./allocate.ts";
import type { BillingTerms } from "./billing-terms.ts";
import type { DraftLine } from "./draft-line.ts";

const HUNDRED = decimal("100");
const HUNDREDTH = decimal("0.01");

/** The taxes of each line, in the order of the lines; undefined where its contract version says nothing about taxes. */
export function taxesOf(lines: readonly DraftLine[], terms: BillingTerms): readonly (readonly LineTax[] | undefined)[] {
  const taxesOfVersion = new Map(terms.parts.map((part) => [part.contractVersion, part.terms.taxes]));
  const found = lines.map((line) => {
    const taxes = taxesOfVersion.get(line.line.contractVersion);
    return taxes === undefined ? undefined : exactTaxes(line, taxes);
  });
  const amounts = roundedInOrder(
    found.flat().filter((tax) => tax !== undefined),
    terms,
  );
  return found.map((taxes, index) => {
    const own = taxes?.map((tax) => ({ ...tax, amount: present(amounts.get(tax), "the amount of a tax") }));
    const left = present(lines[index], "the line of a tax").left;
    const included = sumDecimals((own ?? []).filter(({ tax }) => tax.included).map(({ amount }) => amount));
    const net = left.minus(included);
    return own?.map(({ tax, on, amount }) => {
      const base = decimalText(net.plus(sumDecimals(on.map((other) => present(amounts.get(other), "a taxed tax")))));
      return { ...tax, base, amount: decimalText(amount) };
    });
  });
}

type ExactTax = {
  readonly tax: Omit<LineTax, "base" | "amount">;
  /** Taxes that are rounded together are alike in everything but their lines. */
  readonly group: string;
  readonly rounding: Taxes["rounding"];
  /** Taxes of the line that this one taxes too. */
  readonly on: readonly ExactTax[];
  /** 0 without such, otherwise one more than the highest of them. */
  readonly level: number;
  /** Of the amount that contains it or not; what a compound rate finds of other taxes comes to it. */
  readonly taxed: Decimal;
  /** In percent of what is taxed; of a contained tax with what it takes of the taxes that it taxes. */
  readonly rate: Decimal;
  readonly divisor: Decimal;
};

/** Taxes before those that tax them. */
function roundedInOrder(taxes: readonly ExactTax[], terms: BillingTerms): ReadonlyMap<ExactTax, Decimal> {
  const amounts = new Map<ExactTax, Decimal>();
  const groups = Map.groupBy(taxes, (tax) => tax.group);
  for (const group of [...groups.values()].toSorted((a, b) => levelOf(a) - levelOf(b))) {
    const exact = group.map((tax) => ({ tax, ...quotientOf(tax, amounts) }));
    for (const [tax, amount] of roundedTaxes(exact, terms)) amounts.set(tax, amount);
  }
  return amounts;
}

function levelOf(group: readonly ExactTax[]): number {
  return group[0]?.level ?? 0;
}

/** The exact tax is the dividend over the divisor: of a tax that is contained in the amount, the quotient may not end. */
type Quotient = { readonly tax: ExactTax; readonly dividend: Decimal; readonly divisor: Decimal };

function quotientOf(
  { tax, taxed, on, rate, divisor }: ExactTax,
  amounts: ReadonlyMap<ExactTax, Decimal>,
): Omit<Quotient, "tax"> {
  // Of an amount that contains its taxes the rate has taken them in already.
  const others = tax.included ? [] : on.map((other) => present(amounts.get(other), "the amount of a taxed tax"));
  return { dividend: taxed.plus(sumDecimals(others)).times(rate), divisor };
}

function exactTaxes(line: DraftLine, taxes: Taxes): readonly ExactTax[] {
  const { rounding } = taxes;
  const included = taxes.amounts === "inclusive";
  const { price } = line.line;
  const rates = (taxes.rates ?? []).filter((rate) => concerns(rate, price));
  const exemptions = (taxes.exemptions ?? []).filter((exemption) => concerns(exemption, price));
  const parts = effectiveRates(rates);
  const all = sumDecimals(parts.map(({ effective }) => effective));
  const divisor = included ? HUNDRED.plus(all) : HUNDRED;
  const shared = { rounding, taxed: line.left, divisor };
  const found: ExactTax[] = [];
  for (const { key, name, rate, effective, compoundOn } of parts) {
    const tax = { key, name, kind: "rate" as const, rate, reason: "", included };
    const on = found.filter((other) => compoundOn.includes(other.tax.key));
    const level = on.length === 0 ? 0 : 1 + Math.max(...on.map((other) => other.level));
    const group = canonicalJson([tax, rounding, on.map((other) => other.group)]);
    found.push({ ...shared, tax, group, on, level, rate: included ? effective : decimal(rate) });
  }
  for (const { key, kind, reason } of exemptions) {
    const tax = { key, name: key, kind, rate: "0", reason, included };
    found.push({ ...shared, tax, group: canonicalJson([tax, rounding]), on: [], level: 0, rate: ZERO });
  }
  return found;
}

type Rate = NonNullable<Taxes["rates"]>[number];

/** What each rate comes to in percent of the net amount; a compound one taxes others, which come before it. */
function effectiveRates(rates: readonly Rate[]) {
  const effective = new Map<string, Decimal>();
  return rates.map(({ compoundOn = [], ...rate }) => {
    const taxed = sumDecimals(compoundOn.flatMap((key) => effective.get(key) ?? []));
    const own = decimal(rate.rate).times(HUNDRED.plus(taxed)).times(HUNDREDTH);
    effective.set(rate.key, own);
    return { ...rate, compoundOn, effective: own };
  });
}

type Rounded = readonly (readonly [ExactTax, Decimal])[];

function roundedTaxes(group: readonly Quotient[], { currency, rounding: mode }: BillingTerms): Rounded {
  const places = currencyExponent(currency);
  if (group[0]?.tax.rounding === "line")
    return group.map(({ tax, dividend, divisor }) => [tax, divide({ dividend, divisor, places, mode })] as const);
  // One divisor for all, so that the sum is exact: lines differ in it when some contain further taxes.
  const divisors = [...new Set(group.map((tax) => decimalText(tax.divisor)))];
  const dividends = group.map((tax) =>
    product([tax.dividend, ...divisors.filter((text) => !tax.divisor.eq(text)).map((text) => decimal(text))]),
  );
  const divisor = product(divisors.map((text) => decimal(text)));
  const total = divide({ dividend: sumDecimals(dividends), divisor, places, mode });
  const shares = roundShares({ total, currency, dividends, divisor });
  return group.map(({ tax }, index) => [tax, present(shares[index], "the share of a tax")] as const);
}

function product(factors: readonly Decimal[]): Decimal {
  return factors.reduce((result, factor) => result.times(factor), ONE);
}
