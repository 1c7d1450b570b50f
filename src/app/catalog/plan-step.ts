/** One change of a plan: the line of the diff and the journal entry. */
import type { EntityDefinition, EntityKind, EntityVersion, RateCardPrice } from "../../domain/catalog.ts";
import type { RateCardInFile } from "../../domain/catalog-schema.ts";
import type { CatalogVersionEntry } from "../../domain/journal-entry.ts";
import { canonicalJson } from "../../kernel/canonical-json.ts";
import { sha256Hex } from "../../kernel/hash.ts";
import type { Wanted } from "./catalog-entities.ts";
import { shownDefinition } from "./shown-definition.ts";
import { changedFields } from "./changed-fields.ts";
import type { CatalogChange } from "./plan-apply.ts";

export type Step = { readonly change: CatalogChange; readonly version: Omit<CatalogVersionEntry, "change"> };

export type PlanStepInput = {
  readonly wanted: Wanted;
  readonly version: number;
  readonly current: EntityVersion | undefined;
  /** Contracts only. */
  readonly effect?: Pick<CatalogChange, "effectiveFrom" | "retroactive">;
};

export function planStep({ wanted, version, current, effect }: PlanStepInput): Step {
  const { kind, key, definition } = wanted;
  const action = current === undefined ? "add" : "change";
  const fields =
    current === undefined ? [] : changedFields(shownDefinition(current.definition), shownDefinition(definition));
  const hash = definitionHash(definition);
  return {
    change: { action, kind, key, version, fields, ...effect },
    version: { kind: "catalog.version", entity: kind, key, version, hash, removed: false, definition },
  };
}

/** A price as it is stored: the same content has the same form. */
export function normalisedPrice(item: RateCardInFile["prices"][number]): RateCardPrice {
  const { key, meter, where, when, description, additional, unit, price, ramp } = item;
  return {
    key,
    where,
    additional,
    price,
    ...(when !== undefined && { when }),
    ...(meter !== undefined && { meter }),
    ...(description !== undefined && { description }),
    ...(unit !== undefined && { unit }),
    ...(ramp !== undefined && { ramp }),
  };
}

export function definitionHash(definition: EntityDefinition[EntityKind]): string {
  return sha256Hex(canonicalJson(definition));
}
