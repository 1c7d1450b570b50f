/** What each customer used, read in one go: one number for each, as many as the plan has tasks. */
import type { BillingStore, UsageQuery } from "../ports.ts";

/** By customer; who used nothing is absent. */
export type Quantities = ReadonlyMap<string, string>;

export async function quantitiesOf(store: Pick<BillingStore, "meteredUsage">, query: UsageQuery): Promise<Quantities> {
  const quantities = new Map<string, string>();
  for await (const { customer, quantity } of store.meteredUsage(query)) quantities.set(customer, quantity);
  return quantities;
}
