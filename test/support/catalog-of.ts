/** A catalog with one current version of each entity, for tests of what reads catalogs. */
import type { Catalog, Customer, EntityKind, EntityVersion } from "../../src/domain/catalog.ts";
import type { Meter } from "../../src/domain/meter.ts";

export type CatalogOfInput = {
  readonly meters?: readonly (Pick<Meter, "key" | "eventType" | "aggregation"> & Partial<Meter>)[];
  /** Schemas as JSON texts, by event type. */
  readonly schemas?: Readonly<Record<string, string>>;
  readonly customers?: readonly (Pick<Customer, "key"> & Partial<Customer>)[];
};

export function catalogOf(input: CatalogOfInput): Catalog {
  const meters = (input.meters ?? []).map((meter) => ({ dimensions: {}, whenMissing: "reject" as const, ...meter }));
  const customers = (input.customers ?? []).map((customer) => ({
    name: customer.key,
    aliases: [],
    currency: "EUR",
    timeZone: "UTC",
    ...customer,
  }));
  const eventTypes = Object.entries(input.schemas ?? {}).map(([key, schema]) => ({ key, schema }));
  return {
    seq: 1,
    eventTypes: new Map(eventTypes.map((eventType) => [eventType.key, [versionOf("event_type", eventType)]])),
    meters: new Map(meters.map((meter) => [meter.key, [versionOf("meter", meter)]])),
    customers: new Map(customers.map((customer) => [customer.key, [versionOf("customer", customer)]])),
    rateCards: new Map(),
    contracts: new Map(),
  };
}

export function versionOf<K extends EntityKind>(kind: K, definition: EntityVersion<K>["definition"]): EntityVersion<K> {
  return { kind, key: definition.key, version: 1, hash: "", journalSeq: 1, removed: false, definition };
}
