/** What `--prune` takes out: every entity that the files do not have. A contract ends with its running billing period. */
import type { ContractVersion, EntityKind, EntityVersion } from "../../domain/catalog.ts";
import { instantText, type Instant } from "../../kernel/instant.ts";
import { currentVersion, SECTION_OF_KIND, versionsOf } from "./catalog-entities.ts";
import { nextPeriod } from "./next-period.ts";
import type { PlanApplyInput } from "./plan-apply.ts";
import { definitionHash, type Step } from "./plan-step.ts";

/** Contracts first: what they use goes after them. */
const ORDER = ["contract", "rate_card", "customer", "meter", "event_type"] as const satisfies readonly EntityKind[];

export function planRemovals({ state, files, now }: PlanApplyInput): Step[] {
  return ORDER.flatMap((kind) => {
    const kept = new Set(files[SECTION_OF_KIND[kind]].map((entity) => entity.value.key));
    return [...versionsOf(state.catalog, kind)].flatMap(([key, versions]): Step[] => {
      const current = currentVersion(versions);
      return current === undefined || kept.has(key) ? [] : [removal({ current, version: versions.length + 1, now })];
    });
  });
}

type RemovalInput = { readonly current: EntityVersion; readonly version: number; readonly now: Instant };

function removal({ current, version, now }: RemovalInput): Step {
  const { kind, key } = current;
  const effect = kind === "contract" ? ending(current.definition as ContractVersion, now) : {};
  const definition = { ...current.definition, ...effect };
  const hash = definitionHash(definition);
  return {
    change: { action: "remove", kind, key, version, fields: [], ...effect },
    version: { kind: "catalog.version", entity: kind, key, version, hash, removed: true, definition },
  };
}

function ending(contract: ContractVersion, now: Instant): { readonly effectiveFrom: string } {
  return { effectiveFrom: instantText(nextPeriod(now, contract)) };
}
