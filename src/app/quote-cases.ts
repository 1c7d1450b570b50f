/**
 * Answers a file of cases offline: prices, metering and allocation, told apart by their fields. A case may carry fields that are not
 * asked for here, such as the expectation of a test; everything that takes part in the calculation is checked strictly.
 */
import { z } from "zod";
import { decimalField, nonNegativeDecimalField, pathText, shownValue } from "../domain/decimal-field.ts";
import { AGGREGATIONS } from "../domain/meter.ts";
import { priceSchema } from "../domain/price.ts";
import { allocate } from "../invoicing/allocate.ts";
import { present } from "../kernel/assert.ts";
import { isCurrency } from "../kernel/currency.ts";
import { decimal, decimalText } from "../kernel/decimal.ts";
import { AppError } from "../kernel/errors.ts";
import { parseInstant, type Instant } from "../kernel/instant.ts";
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

const USAGE_SHAPES =
  'write one of { "quantity": "10" }, { "events": ["5", "5"] } and { "cells": [{ "match": { "region": "eu" }, "quantity": "10" }] }';

const id = z.string({ error: 'write a text such as "case-1"' }).min(1, "must not be empty");
const currency = z.string({ error: "write an ISO 4217 code such as EUR" }).refine(isCurrency, {
  error: (issue) => `currency is ${shownValue(issue.input)}: write an ISO 4217 code with a minor unit, such as EUR`,
});
const instant = z
  .string({ error: "write an RFC 3339 instant such as 2026-10-03T08:15:30.250Z" })
  .transform((text, context): Instant => {
    const parsed = parseInstant(text);
    if (parsed !== undefined) return parsed;
    context.addIssue({
      code: "custom",
      message: `is ${shownValue(text)}: write an existing RFC 3339 instant such as 2026-10-03T08:15:30.250Z`,
    });
    return z.NEVER;
  });

const usage = z
  .strictObject(
    {
      quantity: decimalField.exactOptional(),
      events: z
        .array(decimalField, {
          error: (issue) => `events is ${shownValue(issue.input)}: write a list of decimal strings`,
        })
        .exactOptional(),
      cells: z
        .array(z.strictObject({ match: z.record(z.string(), z.string()), quantity: decimalField }))
        .exactOptional(),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys" ? `unknown field ${issue.keys.join(", ")}: ${USAGE_SHAPES}` : USAGE_SHAPES,
    },
  )
  .refine((value) => Object.keys(value).length === 1, { error: USAGE_SHAPES });

const priceCase = z.object({ id, currency, price: priceSchema, usage, prior: usage.optional() });
const meteringCase = z.object({
  id,
  aggregation: z.enum(AGGREGATIONS, {
    error: (issue) => `aggregation is ${shownValue(issue.input)}: choose one of ${AGGREGATIONS.join(", ")}`,
  }),
  period: z
    .strictObject({ from: instant, to: instant })
    .refine(({ from, to }) => from < to, { error: "the period's from must lie before its to" }),
  carriedIn: decimalField.optional(),
  events: z.array(
    z.object({
      time: instant,
      value: z.string({ error: (issue) => valueMessage(issue.input) }).optional(),
      source: z.string().optional(),
      id: z.string().optional(),
    }),
  ),
});
const allocationCase = z.object({
  id,
  currency,
  total: decimalField,
  weights: z.array(nonNegativeDecimalField).min(1, "weights is empty"),
});

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

function answerPrice(priced: z.infer<typeof priceCase>): QuoteAnswer {
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

function answerMetering(metered: z.infer<typeof meteringCase>): QuoteAnswer {
  const events: readonly AggregatedEvent[] = metered.events;
  const carriedIn = metered.carriedIn === undefined ? undefined : decimal(metered.carriedIn);
  const quantity = aggregate({ aggregation: metered.aggregation, period: metered.period, events, carriedIn });
  return { id: metered.id, quantity: decimalText(quantity) };
}

function answerAllocation(split: z.infer<typeof allocationCase>): QuoteAnswer {
  const parts = allocate({
    total: decimal(split.total),
    currency: split.currency,
    weights: split.weights.map((weight) => decimal(weight)),
  });
  return { id: split.id, parts: parts.map((part) => moneyText(part, split.currency)) };
}

function usageOf(input: z.infer<typeof usage>): Usage {
  if (input.events !== undefined) return { events: input.events.map((amount) => decimal(amount)) };
  if (input.cells !== undefined)
    return { cells: input.cells.map((cell) => ({ match: cell.match, quantity: decimal(cell.quantity) })) };
  return { quantity: decimal(present(input.quantity, "the quantity of a checked usage")) };
}

function check<Schema extends z.ZodType>(input: { schema: Schema; entry: object; label: string }): z.infer<Schema> {
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

function valueMessage(input: unknown): string {
  return `value is ${shownValue(input)}: write it as text in quotes, so that it is read exactly`;
}

function invalid(message: string): AppError {
  return new AppError({ code: "QUOTE_CASE_INVALID", kind: "invalid", message });
}
