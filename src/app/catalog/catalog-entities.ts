/** Entities as the files want them and as the catalog has them. */
import type { CatalogFile } from "../../domain/catalog-schema.ts";
import type { Catalog, EntityDefinition, EntityKind, EntityVersion } from "../../domain/catalog.ts";

export type Located<T> = { readonly at: string; readonly value: T };
export type CatalogInFiles = {
  readonly [Section in keyof CatalogFile]: readonly Located<CatalogFile[Section][number]>[];
};
export type ApplyProblem = { readonly at: string; readonly problem: string };

/** A definition that the catalog shall have, before it is known whether it differs. */
export type Wanted<K extends EntityKind = EntityKind> = {
  readonly kind: K;
  readonly key: string;
  readonly at: string;
  readonly definition: EntityDefinition[K];
};

export function currentVersion<K extends EntityKind>(
  versions: readonly EntityVersion<K>[] | undefined,
): EntityVersion<K> | undefined {
  const last = versions?.at(-1);
  return last?.removed === true ? undefined : last;
}

export function versionsOf(catalog: Catalog, kind: EntityKind): ReadonlyMap<string, readonly EntityVersion[]> {
  const rooms = {
    meter: catalog.meters,
    customer: catalog.customers,
    rate_card: catalog.rateCards,
    contract: catalog.contracts,
  };
  return rooms[kind];
}
