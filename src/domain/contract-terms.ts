/**
 * Terms that span several prices of a contract, or its whole invoice: discounts, commitments and taxes. What a set of terms can say by itself is checked here;
 * whether the prices that it names exist is checked where the whole catalog is known. Decimals stay texts, so that terms have one content hash.
 */
import { z } from "zod";
import { nonNegativeDecimalField, percentField, positiveDecimalField, shownValue } from "./decimal-field.ts";
import { boundary, key, listOf, oneOf, strict, text } from "./file-fields.ts";
import { decimal } from "../kernel/decimal.ts";
import { instantOf } from "../kernel/instant.ts";
import type { ProrationUnit } from "../kernel/proration.ts";

const LIST_MAX = 100;
/** Each is measured once more for every price behind it. */
const ALLOWANCE_PRICES_MAX = 16;
const PERIODS_MAX = 1_200;

/** Keys of prices or commitments; all of the contract's when it is not given. */
const prices = listOf(key)
  .min(1, "names no price: name at least one, or leave prices out for all")
  .max(LIST_MAX, `names more than ${LIST_MAX} prices`)
  .superRefine((keys, context) => {
    refuseRepeated(keys, context);
  })
  .exactOptional();

const priceKeys = listOf(key)
  .min(1, "names no price: name those that share it")
  .max(ALLOWANCE_PRICES_MAX, `names more than ${ALLOWANCE_PRICES_MAX} prices`)
  .superRefine((keys, context) => {
    refuseRepeated(keys, context);
  });

const periods = z
  .custom<number>((value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= PERIODS_MAX, {
    error: (issue) =>
      `is ${shownValue(issue.input)}; write a number of billing periods from 1 to ${PERIODS_MAX}, without quotes`,
  })
  .exactOptional();

export const TAX_EXEMPTIONS = ["reverse_charge", "exempt"] as const;

const taxRate = strict({
  key,
  name: text,
  rate: percentField,
  prices,
  /** Rates before this one whose taxes it taxes too; absent: none. */
  compoundOn: listOf(key)
    .min(1, "names no rate: name at least one, or leave compoundOn out")
    .superRefine((keys, context) => {
      refuseRepeated(keys, context);
    })
    .exactOptional(),
});
const taxExemption = strict({ key, kind: oneOf(TAX_EXEMPTIONS), reason: text, prices });

export const taxesSchema = strict({
  /** Whether the amounts of the prices contain the tax. */
  amounts: oneOf(["exclusive", "inclusive"]).default("exclusive"),
  rounding: oneOf(["invoice", "line"]).default("invoice"),
  rates: keyedList(taxRate).exactOptional(),
  exemptions: keyedList(taxExemption).exactOptional(),
}).superRefine(({ amounts, rates = [], exemptions = [] }, context) => {
  if (rates.length + exemptions.length === 0)
    complain(context, [], "has neither rates nor exemptions: write one of them");
  rates.forEach(({ compoundOn = [] }, index) => {
    const before = rates.slice(0, index).map((rate) => rate.key);
    compoundOn.forEach((name, at) => {
      if (before.includes(name)) return;
      const path = ["rates", index, "compoundOn", at];
      complain(context, path, `${name} is none of the rates before it (${before.join(", ") || "none"}); put it there`);
    });
  });
  exemptions.forEach((exemption, index) => {
    const at = ["exemptions", index];
    if (rates.some((rate) => rate.key === exemption.key))
      complain(context, [...at, "key"], `the key ${exemption.key} is used by a rate too; choose another`);
    if (amounts === "inclusive" && exemption.kind === "reverse_charge")
      complain(context, [...at, "kind"], "amounts that contain the tax can't be without it: write amounts: exclusive");
  });
});

export const discountSchema = strict({
  key,
  /** As the invoice shows it. */
  name: text.exactOptional(),
  percent: percentField.exactOptional(),
  /** Per billing period. */
  amount: nonNegativeDecimalField.exactOptional(),
  prices,
  from: boundary.exactOptional(),
  periods,
  until: boundary.exactOptional(),
}).superRefine((discount, context) => {
  if ((discount.percent === undefined) === (discount.amount === undefined))
    complain(context, [], "must have exactly one of percent and amount");
  if (discount.periods !== undefined && discount.until !== undefined)
    complain(context, ["until"], "must be absent beside periods: one of them says when the discount ends");
  const { from, until } = discount;
  if (from !== undefined && until !== undefined && instantOf(until, "until") <= instantOf(from, "from"))
    complain(context, ["until"], `until ${until} does not lie after from ${from}`);
});

export const discountsSchema = keyedList(discountSchema);

const commitment = strict({
  key,
  /** As the invoice shows it. */
  name: text.exactOptional(),
  prices,
  minimumAmount: nonNegativeDecimalField.exactOptional(),
  maximumAmount: nonNegativeDecimalField.exactOptional(),
}).superRefine(({ minimumAmount: low, maximumAmount: high }, context) => {
  if (low === undefined && high === undefined)
    complain(context, [], "commits to nothing: write minimumAmount, maximumAmount or both");
  if (low !== undefined && high !== undefined && decimal(low).gt(decimal(high)))
    complain(context, ["minimumAmount"], `minimumAmount is "${low}": it must not be above maximumAmount "${high}"`);
});

export const commitmentsSchema = keyedList(commitment);

/** Units per billing period that are free for these prices together, used up in the order in which they are named. */
const allowance = strict({
  key,
  /** As the line shows it. */
  name: text.exactOptional(),
  quantity: positiveDecimalField,
  prices: priceKeys,
});

export const allowancesSchema = keyedList(allowance);

export type Taxes = z.infer<typeof taxesSchema>;

export type Discount = z.infer<typeof discountSchema>;
export type Commitment = z.infer<typeof commitment>;
export type Allowance = z.infer<typeof allowance>;

/** What a contract version says besides its prices. */
export type ContractTerms = {
  readonly taxes?: Taxes;
  readonly discounts?: readonly Discount[];
  readonly commitments?: readonly Commitment[];
  readonly allowances?: readonly Allowance[];
  /** Of amounts per billing period when the contract or its terms begin or end within one; absent: none. */
  readonly proration?: ProrationUnit;
};

/** What a rate card says to all its contracts: a contract's taxes replace these, its commitments and allowances those with the same key. */
export type SharedTerms = Pick<ContractTerms, "taxes" | "commitments" | "allowances">;

/** What holds for a contract: its own terms, and those of its rate card. */
export function effectiveTerms(card: SharedTerms, contract: ContractTerms): ContractTerms {
  const taxes = contract.taxes ?? card.taxes;
  const { discounts, proration } = contract;
  const commitments = replacedByKey(card.commitments, contract.commitments);
  const allowances = replacedByKey(card.allowances, contract.allowances);
  return {
    ...(taxes !== undefined && { taxes }),
    ...(discounts !== undefined && { discounts }),
    ...(commitments.length > 0 && { commitments }),
    ...(allowances.length > 0 && { allowances }),
    ...(proration !== undefined && { proration }),
  };
}

function replacedByKey<Term extends { readonly key: string }>(
  card: readonly Term[] = [],
  own: readonly Term[] = [],
): readonly Term[] {
  const shared = card.map((term) => own.find(({ key: name }) => name === term.key) ?? term);
  return [...shared, ...own.filter((term) => !shared.includes(term))];
}

/** True if terms that name these prices, or none, are about this one. */
export function concerns(terms: { readonly prices?: readonly string[] }, price: string): boolean {
  return terms.prices?.includes(price) ?? true;
}

function keyedList<Element extends z.ZodType<{ key: string }>>(element: Element) {
  return listOf(element)
    .max(LIST_MAX, `has more than ${LIST_MAX} entries`)
    .superRefine((list, context) => {
      list.forEach(({ key: own }, index) => {
        if (list.findIndex((other) => other.key === own) < index)
          complain(context, [index, "key"], `the key ${own} is there twice; choose another`);
      });
    });
}

function refuseRepeated(keys: readonly string[], context: z.core.$RefinementCtx): void {
  keys.forEach((name, index) => {
    if (keys.indexOf(name) < index) complain(context, [index], `${name} is named twice; name it once`);
  });
}

function complain(context: z.core.$RefinementCtx, path: PropertyKey[], message: string): void {
  context.addIssue({ code: "custom", path, message });
}
