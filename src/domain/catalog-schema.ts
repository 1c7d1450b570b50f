/**
 * The catalog as people write it in files. Strict: an unknown field is refused by name. What follows from other entities (currencies that
 * agree, prices that overlap) is checked where the whole is known, in `src/app/catalog`.
 */
import { z } from "zod";
import { isCurrency } from "../kernel/currency.ts";
import { isWindowBoundary, isTimeZone } from "../kernel/period.ts";
import { parseInstant } from "../kernel/instant.ts";
import { exceedsBytes } from "../kernel/utf8.ts";
import { ROUNDING_MODES } from "../kernel/decimal.ts";
import { shownValue } from "./decimal-field.ts";
import { AGGREGATIONS, DIMENSION_BYTES_MAX, DIMENSIONS_MAX } from "./meter.ts";
import { priceSchema } from "./price.ts";

const KEY_LENGTH_MAX = 128;
const TEXT_LENGTH_MAX = 512;

const key = checked(
  (value) => /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(value) && value.length <= KEY_LENGTH_MAX,
  `must begin with a letter or digit and hold only letters, digits, ".", "_" and "-" (at most ${KEY_LENGTH_MAX} characters)`,
);
const text = checked(
  (value) => value.trim() !== "" && value.length <= TEXT_LENGTH_MAX,
  `must be a text of 1 to ${TEXT_LENGTH_MAX} characters`,
);
const pointer = checked(
  (value) => /^(\/([^~/]|~[01])*)+$/.test(value),
  'must be a JSON pointer into the event, such as "/data/outputTokens"',
);
const currency = checked(isCurrency, 'must be an ISO 4217 code, such as "EUR"');
const timeZone = checked(isTimeZone, 'must be an IANA time zone, such as "Europe/Berlin"');
const boundary = checked((value) => {
  const instant = parseInstant(value);
  return instant !== undefined && isWindowBoundary(instant);
}, 'must be a time with offset on a full quarter of an hour, such as "2026-01-01T00:00:00+01:00"');
const dimensionName = checked(
  (value) => /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(value) && value.length <= 64,
  'must begin with a letter or "_" and hold only letters, digits, "_", "." and "-" (at most 64 characters)',
);
const dimensionValue = checked(
  (value) => !exceedsBytes(value, DIMENSION_BYTES_MAX),
  `must be at most ${DIMENSION_BYTES_MAX} bytes`,
);

const meter = z
  .strictObject({
    key,
    eventType: text,
    aggregation: z.enum(AGGREGATIONS, {
      error: (issue) => `is ${shownValue(issue.input)}; write one of ${AGGREGATIONS.join(", ")}`,
    }),
    value: pointer.optional(),
    dimensions: z.record(dimensionName, pointer).default({}),
    whenMissing: z.enum(["reject", "skip"]).default("reject"),
  })
  .superRefine((meter, context) => {
    const problem = (path: string, message: string): void =>
      void context.addIssue({ code: "custom", path: [path], message });
    if (meter.aggregation === "count" && meter.value !== undefined)
      problem("value", "must be absent: count counts events");
    if (meter.aggregation !== "count" && meter.value === undefined)
      problem("value", `is missing: ${meter.aggregation} needs a JSON pointer to its value`);
    if (Object.keys(meter.dimensions).length > DIMENSIONS_MAX)
      problem("dimensions", `must be at most ${DIMENSIONS_MAX}`);
  });

const customer = z.strictObject({ key, name: text, aliases: z.array(text).default([]), currency, timeZone });

const rateCardPrice = z
  .strictObject({
    key,
    meter: key.optional(),
    where: z.record(dimensionName, dimensionValue).default({}),
    description: text.optional(),
    additional: z.boolean().default(false),
    price: priceSchema,
  })
  .superRefine((item, context) => {
    const flat = item.price.model === "flat";
    if (flat && item.meter !== undefined)
      context.addIssue({ code: "custom", path: ["meter"], message: "must be absent: a flat price charges per period" });
    if (!flat && item.meter === undefined)
      context.addIssue({
        code: "custom",
        path: ["meter"],
        message: `is missing: ${item.price.model} charges the usage of a meter`,
      });
  });

const rateCard = z.strictObject({
  key,
  currency,
  effectiveFrom: boundary.optional(),
  prices: z.array(rateCardPrice).min(1, "needs at least one price"),
});

const contract = z.strictObject({
  key,
  customer: key,
  rateCard: key,
  effective: z.strictObject({ from: boundary, to: boundary.nullable().default(null) }),
  effectiveFrom: boundary.optional(),
  timeZone: timeZone.optional(),
  billing: z
    .strictObject({ interval: z.literal("month").default("month"), anchorDay: z.int().min(1).max(31).default(1) })
    .default({ interval: "month", anchorDay: 1 }),
  overrides: z.array(rateCardPrice).default([]),
  unpriced: z.enum(["error", "free"]).default("error"),
  rounding: z.enum(ROUNDING_MODES).default("half_up"),
});

export const catalogFileSchema = z.strictObject({
  meters: z.array(meter).default([]),
  customers: z.array(customer).default([]),
  rateCards: z.array(rateCard).default([]),
  contracts: z.array(contract).default([]),
});

export type CatalogFile = z.infer<typeof catalogFileSchema>;
export type CatalogFileSection = keyof CatalogFile;
export type MeterInFile = CatalogFile["meters"][number];
export type RateCardInFile = CatalogFile["rateCards"][number];
export type ContractInFile = CatalogFile["contracts"][number];

function checked(holds: (value: string) => boolean, rule: string) {
  return z
    .string({ error: (issue) => (issue.input === undefined ? "is missing" : `is ${shownValue(issue.input)}; ${rule}`) })
    .superRefine((value, context) => {
      if (!holds(value)) context.addIssue({ code: "custom", message: `is ${shownValue(value)}; ${rule}` });
    });
}
