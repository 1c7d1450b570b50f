/**
 * Prices: nine models, and the modifiers that any of them can have. A price that could not be charged sensibly is refused here, when
 * it is applied, and never later when an invoice depends on it. Decimals stay texts, so that a price has one content hash.
 */
import { z } from "zod";
import { decimal } from "../kernel/decimal.ts";
import { AppError } from "../kernel/errors.ts";
import {
  countField,
  decimalField,
  fieldName,
  nonNegativeDecimalField,
  pathText,
  percentField,
  positiveDecimalField,
  shownValue,
} from "./decimal-field.ts";
import { chooseOneOf, complain, requireExactlyOne, requireOrdered, strict, type FieldContext } from "./price-fields.ts";
import { usageDiscount } from "./usage-discount.ts";

/** Ways to round a converted quantity to whole units; `none` keeps the fraction. */
export const UNIT_ROUNDINGS = ["none", "up", "down", "ceiling", "floor", "half_up", "half_even", "half_down"] as const;

const TIERS_MAX = 1_000;
const CELLS_MAX = 2_000;
const DIMENSIONS_MAX = 16;

const unitConversion = strict({
  divideBy: positiveDecimalField,
  rounding: z.enum(UNIT_ROUNDINGS, { error: (issue) => chooseOneOf(issue, UNIT_ROUNDINGS) }).exactOptional(),
});

const discount = strict({
  percent: percentField.exactOptional(),
  amount: nonNegativeDecimalField.exactOptional(),
}).superRefine((value, context) => requireExactlyOne(value, context));

const modifiers = {
  /** Amounts below zero are meant: a credit per unit, a price that gives back. */
  allowNegative: z
    .literal(true, { error: (issue) => `allowNegative is ${shownValue(issue.input)}: write true, or leave it out` })
    .exactOptional(),
  unitConversion: unitConversion.exactOptional(),
  usageDiscount: usageDiscount.exactOptional(),
  discount: discount.exactOptional(),
  maximumAmount: nonNegativeDecimalField.exactOptional(),
  minimumAmount: nonNegativeDecimalField.exactOptional(),
};

const upTo = positiveDecimalField.nullable();
const dimensionName = z.string({ error: (issue) => `${fieldName(issue.path)} must be the name of a dimension` }).min(1);

/** The models over amounts of one kind: of 0 or more, or any. */
function schemasOf(amount: z.ZodString) {
  const tiers = strictTiers(
    strict({ upTo, unitAmount: amount.exactOptional(), flatAmount: amount.exactOptional() }),
    "unitAmount",
  );
  const percentageTiers = strictTiers(
    strict({ upTo, rate: percentField.exactOptional(), flatAmount: amount.exactOptional() }),
    "rate",
  );
  return [
    strict({ model: z.literal("flat"), amount, ...modifiers }),
    strict({ model: z.literal("per_unit"), unitAmount: amount, ...modifiers }),
    strict({
      model: z.literal("package"),
      packageAmount: amount,
      packageSize: positiveDecimalField,
      freeUnits: nonNegativeDecimalField.exactOptional(),
      ...modifiers,
    }),
    strict({ model: z.literal("graduated"), tiers, ...modifiers }),
    strict({ model: z.literal("volume"), tiers, ...modifiers }),
    strict({
      model: z.literal("percentage"),
      rate: percentField,
      fixedAmount: amount.exactOptional(),
      minPerEvent: nonNegativeDecimalField.exactOptional(),
      maxPerEvent: nonNegativeDecimalField.exactOptional(),
      freeEvents: countField.exactOptional(),
      freeAmount: nonNegativeDecimalField.exactOptional(),
      ...modifiers,
    }),
    strict({ model: z.literal("graduated_percentage"), tiers: percentageTiers, ...modifiers }),
    strict({ model: z.literal("dynamic"), multiplier: amount, ...modifiers }),
    strict({
      model: z.literal("matrix"),
      dimensions: z.array(dimensionName).min(1, "dimensions is empty: name at least one").max(DIMENSIONS_MAX),
      cells: z
        .array(strict({ match: z.record(dimensionName, z.string()), unitAmount: amount }))
        .min(1, "cells is empty: write at least one")
        .max(CELLS_MAX),
      /** Amount per unit of what no cell matches; without it such usage is refused. */
      otherwise: z
        .union([amount, strict({ unitAmount: amount })], {
          error: (issue) =>
            `otherwise is ${shownValue(issue.input)}: write the amount per unit as a decimal string such as "0.05"`,
        })
        .exactOptional(),
      ...modifiers,
    }),
  ] as const;
}

const UNSIGNED_SCHEMAS = schemasOf(nonNegativeDecimalField);

export const PRICE_MODELS = UNSIGNED_SCHEMAS.map((schema) => schema.shape.model.value);

const unsignedPrice = checkedUnion(UNSIGNED_SCHEMAS);
const signedPrice = checkedUnion(schemasOf(decimalField));

function checkedUnion(schemas: typeof UNSIGNED_SCHEMAS) {
  return z
    .discriminatedUnion("model", schemas, { error: (issue) => modelMessage(issue.input) })
    .superRefine((price, context) => {
      requireOrdered(context, {
        low: ["minimumAmount", price.minimumAmount],
        high: ["maximumAmount", price.maximumAmount],
      });
      if (price.model === "percentage") {
        requireOrdered(context, { low: ["minPerEvent", price.minPerEvent], high: ["maxPerEvent", price.maxPerEvent] });
      }
      if (price.model === "matrix") checkMatrix(price, context);
    });
}

export type Price = z.infer<typeof unsignedPrice>;

/** Negative amounts are refused unless the price says that it means them. */
export const priceSchema = z.unknown().transform((input, context): Price => {
  const allowsNegative = typeof input === "object" && input !== null && Reflect.get(input, "allowNegative") === true;
  const result = (allowsNegative ? signedPrice : unsignedPrice).safeParse(input);
  if (result.success) return result.data;
  // Handed on whole: their codes and keys tell the place in the file.
  context.issues.push(...result.error.issues.map((issue) => ({ ...issue, input }) as z.core.$ZodRawIssue));
  return z.NEVER;
});

type PriceOf<Model extends Price["model"]> = Extract<Price, { readonly model: Model }>;
export type FlatPrice = PriceOf<"flat">;
export type PerUnitPrice = PriceOf<"per_unit">;
export type PackagePrice = PriceOf<"package">;
export type GraduatedPrice = PriceOf<"graduated">;
export type Tier = GraduatedPrice["tiers"][number];
export type VolumePrice = PriceOf<"volume">;
export type PercentagePrice = PriceOf<"percentage">;
export type GraduatedPercentagePrice = PriceOf<"graduated_percentage">;
export type PercentageTier = GraduatedPercentagePrice["tiers"][number];
export type DynamicPrice = PriceOf<"dynamic">;
export type MatrixPrice = PriceOf<"matrix">;
export type UnitConversion = z.infer<typeof unitConversion>;

/** Checks a price from outside; throws `invalid` with every problem at once. */
export function parsePrice(input: unknown, field = "price"): Price {
  const result = priceSchema.safeParse(input);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${pathText([field, ...issue.path])}: ${issue.message}`);
  throw new AppError({ code: "PRICE_INVALID", kind: "invalid", message: problems.join("; "), details: { problems } });
}

type AnyTier = { upTo: string | null; flatAmount?: string };

function strictTiers<Element extends z.ZodType<AnyTier>>(tier: Element, rateField: string): z.ZodArray<Element> {
  return z
    .array(tier, { error: (issue) => `tiers is ${shownValue(issue.input)}: write a list of tiers` })
    .min(1, "tiers is empty: write at least one tier, the last with upTo: null")
    .max(TIERS_MAX, `tiers has more than ${TIERS_MAX} tiers`)
    .superRefine((list, context) => checkTiers({ list, rateField, context }));
}

function checkTiers(input: { list: readonly AnyTier[]; rateField: string; context: FieldContext }): void {
  const { list, rateField, context } = input;
  list.forEach((tier, index) => {
    const last = index === list.length - 1;
    const before = list[index - 1]?.upTo;
    if (last && tier.upTo !== null) {
      complain(
        context,
        [index, "upTo"],
        `upTo is "${tier.upTo}" in the last tier: write null, so that no usage is left without a price`,
      );
    }
    if (!last && tier.upTo === null) {
      complain(
        context,
        [index, "upTo"],
        "upTo is null before the last tier: write its upper bound, or remove the tiers after it",
      );
    }
    if (typeof tier.upTo === "string" && typeof before === "string" && decimal(tier.upTo).lte(decimal(before))) {
      complain(context, [index, "upTo"], `upTo is "${tier.upTo}": it must be above "${before}" of the tier before`);
    }
    if (tier.flatAmount === undefined && !(rateField in tier)) {
      complain(context, [index], `the tier has no price: write ${rateField} or flatAmount ("0" if it is free)`);
    }
  });
}

function checkMatrix(price: MatrixPrice, context: FieldContext): void {
  const names = new Set(price.dimensions);
  if (names.size < price.dimensions.length)
    complain(context, ["dimensions"], "dimensions names one twice: write each once");
  price.cells.forEach((cell, index) => {
    const keys = Object.keys(cell.match);
    if (keys.length === 0)
      complain(context, ["cells", index, "match"], "match is empty: name a dimension, or use otherwise");
    for (const key of keys.filter((name) => !names.has(name))) {
      complain(
        context,
        ["cells", index, "match", key],
        `match names "${key}": it is none of the dimensions ${price.dimensions.join(", ")}`,
      );
    }
    // The first matching cell charges, so a cell behind a wider one would never be used.
    const wider = price.cells.slice(0, index).findIndex((earlier) => matchesAll(earlier.match, cell.match));
    if (wider >= 0)
      complain(context, ["cells", index, "match"], `match is never reached: cells[${wider}] already matches all of it`);
  });
}

function matchesAll(wanted: Readonly<Record<string, string>>, values: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => Object.hasOwn(values, name) && values[name] === value);
}

function modelMessage(input: unknown): string {
  if (typeof input !== "object" || input === null) return `price is ${shownValue(input)}: write an object with a model`;
  const model: unknown = Reflect.get(input, "model");
  return `model is ${model === undefined ? "missing" : shownValue(model)}: choose one of ${PRICE_MODELS.join(", ")}`;
}
