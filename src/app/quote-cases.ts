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

/** Answers in the order of the cases. Throws `invalid` naming the case and the field of the first case that is wrong. */
export function quoteCases(cases: unknown): readonly QuoteAnswer[] {
  if (Array.isArray(cases)) return cases.map((entry: unknown, index) => answerCase(entry, index));
  throw invalid(`the file of cases is ${shownValue(cases)}: write a list of cases, [ { "id": "1", … } ]`);
}

function answerCase(entry: unknown, index: number): QuoteAnswer {
  const label = caseLabel(entry, index);
  if (typeof entry !== "object" || entry === null)
    throw invalid(`${label}: is ${shownValue(entry)}: write an object with an id`);
  try {
    if ("aggregation" in entry) return answerMetering(check({ schema: meteringCase, entry, label }));
    if ("weights" in entry) return answerAllocation(check({ schema: allocationCase, entry, label }));
    return answerPrice(check({ schema: priceCase, entry, label }));
  } catch (error) {
    // The engine knows nothing of cases: its refusals get their case here.
    if (!(error instanceof AppError) || error.code === "QUOTE_CASE_INVALID") throw error;
    throw new AppError({ code: error.code, kind: error.kind, message: `${label}: ${error.message}`, cause: error });
  }
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
  const quantity = aggregate({ aggregation: metered.aggregation, period: metered.period, events, carriedIn });
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

function check<S extends CaseSchema>(input: { schema: S; entry: object; label: string }): S["_output"] {
  const result = input.schema.safeParse(input.entry);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${input.label}: ${pathText(issue.path)}: ${issue.message}`);
  throw new AppError({
    code: "QUOTE_CASE_INVALID",
    kind: "invalid",
    message: problems.join("\n"),
    details: { problems },
  });
}

function caseLabel(entry: unknown, index: number): string {
  const named: unknown = typeof entry === "object" && entry !== null ? Reflect.get(entry, "id") : undefined;
  return typeof named === "string" ? `case "${named}"` : `case ${index + 1}`;
}

function invalid(message: string): AppError {
  return new AppError({ code: "QUOTE_CASE_INVALID", kind: "invalid", message });
}
