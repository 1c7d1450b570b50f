/** The catalog of the fault tests as files: a meter of each aggregation over one event type, two customers, no prices. */
import { METERED_TYPE } from "./meant-event.ts";

const METERS = [
  { key: "calls", aggregation: "count" },
  { key: "tokens", aggregation: "sum", value: "/data/tokens", dimensions: { model: "/data/model" } },
  { key: "peak", aggregation: "max", value: "/data/tokens" },
  { key: "lowest", aggregation: "min", value: "/data/tokens" },
  { key: "newest", aggregation: "latest", value: "/data/tokens" },
  { key: "users", aggregation: "unique_count", value: "/data/user" },
  { key: "level", aggregation: "time_weighted_sum", value: "/data/tokens" },
];
/** Those that count every metered event, from the first on. */
export const METER_KEYS: readonly string[] = METERS.map(({ key }) => key);
const CUSTOMERS = ["acme", "globex"].map((key) => ({ key, name: key, currency: "EUR", timeZone: "UTC" }));

export const FAULT_CATALOG: Readonly<Record<string, string>> = {
  "meters.yaml": metersFile(METERS),
  "customers.yaml": JSON.stringify({ customers: CUSTOMERS }),
};

/** The meters of a catalog file; JSON is YAML. */
export function metersFile(meters: readonly Readonly<Record<string, unknown>>[]): string {
  return JSON.stringify({ meters: meters.map((meter) => ({ eventType: METERED_TYPE, ...meter })) });
}
