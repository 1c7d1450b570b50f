/** Commitments that contradict each other: they may be side by side or one within the other, and what the inner ones ask for must fit into the outer. */
import type { Commitment } from "../../domain/contract-terms.ts";
import { decimal, decimalText, sumDecimals } from "../../kernel/decimal.ts";
import type { TermProblem } from "./term-problems.ts";

export function commitmentProblems(
  commitments: readonly Commitment[],
  priceKeys: readonly string[],
): readonly TermProblem[] {
  const all = commitments.map((commitment, index) => ({
    commitment,
    path: ["commitments", index],
    prices: new Set(commitment.prices ?? priceKeys),
  }));
  const problems: TermProblem[] = [];
  all.forEach((own, index) => {
    const { key, maximumAmount } = own.commitment;
    const add = (field: string, problem: string): void => {
      problems.push({ path: [...own.path, field], problem: `commitment ${key}: ${problem}` });
    };
    if (priceKeys.includes(key))
      add("key", "a price has this key too; choose another, so that a line names one of them");
    for (const other of all.slice(0, index)) {
      const clash = clashOf(own.prices, other.prices);
      if (clash !== undefined)
        add("prices", `${clash} ${other.commitment.key}; divide them, or put one within the other`);
    }
    if (maximumAmount === undefined) return;
    const inner = all.filter((other) => other !== own && isWithin(other.prices, own.prices));
    // Only those directly within it: what is deeper is counted in these.
    const direct = inner.filter(
      (other) => !inner.some((outer) => outer !== other && isWithin(other.prices, outer.prices)),
    );
    const asked = sumDecimals(direct.map(({ commitment }) => decimal(commitment.minimumAmount ?? "0")));
    if (asked.lte(decimal(maximumAmount))) return;
    const names = direct.map(({ commitment }) => commitment.key).join(" and ");
    add("maximumAmount", `maximumAmount is "${maximumAmount}", but ${names} within it ask for ${decimalText(asked)}`);
  });
  return problems;
}

function clashOf(a: ReadonlySet<string>, b: ReadonlySet<string>): string | undefined {
  const [within, around] = [isWithin(a, b), isWithin(b, a)];
  if (within && around) return "is about the same prices as";
  return within || around || ![...a].some((price) => b.has(price)) ? undefined : "shares some prices with";
}

function isWithin(inner: ReadonlySet<string>, outer: ReadonlySet<string>): boolean {
  return [...inner].every((price) => outer.has(price));
}
