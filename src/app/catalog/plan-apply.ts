/**
 * Compares the catalog files with the catalog and says what would change: a diff, the journal entries that make it so, and every problem at
 * once. Pure; `apply` shows the plan and performs it. A changed entity becomes a new version, nothing is ever edited.
 */
import {
  NOTHING_UNREAD,
  type CatalogInFiles,
  type CatalogProblem,
  type Located,
  type UnreadEntities,
} from "../../domain/catalog-files.ts";
import type { CustomerInFile, EventTypeInFile, MeterInFile, RateCardInFile } from "../../domain/catalog-schema.ts";
import type { Catalog, EntityDefinition, EntityKind } from "../../domain/catalog.ts";
import type { CatalogVersionEntry } from "../../domain/journal-entry.ts";
import type { Instant } from "../../kernel/instant.ts";
import { currentVersion, versionsOf, type Wanted } from "./catalog-entities.ts";
import { catalogProblems } from "./catalog-problems.ts";
import { doubleCharges } from "./double-charges.ts";
import type { JournalState } from "./fold-journal.ts";
import { hoursGaps } from "./hours-gaps.ts";
import { immutableProblems } from "./immutable-fields.ts";
import { planContracts, type CardVersion } from "./plan-contracts.ts";
import { planRemovals } from "./plan-removals.ts";
import { definitionHash, normalisedPrice, planStep, type Step } from "./plan-step.ts";
import { prorationChanges } from "./proration-changes.ts";
import { runningUses } from "./running-uses.ts";

export type CatalogChange = {
  readonly action: "add" | "change" | "remove";
  readonly kind: EntityKind;
  readonly key: string;
  readonly version: number;
  /** `field: old → new`; empty for an addition. */
  readonly fields: readonly string[];
  /** When the version begins to hold; contracts only. */
  readonly effectiveFrom?: string;
  /** True if it begins in the past: usage since then that is not invoiced yet gets another price. */
  readonly retroactive?: true;
};

export type ApplyPlan = {
  readonly changes: readonly CatalogChange[];
  /** In the order in which they are appended, without the commit. */
  readonly versions: readonly Omit<CatalogVersionEntry, "change">[];
  readonly problems: readonly CatalogProblem[];
  /** What is allowed, but may not be meant. */
  readonly warnings: readonly string[];
};

export type PlanApplyInput = {
  readonly state: JournalState;
  readonly files: CatalogInFiles;
  /** What is wrong with the files already; such a plan has problems and is never performed. */
  readonly unread?: UnreadEntities;
  readonly now: Instant;
  /** Take out what the files do not have. */
  readonly prune: boolean;
};

export function planApply(input: PlanApplyInput): ApplyPlan {
  const { files, state } = input;
  const { catalog } = state;
  const unread = input.unread ?? NOTHING_UNREAD;
  const plain = [
    ...files.eventTypes.map(wantedEventType),
    ...files.meters.map(wantedMeter),
    ...files.customers.map(wantedCustomer),
    ...files.rateCards.map(wantedRateCard),
  ];
  const steps = plain.flatMap((wanted) => planVersion(catalog, wanted));
  // What could not be read would look as if it had been taken out.
  const removals = input.prune && unread.problems.length === 0 ? planRemovals(input) : [];
  const contracts = planContracts(input, { cards: cardVersions(catalog, steps), removals });
  const all = [...steps, ...contracts.steps, ...removals];
  const versions = all.map((step) => step.version);
  const problems = [
    ...unread.problems,
    ...catalogProblems({ catalog, files, unread, removed: removals.map((step) => step.version) }),
    ...plain.flatMap((wanted) => immutableProblems(catalog, wanted)),
    ...contracts.problems,
  ];
  // Contracts that are wrong in themselves have not been planned, so that this would tell half of it.
  if (problems.length === 0) {
    problems.push(
      ...doubleCharges({ catalog, versions, files }),
      ...prorationChanges({ catalog, versions, files }),
      ...runningUses({ catalog, versions, now: input.now }),
    );
  }
  const warnings = problems.length === 0 ? hoursGaps({ catalog, versions }) : [];
  return { changes: all.map((step) => step.change), versions, problems, warnings };
}

function wantedEventType({ at, value }: Located<EventTypeInFile>): Wanted<"event_type"> {
  return { kind: "event_type", key: value.key, at, definition: value };
}

function wantedMeter({ at, value }: Located<MeterInFile>): Wanted<"meter"> {
  // What is not given is absent, so that a field that came later changes no content hash of earlier catalogs.
  const definition = Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
  return { kind: "meter", key: value.key, at, definition: definition as EntityDefinition["meter"] };
}

function wantedCustomer({ at, value }: Located<CustomerInFile>): Wanted<"customer"> {
  return { kind: "customer", key: value.key, at, definition: { ...value, aliases: [...value.aliases].sort() } };
}

/** `effectiveFrom` says when the change reaches the contracts; it is no part of the card. */
function wantedRateCard({ at, value }: Located<RateCardInFile>): Wanted<"rate_card"> {
  const { effectiveFrom: _start, prices, ...terms } = value;
  const definition = { ...terms, prices: prices.map(normalisedPrice) };
  return { kind: "rate_card", key: value.key, at, definition };
}

function planVersion(catalog: Catalog, wanted: Wanted): Step[] {
  const versions = versionsOf(catalog, wanted.kind).get(wanted.key) ?? [];
  const current = currentVersion(versions);
  if (current?.hash === definitionHash(wanted.definition)) return [];
  return [planStep({ wanted, version: versions.length + 1, current })];
}

/** The version of each rate card that contracts will find: the one of this apply, or else the current one. */
function cardVersions(catalog: Catalog, steps: readonly Step[]): ReadonlyMap<string, CardVersion> {
  const cards = new Map<string, CardVersion>();
  for (const [key, versions] of catalog.rateCards) {
    const current = currentVersion(versions);
    if (current === undefined) continue;
    const { version, hash, definition } = current;
    cards.set(key, { version, hash, currency: definition.currency, changes: false });
  }
  for (const { version: entry } of steps) {
    if (entry.entity !== "rate_card") continue;
    const { version, hash } = entry;
    const { currency } = entry.definition as EntityDefinition["rate_card"];
    cards.set(entry.key, { version, hash, currency, changes: true });
  }
  return cards;
}
