/**
 * Usage that is free: units per billing period, or a share. Units that a period leaves over lapse with it, unless they roll over: then later periods
 * may use them, for a number of periods and up to a limit.
 */
import { z } from "zod";
import { nonNegativeDecimalField, percentField, positiveDecimalField, shownValue } from "./decimal-field.ts";
import { complain, requireExactlyOne, strict } from "./price-fields.ts";

/** A century. */
const PERIODS_MAX = 1_200;

const rollover = strict({
  /** Of all that is taken into one period; absent: none. */
  limit: positiveDecimalField.exactOptional(),
  /** How many billing periods after the one that granted them units may be used. */
  periods: z.custom<number>((value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= PERIODS_MAX, {
    error: ({ input }) =>
      `periods is ${input === undefined ? "missing" : shownValue(input)}: write a number of billing periods from 1 to ${PERIODS_MAX}, without quotes`,
  }),
});

export const usageDiscount = strict({
  freeUnits: nonNegativeDecimalField.exactOptional(),
  percent: percentField.exactOptional(),
  rollover: rollover.exactOptional(),
}).superRefine(({ rollover: rolls, ...value }, context) => {
  requireExactlyOne(value, context);
  if (rolls !== undefined && value.freeUnits === undefined)
    complain(context, ["rollover"], "rollover needs freeUnits: a share of the usage leaves nothing over");
});

export type Rollover = z.infer<typeof rollover>;
export type UsageDiscount = z.infer<typeof usageDiscount>;
