/** Usage that was read once is at hand when it is asked for again: both sides of a simulation ask for nearly the same. Made for one batch. */
import type { MeteredUsage } from "../../domain/rated-line.ts";
import type { BillingStore, UsageQuery } from "../ports.ts";
import { collect } from "../rating/customer-cursor.ts";

export type UsageStore = Pick<BillingStore, "meteredUsage" | "meteredCells" | "meteredEvents" | "usedMeters">;

/** Single events are read anew: there may be more of them than memory holds. */
export function rememberingStore(store: UsageStore): UsageStore {
  const known = new Map<string, readonly MeteredUsage[]>();
  return {
    ...store,
    meteredUsage: async function* (query) {
      const key = keyOf(query);
      const rows = known.get(key) ?? (await collect(store.meteredUsage(query)));
      known.set(key, rows);
      yield* rows;
    },
  };
}

function keyOf(query: UsageQuery): string {
  // Instants are whole numbers beyond what JSON has.
  return JSON.stringify(query, (_name, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
}
