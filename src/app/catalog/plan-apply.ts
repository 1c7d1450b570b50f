/**
 * Compares the catalog files with the catalog and says what would change: a diff, the journal entries that make it so, and every problem at
 * once. Pure; `apply` shows the plan and performs it. A changed entity becomes a new version, nothing is ever edited.
 */
import type { ContractInFile, RateCardInFile } from "../../domain/catalog-schema.ts";
import type { Catalog, ContractVersion, EntityDefinition, EntityKind, EntityVersion } from "../../domain/catalog.ts";
import type { CatalogVersionEntry } from "../../domain/journal-entry.ts";
import { canonicalJson } from "../../kernel/canonical-json.ts";
import { sha256Hex } from "../../kernel/hash.ts";
import { instantOf, instantText, type Instant } from "../../kernel/instant.ts";
import { billingPeriodAt } from "../../kernel/period.ts";
import {
  currentVersion,
  versionsOf,
  type ApplyProblem,
  type CatalogInFiles,
  type Located,
  type Wanted,
} from "./catalog-entities.ts";
import { catalogProblems } from "./catalog-problems.ts";
import { changedFields, immutableProblems } from "./changed-fields.ts";
import type { JournalState } from "./fold-journal.ts";

export type CatalogChange = {
  readonly action: "add" | "change" | "remove";
  readonly kind: EntityKind;
  readonly key: string;
  readonly version: number;
  /** `field: old → new`; empty for an addition. */
  readonly fields: readonly string[];
  /** When the version begins to hold; contracts only. */
  readonly effectiveFrom?: string;
};

export type ApplyPlan = {
  readonly changes: readonly CatalogChange[];
  /** In the order in which they are appended, without the commit. */
  readonly versions: readonly Omit<CatalogVersionEntry, "change">[];
  readonly problems: readonly ApplyProblem[];
};

export type PlanApplyInput = {
  readonly state: JournalState;
  readonly files: CatalogInFiles;
  readonly now: Instant;
  /** Take out what the files do not have. */
  readonly prune: boolean;
};

export function planApply(input: PlanApplyInput): ApplyPlan {
  const { catalog } = input.state;
  const plain = [
    ...input.files.meters.map(wantedMeter),
    ...input.files.customers.map(wantedCustomer),
    ...input.files.rateCards.map(wantedRateCard),
  ];
  const steps = plain.flatMap((wanted) => planVersion(catalog, wanted));
  const cards = cardVersions(catalog, steps);
  const contracts = input.files.contracts.map((contract) => planContract(input, contract, cards));
  const removals = input.prune ? planRemovals(input) : [];
  const all = [...steps, ...contracts.flatMap((planned) => planned.steps), ...removals];
  return {
    changes: all.map((step) => step.change),
    versions: all.map((step) => step.version),
    problems: [
      ...catalogProblems({ catalog, files: input.files, removed: removals.map((step) => step.version) }),
      ...plain.flatMap((wanted) => immutableProblems(catalog, wanted)),
      ...contracts.flatMap((planned) => planned.problems),
    ],
  };
}

type Step = { readonly change: CatalogChange; readonly version: Omit<CatalogVersionEntry, "change"> };
type CardVersion = {
  readonly version: number;
  readonly hash: string;
  readonly currency: string;
  readonly effectiveFrom?: string;
};

function wantedMeter({ at, value }: CatalogInFiles["meters"][number]): Wanted<"meter"> {
  const { key, eventType, aggregation, dimensions, whenMissing } = value;
  const definition = {
    key,
    eventType,
    aggregation,
    ...(value.value !== undefined && { value: value.value }),
    dimensions,
    whenMissing,
  };
  return { kind: "meter", key, at, definition };
}

function wantedCustomer({ at, value }: CatalogInFiles["customers"][number]): Wanted<"customer"> {
  return { kind: "customer", key: value.key, at, definition: { ...value, aliases: [...value.aliases].sort() } };
}

function wantedRateCard({
  at,
  value,
}: Located<RateCardInFile>): Wanted<"rate_card"> & { readonly effectiveFrom?: string } {
  const { effectiveFrom, ...card } = value;
  const definition = { ...card, prices: card.prices.map(normalisedPrice) };
  return { kind: "rate_card", key: value.key, at, definition, ...(effectiveFrom !== undefined && { effectiveFrom }) };
}

function normalisedPrice(item: RateCardInFile["prices"][number]): EntityDefinition["rate_card"]["prices"][number] {
  const { key, meter, where, description, additional, price } = item;
  return {
    key,
    where,
    additional,
    price,
    ...(meter !== undefined && { meter }),
    ...(description !== undefined && { description }),
  };
}

function planVersion(catalog: Catalog, wanted: Wanted): Step[] {
  const versions = versionsOf(catalog, wanted.kind).get(wanted.key) ?? [];
  const current = currentVersion(versions);
  const hash = definitionHash(wanted.definition);
  return current?.hash === hash ? [] : [step({ wanted, hash, version: versions.length + 1, current })];
}

type StepInput = {
  readonly wanted: Wanted;
  readonly hash: string;
  readonly version: number;
  readonly current: EntityVersion | undefined;
  readonly effectiveFrom?: string;
};

function step({ wanted, hash, version, current, effectiveFrom }: StepInput): Step {
  const { kind, key, definition } = wanted;
  return {
    change: {
      action: current === undefined ? "add" : "change",
      kind,
      key,
      version,
      fields: current === undefined ? [] : changedFields(current.definition, definition),
      ...(effectiveFrom !== undefined && { effectiveFrom }),
    },
    version: { kind: "catalog.version", entity: kind, key, version, hash, removed: false, definition },
  };
}

/** The version of each rate card that contracts will find: the one of this apply, or else the current one. */
function cardVersions(catalog: Catalog, steps: readonly Step[]): ReadonlyMap<string, CardVersion> {
  const cards = new Map<string, CardVersion>();
  for (const [key, versions] of catalog.rateCards) {
    const current = currentVersion(versions);
    if (current !== undefined)
      cards.set(key, { version: current.version, hash: current.hash, currency: current.definition.currency });
  }
  for (const { version } of steps) {
    if (version.entity !== "rate_card") continue;
    const { currency } = version.definition as EntityDefinition["rate_card"];
    cards.set(version.key, { version: version.version, hash: version.hash, currency });
  }
  return cards;
}

type PlannedContract = { readonly steps: readonly Step[]; readonly problems: readonly ApplyProblem[] };

function planContract(
  input: PlanApplyInput,
  { at, value }: Located<ContractInFile>,
  cards: ReadonlyMap<string, CardVersion>,
): PlannedContract {
  const versions = input.state.catalog.contracts.get(value.key) ?? [];
  const current = currentVersion(versions);
  const card = cards.get(value.rateCard);
  const timeZone = value.timeZone ?? customerZone(input, value.customer);
  // An unknown rate card or customer is reported by `catalogProblems`; there is nothing to plan then.
  if (card === undefined || timeZone === undefined) return { steps: [], problems: [] };
  const terms = contractTerms({ value, card, timeZone });
  if (current !== undefined && canonicalJson(withoutStart(current.definition)) === canonicalJson(terms))
    return { steps: [], problems: [] };
  const cardFile = input.files.rateCards.find((file) => file.value.key === value.rateCard)?.value;
  const effectiveFrom =
    current === undefined
      ? value.effective.from
      : (value.effectiveFrom ?? cardFile?.effectiveFrom ?? nextPeriod(input.now, terms));
  const definition: ContractVersion = { ...terms, effectiveFrom };
  const wanted: Wanted<"contract"> = { kind: "contract", key: value.key, at, definition };
  const planned = step({
    wanted,
    hash: definitionHash(definition),
    version: versions.length + 1,
    current,
    effectiveFrom,
  });
  const problems =
    current === undefined
      ? []
      : [...immutableProblems(input.state.catalog, wanted), ...finalizedProblems(input.state, wanted)];
  return { steps: [planned], problems };
}

function contractTerms(input: {
  readonly value: ContractInFile;
  readonly card: CardVersion;
  readonly timeZone: string;
}): Omit<ContractVersion, "effectiveFrom"> {
  const { value, card, timeZone } = input;
  const { key, customer, rateCard, billing, effective, unpriced, rounding } = value;
  const pinned = { rateCard, rateCardVersion: card.version, rateCardHash: card.hash, currency: card.currency };
  return {
    key,
    customer,
    ...pinned,
    timeZone,
    billing,
    effective,
    overrides: value.overrides.map(normalisedPrice),
    unpriced,
    rounding,
  };
}

function withoutStart({ effectiveFrom: _start, ...terms }: ContractVersion): Omit<ContractVersion, "effectiveFrom"> {
  return terms;
}

function customerZone({ state, files }: PlanApplyInput, key: string): string | undefined {
  const inFiles = files.customers.find((customer) => customer.value.key === key)?.value.timeZone;
  return inFiles ?? currentVersion(state.catalog.customers.get(key))?.definition.timeZone;
}

/** A change reaches a contract at its next billing period, unless it says when; never before the contract itself begins. */
function nextPeriod(now: Instant, terms: Omit<ContractVersion, "effectiveFrom">): string {
  const begins = instantOf(terms.effective.from, `effective.from of contract ${terms.key}`);
  const next = billingPeriodAt(now, { timeZone: terms.timeZone, ...terms.billing }).to;
  return instantText(next > begins ? next : begins);
}

/** What lies in a finalized period is corrected by credit notes, not by another price. */
function finalizedProblems(state: JournalState, { key, at, definition }: Wanted<"contract">): ApplyProblem[] {
  const from = instantOf(definition.effectiveFrom, "effectiveFrom");
  const touched = [...state.finalized.values()].filter(
    (invoice) => invoice.contract === key && instantOf(invoice.periodTo, "periodTo") > from,
  );
  return touched.slice(0, 1).map((invoice) => ({
    at,
    problem: `contract ${key}: effectiveFrom ${definition.effectiveFrom} lies before ${invoice.periodTo}, the end of the finalized invoice ${invoice.number}; take that instant or a later one`,
  }));
}

function planRemovals({ state, files, now }: PlanApplyInput): Step[] {
  const kept: Readonly<Record<EntityKind, ReadonlySet<string>>> = {
    meter: new Set(files.meters.map((entity) => entity.value.key)),
    customer: new Set(files.customers.map((entity) => entity.value.key)),
    rate_card: new Set(files.rateCards.map((entity) => entity.value.key)),
    contract: new Set(files.contracts.map((entity) => entity.value.key)),
  };
  return (["contract", "rate_card", "customer", "meter"] as const).flatMap((kind) =>
    [...versionsOf(state.catalog, kind)].flatMap(([key, versions]): Step[] => {
      const current = currentVersion(versions);
      return current === undefined || kept[kind].has(key) ? [] : [removal(current, versions.length + 1, now)];
    }),
  );
}

function removal(current: EntityVersion, version: number, now: Instant): Step {
  const { kind, key } = current;
  const definition =
    kind === "contract"
      ? {
          ...(current.definition as ContractVersion),
          effectiveFrom: nextPeriod(now, current.definition as ContractVersion),
        }
      : current.definition;
  return {
    change: { action: "remove", kind, key, version, fields: [] },
    version: {
      kind: "catalog.version",
      entity: kind,
      key,
      version,
      hash: definitionHash(definition),
      removed: true,
      definition,
    },
  };
}

function definitionHash(definition: EntityDefinition[EntityKind]): string {
  return sha256Hex(canonicalJson(definition));
}
