/** The cases of `meterline quote`: prices, metering and allocation. Fields that no calculation asks for are let through. */
import { z } from "zod";
import { isCurrency } from "../kernel/currency.ts";
import { parseInstant, type Instant } from "../kernel/instant.ts";
import { isTimeZone } from "../kernel/period.ts";
import { bucket, holdFor, withBucketRules } from "./bucket-fields.ts";
import { recurring, uniqueOver, withCarriedRules, withoutDefaults } from "./carried-fields.ts";
import { decimalField, nonNegativeDecimalField, shownValue } from "./decimal-field.ts";
import { AGGREGATIONS } from "./meter.ts";
import { percentile } from "./meter-schema.ts";
import { priceSchema } from "./price.ts";

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

export const priceCase = z.object({ id, currency, price: priceSchema, usage, prior: usage.optional() });
const meteringFields = z.object({
  id,
  aggregation: z.enum(AGGREGATIONS, {
    error: (issue) => `aggregation is ${shownValue(issue.input)}: choose one of ${AGGREGATIONS.join(", ")}`,
  }),
  percentile,
  bucket,
  holdFor,
  recurring,
  uniqueOver,
  timeZone: z
    .string()
    .refine(isTimeZone, {
      error: (issue) => `is ${shownValue(issue.input)}: write an IANA zone such as Europe/Berlin or UTC`,
    })
    .default("UTC"),
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
export const meteringCase = withCarriedRules(withBucketRules(meteringFields))
  .refine(({ aggregation, percentile }) => (aggregation === "percentile") === (percentile !== undefined), {
    path: ["percentile"],
    error: "belongs to the aggregation percentile, which cannot do without, such as 95",
  })
  .transform((fields) => withoutDefaults(fields));
export const allocationCase = z.object({
  id,
  currency,
  total: decimalField,
  weights: z.array(nonNegativeDecimalField).min(1, "weights is empty"),
});

export type PriceCase = z.infer<typeof priceCase>;
export type MeteringCase = z.infer<typeof meteringCase>;
export type AllocationCase = z.infer<typeof allocationCase>;
export type UsageOfCase = z.infer<typeof usage>;
export type CaseSchema = typeof priceCase | typeof meteringCase | typeof allocationCase;

function valueMessage(input: unknown): string {
  return `value is ${shownValue(input)}: write it as text in quotes, so that it is read exactly`;
}
