/**
 * The catalog as a journal of three entries: first some meters and a customer, then a second customer whose events were rejected until then, then
 * another meter. What an event is worth depends on the entry that its batch was planned with.
 */
import { compileMeteringCatalog, type MeteringCatalog } from "../../../src/metering/metering-catalog.ts";
import { catalogOf, type CatalogOfInput } from "../../support/catalog-of.ts";

export const EVENT_TYPE = "llm.completion";
/** Batches of nothing else are not special. */
export const SUMMED_TYPE = "api.request";
export const CUSTOMERS = ["acme", "newcomer"] as const;

type Meters = NonNullable<CatalogOfInput["meters"]>;
const VALUE = "/data/tokens";
const FIRST_METERS: Meters = [
  { key: "tokens", eventType: EVENT_TYPE, aggregation: "sum", value: VALUE, dimensions: { model: "/data/model" } },
  { key: "peak", eventType: EVENT_TYPE, aggregation: "max", value: VALUE },
  { key: "newest", eventType: EVENT_TYPE, aggregation: "latest", value: VALUE },
  { key: "users", eventType: EVENT_TYPE, aggregation: "unique_count", value: "/data/user" },
  { key: "level", eventType: EVENT_TYPE, aggregation: "time_weighted_sum", value: VALUE },
  { key: "requested", eventType: SUMMED_TYPE, aggregation: "sum", value: VALUE },
];
const ALL_METERS: Meters = [...FIRST_METERS, { key: "calls", eventType: EVENT_TYPE, aggregation: "count" }];

/** By journal sequence, from 1. */
export const CATALOG_HISTORY: readonly MeteringCatalog[] = [
  entry(1, FIRST_METERS, [CUSTOMERS[0]]),
  entry(2, FIRST_METERS, CUSTOMERS),
  entry(3, ALL_METERS, CUSTOMERS),
];

export function catalogAt(seq: number): MeteringCatalog {
  const catalog = CATALOG_HISTORY[seq - 1];
  if (catalog === undefined) throw new Error(`the journal of the model has no entry ${seq}`);
  return catalog;
}

function entry(seq: number, meters: Meters, customers: readonly string[]): MeteringCatalog {
  return compileMeteringCatalog({ ...catalogOf({ meters, customers: customers.map((key) => ({ key })) }), seq });
}
