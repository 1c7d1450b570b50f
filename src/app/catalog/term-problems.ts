/** What is wrong with terms that span several prices, beside the prices they are about: names that lead nowhere, lines without a tax or with two rules. */
import {
  concerns,
  effectiveTerms,
  type ContractTerms,
  type SharedTerms,
  type Taxes,
} from "../../domain/contract-terms.ts";
import { currencyExponent } from "../../kernel/currency.ts";
import { decimal, decimalPlaces } from "../../kernel/decimal.ts";
import { nearestName } from "../../kernel/nearest-name.ts";
import { commitmentProblems } from "./commitment-problems.ts";

export type TermProblem = { readonly path: readonly PropertyKey[]; readonly problem: string };

export type TermProblemsInput = {
  readonly terms: ContractTerms;
  /** Of the prices that the terms can be about. */
  readonly priceKeys: readonly string[];
  readonly currency: string;
};

export function termProblems({ terms, priceKeys, currency }: TermProblemsInput): TermProblem[] {
  const { taxes, discounts = [], commitments = [], allowances = [] } = terms;
  const withShortfalls = commitments.filter(({ minimumAmount }) => minimumAmount !== undefined).map(({ key }) => key);
  return [
    ...(taxes === undefined ? [] : taxProblems(taxes, [...priceKeys, ...withShortfalls])),
    ...unknownPrices(["commitments"], commitments, priceKeys),
    ...commitmentProblems(commitments, priceKeys),
    ...commitments.flatMap(({ minimumAmount, maximumAmount }, index) => [
      ...tooFine(["commitments", index, "minimumAmount"], minimumAmount, currency),
      ...tooFine(["commitments", index, "maximumAmount"], maximumAmount, currency),
    ]),
    ...unknownPrices(["allowances"], allowances, priceKeys),
    ...unknownPrices(["discounts"], discounts, priceKeys),
    ...discounts.flatMap(({ amount }, index) => tooFine(["discounts", index, "amount"], amount, currency)),
  ];
}

type CardTerms = SharedTerms & { readonly currency: string; readonly prices: readonly { readonly key: string }[] };

/** Of a contract with its rate card, at the contract's own terms. What is wrong with the card alone is said of the card. */
export function contractTermProblems(contract: ContractTerms, card: CardTerms): TermProblem[] {
  const { taxes, discounts, commitments, allowances } = contract;
  if ([taxes, discounts, commitments, allowances].every((own) => own === undefined)) return [];
  const terms = effectiveTerms(card, contract);
  const priceKeys = card.prices.map(({ key }) => key);
  return termProblems({ terms, priceKeys, currency: card.currency }).map(({ path, problem }) =>
    path[0] === "taxes" && taxes === undefined
      ? { path: ["commitments"], problem }
      : { path: ownPath(path, { terms, contract }), problem },
  );
}

/** Where the contract says what its terms and those of its card have at a path together. */
export function ownPath(
  path: readonly PropertyKey[],
  { terms, contract }: { readonly terms: ContractTerms; readonly contract: ContractTerms },
): readonly PropertyKey[] {
  const [section, index, ...rest] = path;
  if (section !== "commitments" && section !== "allowances") return path;
  const key = terms[section]?.[Number(index)]?.key;
  const own = contract[section]?.findIndex((term) => term.key === key) ?? -1;
  return own < 0 ? [section] : [section, own, ...rest];
}

/** Every line needs its tax, that of a shortfall too: a rate, several, or the reason why there is none. */
function taxProblems(taxes: Taxes, priceKeys: readonly string[]): TermProblem[] {
  const { rates = [], exemptions = [] } = taxes;
  const unknown = [
    ...unknownPrices(["taxes", "rates"], rates, priceKeys),
    ...unknownPrices(["taxes", "exemptions"], exemptions, priceKeys),
  ];
  // A mistyped name leaves its price without a tax: that is one mistake.
  if (unknown.length > 0) return unknown;
  return priceKeys.flatMap((price): TermProblem[] => {
    const taxed = rates.filter((rate) => concerns(rate, price)).map((rate) => rate.key);
    const exempt = exemptions.filter((exemption) => concerns(exemption, price)).map((exemption) => exemption.key);
    if (taxed.length + exempt.length === 0)
      return [{ path: ["taxes"], problem: `taxes say nothing about ${price}: give it a rate or an exemption` }];
    if (exempt.length === 0 || taxed.length + exempt.length === 1) return [];
    const both = [...taxed, ...exempt].join(" and ");
    return [{ path: ["taxes"], problem: `taxes name ${price} in ${both}: an exemption stands alone` }];
  });
}

type Named = { readonly key: string; readonly prices?: readonly string[] };

function unknownPrices(
  path: readonly PropertyKey[],
  list: readonly Named[],
  priceKeys: readonly string[],
): TermProblem[] {
  return list.flatMap(({ key, prices = [] }, at) =>
    prices.flatMap((price, index): TermProblem[] => {
      if (priceKeys.includes(price)) return [];
      const meant = nearestName(price, priceKeys);
      const hint = meant === undefined ? `there are ${priceKeys.join(", ")}` : `did you mean ${meant}?`;
      const problem = `${path.join(".")} ${key} names ${price}, which is none of its prices; ${hint}`;
      return [{ path: [...path, at, "prices", index], problem }];
    }),
  );
}

/** A discount or a bound of less than the minor unit could not be kept to exactly. */
function tooFine(path: readonly PropertyKey[], amount: string | undefined, currency: string): TermProblem[] {
  if (amount === undefined) return [];
  const places = currencyExponent(currency);
  if (decimalPlaces(decimal(amount)) <= places) return [];
  const field = String(path.at(-1));
  return [{ path, problem: `${field} is "${amount}": ${currency} has ${String(places)} decimal places; round it` }];
}
