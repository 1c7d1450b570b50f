/** The usage of a meter in a month, as the invoice reads it. */
import { billingStore } from "../../src/clickhouse/billing-store.ts";
import type { ClickHouse } from "../../src/clickhouse/connect.ts";
import { decimal, decimalText } from "../../src/kernel/decimal.ts";
import { instantOf } from "../../src/kernel/instant.ts";
import { GENERATED_MONTH } from "./generated-usage.ts";

export type MonthUsage = { readonly customer: string; readonly quantity: string; readonly eventCount: string };

const ALL_KNOWN_CUT = 4_294_967_295;

/** Empty `customers`: of all. In the order of the customers. */
export async function invoiceUsage(
  clickhouse: ClickHouse,
  input: { readonly meter: string; readonly aggregation: string; readonly customers: readonly string[] },
): Promise<readonly MonthUsage[]> {
  const usage: MonthUsage[] = [];
  const query = {
    ...input,
    where: {},
    from: instantOf(GENERATED_MONTH.from, "from"),
    to: instantOf(GENERATED_MONTH.to, "to"),
    cut: ALL_KNOWN_CUT,
  };
  for await (const { customer, quantity, eventCount } of billingStore(clickhouse).meteredUsage(query))
    usage.push({ customer, quantity, eventCount });
  return usage;
}

/** Comparable, however the digits are written. */
export function usageText(usage: readonly MonthUsage[]): string {
  return usage
    .map(({ customer, quantity, eventCount }) => `${customer} ${decimalText(decimal(quantity))} ${eventCount}`)
    .join("\n");
}
