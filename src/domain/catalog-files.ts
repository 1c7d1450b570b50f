/** The catalog as files have it: entities with their places, and what could not be read. */
import type {
  CatalogFileSection,
  ContractInFile,
  CustomerInFile,
  EventTypeInFile,
  MeterInFile,
  RateCardInFile,
} from "./catalog-schema.ts";

/** An entity as written, and where: `catalog/meters.yaml:12:5`. */
export type Located<T> = {
  readonly at: string;
  readonly value: T;
  /** Where a field of it stands; the entity's own place without it. */
  readonly fieldAt?: (path: readonly PropertyKey[]) => string;
};
export type CatalogInFiles = {
  readonly eventTypes: readonly Located<EventTypeInFile>[];
  readonly meters: readonly Located<MeterInFile>[];
  readonly customers: readonly Located<CustomerInFile>[];
  readonly rateCards: readonly Located<RateCardInFile>[];
  readonly contracts: readonly Located<ContractInFile>[];
};
export type CatalogProblem = { readonly at: string; readonly problem: string };

/** What could not be read. Nothing is concluded from the absence of these entities, so that one mistake is reported once. */
export type UnreadEntities = {
  readonly problems: readonly CatalogProblem[];
  readonly keys: { readonly [Section in CatalogFileSection]: ReadonlySet<string> };
  /** What they refer to, so that a wrong reference in them is not left for the next attempt. */
  readonly references: readonly UnreadReference[];
  /** A whole file could not be read: it may hold any entity. */
  readonly anyFile: boolean;
};
export type UnreadReference = {
  readonly at: string;
  /** `contracts[0].customer`. */
  readonly field: string;
  readonly section: CatalogFileSection;
  readonly key: string;
};

export const NOTHING_UNREAD: UnreadEntities = {
  problems: [],
  keys: { eventTypes: new Set(), meters: new Set(), customers: new Set(), rateCards: new Set(), contracts: new Set() },
  references: [],
  anyFile: false,
};

export function fieldAt(entity: Located<unknown>, path: readonly PropertyKey[]): string {
  return entity.fieldAt?.(path) ?? entity.at;
}
