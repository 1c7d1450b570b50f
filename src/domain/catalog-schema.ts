/**
 * The catalog as people write it in files. Strict: an unknown field is refused by name. What follows from other entities (currencies that
 * agree, prices that overlap) is checked where the whole is known, in `src/app/catalog`.
 */
import { z } from "zod";
import { isCurrency } from "../kernel/currency.ts";
import { isTimeZone } from "../kernel/period.ts";
import { exceedsBytes } from "../kernel/utf8.ts";
import { ROUNDING_MODES } from "../kernel/decimal.ts";
import { shownValue } from "./decimal-field.ts";
import { commitmentsSchema, discountsSchema, taxesSchema } from "./contract-terms.ts";
import { compileEventSchema } from "./event-type.ts";
import {
  boundary,
  checked,
  flag,
  inAnyCase,
  key,
  listOf,
  oneOf,
  strict,
  text,
  TEXT_LENGTH_MAX,
} from "./file-fields.ts";
import { AGGREGATIONS, DIMENSION_BYTES_MAX, DIMENSIONS_MAX } from "./meter.ts";
import { priceSchema } from "./price.ts";
import { isRetractionType } from "./usage-retraction.ts";

const eventType = checked(
  (value) => value.trim() !== "" && value.length <= TEXT_LENGTH_MAX && !isRetractionType(value),
  `must be a text of 1 to ${TEXT_LENGTH_MAX} characters, and not one of the types that take usage back`,
);
const pointer = checked(
  (value) => /^(\/([^~/]|~[01])*)+$/.test(value),
  'must be a JSON pointer into the event, such as "/data/outputTokens"',
);
const currency = checked(isCurrency, 'must be an ISO 4217 code, such as "EUR"');
const timeZone = checked(isTimeZone, 'must be an IANA time zone, such as "Europe/Berlin"');
const dimensionName = checked(
  (value) => /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(value) && value.length <= 64,
  'must begin with a letter or "_" and hold only letters, digits, "_", "." and "-" (at most 64 characters)',
);
const dimensionValue = checked(
  (value) => !exceedsBytes(value, DIMENSION_BYTES_MAX),
  `must be at most ${DIMENSION_BYTES_MAX} bytes`,
);
const anchorDay = z.custom<number>((value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 31, {
  error: (issue) => `is ${shownValue(issue.input)}; write a day of the month from 1 to 31, without quotes`,
});

/** Its text; whoever read the file has kept the numbers as they stand there. */
const schema = z
  .string({ error: (issue) => (issue.input === undefined ? "is missing" : "must be a JSON Schema") })
  .superRefine((value, context) => {
    const compiled = compileEventSchema(value);
    if (!("problems" in compiled)) return;
    for (const { path, message } of compiled.problems) context.addIssue({ code: "custom", path: [...path], message });
  });

const guardedType = strict({ key: eventType, schema });

const meter = strict({
  key,
  eventType,
  aggregation: oneOf(AGGREGATIONS),
  value: pointer.optional(),
  dimensions: z.record(dimensionName, pointer).default({}),
  whenMissing: oneOf(["reject", "skip"]).default("reject"),
})
  .refine(({ aggregation, value }) => aggregation !== "count" || value === undefined, {
    ...inAnyCase("value"),
    message: "must be absent: count counts events",
  })
  .refine(({ aggregation, value }) => aggregation === "count" || value !== undefined, {
    ...inAnyCase("value"),
    message: "is missing: every aggregation but count needs a JSON pointer to its value",
  })
  .refine(({ dimensions }) => Object.keys(dimensions ?? {}).length <= DIMENSIONS_MAX, {
    ...inAnyCase("dimensions"),
    message: `must be at most ${DIMENSIONS_MAX}`,
  });

const customer = strict({ key, name: text, aliases: listOf(text).default([]), currency, timeZone });

const rateCardPrice = strict({
  key,
  meter: key.optional(),
  where: z.record(dimensionName, dimensionValue).default({}),
  description: text.optional(),
  additional: flag.default(false),
  price: priceSchema,
})
  .refine(({ price, meter }) => price?.model !== "flat" || meter === undefined, {
    ...inAnyCase("meter"),
    message: "must be absent: a flat price charges per period",
  })
  .refine(({ price, meter }) => price?.model === undefined || price.model === "flat" || meter !== undefined, {
    ...inAnyCase("meter"),
    message: "is missing: only a flat price charges without a meter",
  });

const rateCard = strict({
  key,
  currency,
  effectiveFrom: boundary.optional(),
  prices: listOf(rateCardPrice).min(1, "needs at least one price"),
  taxes: taxesSchema.exactOptional(),
  commitments: commitmentsSchema.exactOptional(),
});

const contract = strict({
  key,
  customer: key,
  rateCard: key,
  effective: strict({ from: boundary, to: boundary.nullable().default(null) }),
  effectiveFrom: boundary.optional(),
  timeZone: timeZone.optional(),
  billing: strict({
    interval: oneOf(["month"]).default("month"),
    anchorDay: anchorDay.default(1),
  }).default({ interval: "month", anchorDay: 1 }),
  overrides: listOf(rateCardPrice).default([]),
  unpriced: oneOf(["error", "free"]).default("error"),
  rounding: oneOf(ROUNDING_MODES).default("half_up"),
  taxes: taxesSchema.exactOptional(),
  commitments: commitmentsSchema.exactOptional(),
  discounts: discountsSchema.exactOptional(),
});

/** The schema of an entity by the section of a file that holds it. */
export const CATALOG_SECTIONS = {
  meters: meter,
  customers: customer,
  rateCards: rateCard,
  contracts: contract,
  eventTypes: guardedType,
} as const;

export type CatalogFileSection = keyof typeof CATALOG_SECTIONS;
export type EventTypeInFile = z.infer<typeof guardedType>;
export type MeterInFile = z.infer<typeof meter>;
export type CustomerInFile = z.infer<typeof customer>;
export type RateCardInFile = z.infer<typeof rateCard>;
export type ContractInFile = z.infer<typeof contract>;
