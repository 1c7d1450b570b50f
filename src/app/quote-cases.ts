/**
 * Answers a file of cases offline: prices, metering and allocation, told apart by their fields. A case may carry fields that are not
 * asked for here, such as the expectation of a test; everything that takes part in the calculation is checked strictly.
 */
import { pathText, shownValue } from "../domain/decimal-field.ts";
import {
  allocationCase,
  meteringCase,
  priceCase,
  type AllocationCase,
  type CaseSchema,
  type MeteringCase,
  type PriceCase,
  type UsageOfCase,
} from "../domain/quote-case.ts";
import { allocate } from "../invoicing/allocate.ts";
import { measureOf } from "../domain/meter.ts";
import { present } from "../kernel/assert.ts";
import { decimal, decimalText } from "../kernel/decimal.ts";
import { AppError } from "../kernel/errors.ts";
import { moneyText } from "../kernel/money.ts";
import { aggregate, type AggregatedEvent } from "../metering/aggregate.ts";
import type { BreakdownStep } from "../rating/breakdown.ts";
import { ratePrice } from "../rating/rate-price.ts";
import type { Usage } from "../rating/usage.ts";

export type QuoteAnswer =
  | {
      readonly id: string;
      readonly amount: string;
      readonly rounded: string;
      readonly currency: string;
      readonly breakdown: readonly BreakdownStep[];
    }
  | { readonly id: string; readonly quantity: string }
  | { readonly id: string; readonly parts: readonly string[] };

/** Answers in the order of the cases. Throws `invalid` with everything that is wrong in all of them: case, field, value and fix. */
export function quoteCases(cases: unknown): readonly QuoteAnswer[] {
  if (!Array.isArray(cases))
    throw invalid([`the file of cases is ${shownValue(cases)}: write a list of cases, [ { "id": "1", … } ]`]);
  const outcomes = cases.map((entry: unknown, index) => answerOrProblems(entry, index));
  const problems = outcomes.flatMap((outcome) => ("problems" in outcome ? outcome.problems : []));
  if (problems.length > 0) throw invalid(problems);
  return outcomes.flatMap((outcome) => ("answer" in outcome ? outcome.answer : []));
}

type Outcome = { readonly answer: QuoteAnswer } | { readonly problems: readonly string[] };

function answerOrProblems(entry: unknown, index: number): Outcome {
  const label = caseLabel(entry, index);
  if (typeof entry !== "object" || entry === null)
    return { problems: [`${label}: is ${shownValue(entry)}: write an object with an id`] };
  try {
    return answerCase(entry, label);
  } catch (error) {
    // The engine knows nothing of cases: its refusals get their case here. What is not about the data is no refusal.
    if (!(error instanceof AppError) || error.kind !== "invalid") throw error;
    return { problems: [`${label}: ${error.message}`] };
  }
}

/** The kind of a case follows from its fields. */
function answerCase(entry: object, label: string): Outcome {
  if ("aggregation" in entry) return checked({ schema: meteringCase, entry, label }, answerMetering);
  if ("weights" in entry) return checked({ schema: allocationCase, entry, label }, answerAllocation);
  return checked({ schema: priceCase, entry, label }, answerPrice);
}

type CheckedInput<S extends CaseSchema> = { readonly schema: S; readonly entry: object; readonly label: string };

function checked<S extends CaseSchema>(
  { schema, entry, label }: CheckedInput<S>,
  answer: (value: S["_output"]) => QuoteAnswer,
): Outcome {
  const result = schema.safeParse(entry);
  if (result.success) return { answer: answer(result.data) };
  return { problems: result.error.issues.map((issue) => `${label}: ${pathText(issue.path)}: ${issue.message}`) };
}

function answerPrice(priced: PriceCase): QuoteAnswer {
  const rated = ratePrice({
    price: priced.price,
    currency: priced.currency,
    usage: usageOf(priced.usage),
    ...(priced.prior !== undefined && { prior: usageOf(priced.prior) }),
  });
  return {
    id: priced.id,
    amount: decimalText(rated.amount),
    rounded: moneyText(rated.rounded, priced.currency),
    currency: priced.currency,
    breakdown: rated.breakdown,
  };
}

function answerMetering(metered: MeteringCase): QuoteAnswer {
  const events: readonly AggregatedEvent[] = metered.events;
  const carriedIn = metered.carriedIn === undefined ? undefined : decimal(metered.carriedIn);
  const quantity = aggregate({
    ...measureOf(metered),
    timeZone: metered.timeZone,
    period: metered.period,
    events,
    carriedIn,
  });
  return { id: metered.id, quantity: decimalText(quantity) };
}

function answerAllocation(split: AllocationCase): QuoteAnswer {
  const parts = allocate({
    total: decimal(split.total),
    currency: split.currency,
    weights: split.weights.map((weight) => decimal(weight)),
  });
  return { id: split.id, parts: parts.map((part) => moneyText(part, split.currency)) };
}

function usageOf(input: UsageOfCase): Usage {
  if (input.events !== undefined) return { events: input.events.map((amount) => decimal(amount)) };
  if (input.cells !== undefined)
    return { cells: input.cells.map((cell) => ({ match: cell.match, quantity: decimal(cell.quantity) })) };
  return { quantity: decimal(present(input.quantity, "the quantity of a checked usage")) };
}

function caseLabel(entry: unknown, index: number): string {
  const named: unknown = typeof entry === "object" && entry !== null ? Reflect.get(entry, "id") : undefined;
  return typeof named === "string" ? `case "${named}"` : `case ${index + 1}`;
}

function invalid(problems: readonly string[]): AppError {
  const message =
    problems.length === 1
      ? (problems[0] ?? "")
      : `${problems.length} problems in the cases:\n  ${problems.join("\n  ")}`;
  return new AppError({ code: "QUOTE_CASE_INVALID", kind: "invalid", message, details: { problems } });
}
