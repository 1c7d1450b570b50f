/** The usage of a meter in a month, as a rating run reads it: as of a complete cut, by a store that asks once a minute what was taken back. */
import type { BillingStore } from "../../src/app/ports.ts";
import { decimal, decimalText } from "../../src/kernel/decimal.ts";
import { instantOf } from "../../src/kernel/instant.ts";
import { GENERATED_MONTH } from "./generated-usage.ts";

export type MonthUsage = { readonly customer: string; readonly quantity: string; readonly eventCount: string };

/** Behind all that is generated, and not the one that stands for what is known by now and grows. */
const COMPLETE_CUT = 4_294_967_294;

/** Empty `customers`: of all. In the order of the customers. */
export async function invoiceUsage(
  store: BillingStore,
  input: { readonly meter: string; readonly aggregation: string; readonly customers: readonly string[] },
): Promise<readonly MonthUsage[]> {
  const usage: MonthUsage[] = [];
  const query = {
    ...input,
    where: {},
    from: instantOf(GENERATED_MONTH.from, "from"),
    to: instantOf(GENERATED_MONTH.to, "to"),
    cut: COMPLETE_CUT,
  };
  for await (const { customer, quantity, eventCount } of store.meteredUsage(query))
    usage.push({ customer, quantity, eventCount });
  return usage;
}

/** Comparable, however the digits are written. */
export function usageText(usage: readonly MonthUsage[]): string {
  return usage
    .map(({ customer, quantity, eventCount }) => `${customer} ${decimalText(decimal(quantity))} ${eventCount}`)
    .join("\n");
}
