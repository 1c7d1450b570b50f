/** What is wrong with free units that prices share: prices that can't share any, or that would share two allowances. */
import type { Located } from "../../domain/catalog-files.ts";
import { effectiveTerms, type Allowance, type ContractTerms, type SharedTerms } from "../../domain/contract-terms.ts";
import type { Measure } from "../../domain/meter.ts";
import { whyNoAllowance } from "../rating/task-allowance.ts";
import { allPricesOf, withOverrides, type PriceLike } from "./price-problems.ts";
import { ownPath, type TermProblem } from "./term-problems.ts";

export type AllowanceProblemsInput = {
  readonly allowances: readonly Allowance[];
  /** Of the rate card, with the contract's overrides in place. */
  readonly prices: readonly PriceLike[];
  readonly meters: ReadonlyMap<string, Located<Measure>>;
};

export function allowanceProblems({ allowances, prices, meters }: AllowanceProblemsInput): TermProblem[] {
  return allowances.flatMap((allowance, index) =>
    allowance.prices.flatMap((key, at): TermProblem[] => {
      const path = ["allowances", index, "prices", at];
      const say = (problem: string): TermProblem => ({ path, problem: `allowance ${allowance.key}: ${problem}` });
      const other = allowances.slice(0, index).find((before) => before.prices.includes(key));
      const doubled = other === undefined ? [] : [say(`${key} shares allowance ${other.key} too; name it in one`)];
      const price = prices.find((candidate) => candidate.key === key);
      if (price === undefined) return doubled;
      const measure = meters.get(price.meter ?? "")?.value;
      const whys = new Set(allPricesOf(price).map((each) => whyNoAllowance(each, measure)));
      return [
        ...doubled,
        ...[...whys].filter((why) => why !== null).map((why) => say(`${key} can't share free units: ${why}`)),
      ];
    }),
  );
}

type Contract = ContractTerms & { readonly overrides: readonly PriceLike[] };
type Card = SharedTerms & { readonly prices: readonly PriceLike[] };

/** Of a contract with its rate card. What is wrong with the card alone is said of the card. */
export function contractAllowanceProblems(
  contract: Contract,
  card: Card,
  meters: AllowanceProblemsInput["meters"],
): TermProblem[] {
  const ofCard = allowanceProblems({ allowances: card.allowances ?? [], prices: card.prices, meters });
  const said = new Set(ofCard.map(({ problem }) => problem));
  const terms = effectiveTerms(card, contract);
  const prices = withOverrides(card.prices, contract.overrides);
  return allowanceProblems({ allowances: terms.allowances ?? [], prices, meters })
    .filter(({ problem }) => !said.has(problem))
    .map(({ path, problem }) => ({ path: ownPath(path, { terms, contract }), problem }));
}
