/**
 * The catalog as people write it in files. Strict: an unknown field is refused by name. What follows from other entities (currencies that
 * agree, prices that overlap) is checked where the whole is known, in `src/app/catalog`.
 */
import { z } from "zod";
import { isCurrency } from "../kernel/currency.ts";
import { isTimeZone } from "../kernel/period.ts";
import { PRORATIONS } from "../kernel/proration.ts";
import { ROUNDING_MODES } from "../kernel/decimal.ts";
import { allowancesSchema, commitmentsSchema, discountsSchema, taxesSchema } from "./contract-terms.ts";
import { positiveDecimalField, shownValue } from "./decimal-field.ts";
import { compileEventSchema } from "./event-type.ts";
import { boundary, checked, flag, inAnyCase, key, listOf, oneOf, strict, text } from "./file-fields.ts";
import { eventType, meter } from "./meter-schema.ts";
import { priceHours, priceWhere } from "./price-limit-schema.ts";
import { priceSchema } from "./price.ts";

const currency = checked(isCurrency, 'must be an ISO 4217 code, such as "EUR"');
const timeZone = checked(isTimeZone, 'must be an IANA time zone, such as "Europe/Berlin"');
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

const customer = strict({ key, name: text, aliases: listOf(text).default([]), currency, timeZone });

/** A century. */
const RAMP_MONTH_MAX = 1_200;

const rampMonth = z.custom<number>(
  (value) => Number.isInteger(value) && Number(value) >= 2 && Number(value) <= RAMP_MONTH_MAX,
  {
    error: (issue) =>
      `is ${shownValue(issue.input)}; write a month of the contract from 2 to ${RAMP_MONTH_MAX}, without quotes: the price itself holds before`,
  },
);

const rateCardPrice = strict({
  key,
  meter: key.optional(),
  where: priceWhere,
  when: priceHours.optional(),
  description: text.optional(),
  additional: flag.default(false),
  unit: key.optional(),
  price: priceSchema,
  ramp: listOf(strict({ fromMonth: rampMonth, price: priceSchema })).optional(),
})
  .superRefine(({ price, ramp }, context) => {
    (ramp ?? []).forEach((step, index, steps) => {
      const complain = (field: string, message: string): void =>
        context.addIssue({ code: "custom", path: ["ramp", index, field], message });
      const before = steps[index - 1]?.fromMonth;
      if (before !== undefined && step.fromMonth <= before)
        complain("fromMonth", `is ${step.fromMonth}; it must be greater than ${before} of the step before`);
      if ((step.price.model === "flat") !== (price.model === "flat"))
        complain("price", "is flat where the price is not, or the other way round; write two prices");
    });
  })
  .refine(({ price, meter }) => price?.model !== "flat" || meter === undefined, {
    ...inAnyCase("meter"),
    message: "must be absent: a flat price charges per period",
  })
  .refine(({ price, meter }) => price?.model === undefined || price.model === "flat" || meter !== undefined, {
    ...inAnyCase("meter"),
    message: "is missing: only a flat price charges without a meter",
  })
  .refine(({ price, when }) => price?.model !== "flat" || when === undefined, {
    ...inAnyCase("when"),
    message: "must be absent: a flat price charges per period",
  });

const rateCard = strict({
  key,
  currency,
  effectiveFrom: boundary.optional(),
  units: z.record(key, strict({ rate: positiveDecimalField })).exactOptional(),
  prices: listOf(rateCardPrice).min(1, "needs at least one price"),
  taxes: taxesSchema.exactOptional(),
  commitments: commitmentsSchema.exactOptional(),
  allowances: allowancesSchema.exactOptional(),
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
  allowances: allowancesSchema.exactOptional(),
  discounts: discountsSchema.exactOptional(),
  proration: oneOf(PRORATIONS).exactOptional(),
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
