/** Entities as the catalog has them and shall have them. */
import type { CatalogFileSection } from "../../domain/catalog-schema.ts";
import type { Catalog, EntityDefinition, EntityKind, EntityVersion } from "../../domain/catalog.ts";

/** A definition that the catalog shall have, before it is known whether it differs. */
export type Wanted<K extends EntityKind = EntityKind> = {
  readonly kind: K;
  readonly key: string;
  readonly at: string;
  readonly definition: EntityDefinition[K];
};

export const SECTION_OF_KIND = {
  event_type: "eventTypes",
  meter: "meters",
  customer: "customers",
  rate_card: "rateCards",
  contract: "contracts",
} as const satisfies Record<EntityKind, CatalogFileSection>;

export const KIND_OF_SECTION = {
  eventTypes: "event_type",
  meters: "meter",
  customers: "customer",
  rateCards: "rate_card",
  contracts: "contract",
} as const satisfies Record<CatalogFileSection, EntityKind>;

export function currentVersion<K extends EntityKind>(
  versions: readonly EntityVersion<K>[] | undefined,
): EntityVersion<K> | undefined {
  const last = versions?.at(-1);
  return last?.removed === true ? undefined : last;
}

export function versionsOf(catalog: Catalog, kind: EntityKind): ReadonlyMap<string, readonly EntityVersion[]> {
  return catalog[SECTION_OF_KIND[kind]];
}
