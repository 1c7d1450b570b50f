/**
 * Contract versions: what the files want, and what a changed rate card means for the contracts that pin it, whether they are in the files or
 * not. A change takes effect at a stated instant, by default with the contract's next billing period; never within a finalized invoice.
 */
import { fieldAt, type CatalogProblem, type Located } from "../../domain/catalog-files.ts";
import type { ContractInFile } from "../../domain/catalog-schema.ts";
import type { ContractVersion, EntityVersion } from "../../domain/catalog.ts";
import type { ContractTerms, Discount } from "../../domain/contract-terms.ts";
import { instantOf, instantText, type Instant } from "../../kernel/instant.ts";
import { currentVersion, type Wanted } from "./catalog-entities.ts";
import { equalFields } from "./changed-fields.ts";
import { finalizedProblems } from "./finalized-problems.ts";
import { immutableProblems } from "./immutable-fields.ts";
import { nextPeriod } from "./next-period.ts";
import type { PlanApplyInput } from "./plan-apply.ts";
import { normalisedPrice, planStep, type Step } from "./plan-step.ts";

export type CardVersion = {
  readonly version: number;
  readonly hash: string;
  readonly currency: string;
  /** By this apply. */
  readonly changes: boolean;
};
type Terms = Omit<ContractVersion, "effectiveFrom">;
type Planned = { readonly steps: readonly Step[]; readonly problems: readonly CatalogProblem[] };
type Cards = ReadonlyMap<string, CardVersion>;
type Around = { readonly cards: Cards; readonly removals: readonly Step[] };

const NOTHING: Planned = { steps: [], problems: [] };
/** The fields in which a version differs when only its rate card has changed. */
const PIN_FIELDS = ["rateCardVersion", "rateCardHash"] as const;

export function planContracts(input: PlanApplyInput, { cards, removals }: Around): Planned {
  const inFiles = new Set(input.files.contracts.map((contract) => contract.value.key));
  const removed = new Set(removals.filter((step) => step.version.entity === "contract").map((step) => step.change.key));
  const others = [...input.state.catalog.contracts.values()]
    .map((versions) => currentVersion(versions))
    .filter((current) => current !== undefined)
    .filter((current) => !inFiles.has(current.key) && !removed.has(current.key));
  const zones = new Map(input.files.customers.map(({ value }) => [value.key, value.timeZone]));
  const planned = [
    ...input.files.contracts.map((contract) => planFromFile({ ...input, zones }, contract, cards)),
    ...others.map((current) => planPinned(input, current, cards)),
  ];
  return {
    steps: planned.flatMap((contract) => contract.steps),
    problems: planned.flatMap((contract) => contract.problems),
  };
}

type WithZones = PlanApplyInput & {
  /** Of the customers in the files, by key. */
  readonly zones: ReadonlyMap<string, string>;
};

function planFromFile(input: WithZones, contract: Located<ContractInFile>, cards: Cards): Planned {
  const { value } = contract;
  const versions = input.state.catalog.contracts.get(value.key) ?? [];
  const card = cards.get(value.rateCard);
  const timeZone = value.timeZone ?? customerZone(input, value.customer);
  // An unknown rate card or customer is reported by `catalogProblems`; there is nothing to plan then.
  if (card === undefined || timeZone === undefined) return NOTHING;
  const terms = termsOf({ value, card, timeZone });
  const stated = value.effectiveFrom === undefined ? undefined : instantOf(value.effectiveFrom, "effectiveFrom");
  return planTerms(input, { at: fieldAt(contract, ["effectiveFrom"]), terms, versions, card, stated });
}

/** A contract that the files do not mention, whose rate card they may have changed. */
function planPinned(input: PlanApplyInput, current: EntityVersion<"contract">, cards: Cards): Planned {
  const card = cards.get(current.definition.rateCard);
  if (card?.changes !== true) return NOTHING;
  const { effectiveFrom: _start, ...definition } = current.definition;
  const terms: Terms = { ...definition, rateCardVersion: card.version, rateCardHash: card.hash };
  const versions = input.state.catalog.contracts.get(current.key) ?? [];
  const file = input.files.rateCards.find(({ value }) => value.key === terms.rateCard);
  return planTerms(input, { at: file?.at ?? "catalog", terms, versions, card, stated: undefined });
}

type TermsInput = {
  readonly at: string;
  readonly terms: Terms;
  readonly versions: readonly EntityVersion<"contract">[];
  readonly card: CardVersion;
  /** The contract's own effectiveFrom. */
  readonly stated: Instant | undefined;
};

function planTerms(input: PlanApplyInput, about: TermsInput): Planned {
  const { at, terms, versions } = about;
  const current = currentVersion(versions);
  const changed = current === undefined ? null : changedNames(current.definition, terms);
  const refused = refusedStart(about, changed);
  if (refused !== undefined) return { steps: [], problems: [refused] };
  if (changed?.length === 0 && !isNewlyStated(about)) return NOTHING;
  const onlyPin = changed?.every((name) => (PIN_FIELDS as readonly string[]).includes(name)) === true;
  const from = startOfVersion(input, about, onlyPin && changed.length > 0);
  // A contract that has ended by then is left alone.
  if (onlyPin && hasEndedBy(terms, from)) return NOTHING;
  const definition: ContractVersion = { ...terms, effectiveFrom: instantText(from) };
  const wanted: Wanted<"contract"> = { kind: "contract", key: terms.key, at, definition };
  const past = versions.length > 0 && from < input.now;
  const effect = { effectiveFrom: definition.effectiveFrom, ...(past && { retroactive: true as const }) };
  return {
    steps: [planStep({ wanted, version: versions.length + 1, current, effect })],
    problems: [...immutableProblems(input.state.catalog, wanted), ...finalizedProblems(input.state, wanted)],
  };
}

/** A stated beginning that cannot be had. */
function refusedStart(about: TermsInput, changed: readonly string[] | null): CatalogProblem | undefined {
  const { at, terms, versions, stated } = about;
  if (stated === undefined) return undefined;
  const begins = beginningOf(terms);
  if (stated < begins || (versions.length === 0 && stated !== begins)) return offBeginning(about, begins);
  const last = versions.at(-1);
  const postpones = changed?.length === 0 && isNewlyStated(about) && last !== undefined && stated > startOf(last);
  return postpones ? postponed(at, last) : undefined;
}

/** The first version begins with the contract. */
function startOfVersion(input: PlanApplyInput, about: TermsInput, onlyPin: boolean): Instant {
  const begins = beginningOf(about.terms);
  if (about.versions.length === 0) return begins;
  const from = startOfChange(input, about, onlyPin);
  return from > begins ? from : begins;
}

/** What the rate card's file states holds for the change of the card alone: left standing there, it must not move another change later on. */
function startOfChange(input: PlanApplyInput, about: TermsInput, onlyPin: boolean): Instant {
  const { terms, card, stated } = about;
  const file = input.files.rateCards.find(({ value }) => value.key === terms.rateCard)?.value;
  const ofCard =
    card.changes && file?.effectiveFrom !== undefined ? instantOf(file.effectiveFrom, "effectiveFrom") : undefined;
  const own = onlyPin && !isNewlyStated(about) ? undefined : stated;
  return own ?? ofCard ?? nextPeriod(input.now, terms);
}

/** A stated instant that a version has already used is a remainder of that change. */
function isNewlyStated({ stated, versions }: TermsInput): boolean {
  return stated !== undefined && versions.every((version) => startOf(version) !== stated);
}

function hasEndedBy({ effective }: Terms, instant: Instant): boolean {
  return effective.to !== null && instant >= instantOf(effective.to, "effective.to");
}

function beginningOf(terms: Terms): Instant {
  return instantOf(terms.effective.from, `effective.from of contract ${terms.key}`);
}

function changedNames(current: ContractVersion, terms: Terms): string[] {
  const { effectiveFrom: _start, ...before } = current;
  // Of both: terms that were taken out have changed too.
  const names = Object.keys({ ...before, ...terms }) as (keyof Terms)[];
  return names.filter((name) => !equalFields(before[name], terms[name]));
}

function termsOf(input: {
  readonly value: ContractInFile;
  readonly card: CardVersion;
  readonly timeZone: string;
}): Terms {
  const { value, card, timeZone } = input;
  const { key, customer, rateCard, billing, effective, unpriced, rounding } = value;
  const { taxes, commitments, allowances, proration } = value;
  const pinned = { rateCard, rateCardVersion: card.version, rateCardHash: card.hash, currency: card.currency };
  const span = { from: utcText(effective.from), to: effective.to === null ? null : utcText(effective.to) };
  const overrides = value.overrides.map(normalisedPrice);
  const discounts = value.discounts?.map(normalisedDiscount);
  const spanning: ContractTerms = {
    ...(taxes !== undefined && { taxes }),
    ...(discounts !== undefined && { discounts }),
    ...(commitments !== undefined && { commitments }),
    ...(allowances !== undefined && { allowances }),
    // Not to prorate is what a contract does that says nothing about it.
    ...(proration !== undefined && proration !== "none" && { proration }),
  };
  return { key, customer, ...pinned, timeZone, billing, effective: span, overrides, unpriced, rounding, ...spanning };
}

function normalisedDiscount(discount: Discount): Discount {
  const { from, until } = discount;
  return {
    ...discount,
    ...(from !== undefined && { from: utcText(from) }),
    ...(until !== undefined && { until: utcText(until) }),
  };
}

/** One text per instant: the same time with another offset is no change. */
function utcText(text: string): string {
  return instantText(instantOf(text, "effective"));
}

function startOf(version: EntityVersion<"contract">): Instant {
  return instantOf(version.definition.effectiveFrom, `effectiveFrom of contract ${version.key}`);
}

function customerZone({ state, zones }: WithZones, key: string): string | undefined {
  return zones.get(key) ?? currentVersion(state.catalog.customers.get(key))?.definition.timeZone;
}

function postponed(at: string, { key, version, definition }: EntityVersion<"contract">): CatalogProblem {
  return {
    at,
    problem: `contract ${key}: version ${version} with these terms takes effect at ${definition.effectiveFrom} and never changes; to begin later, apply the earlier terms from that instant on first, or take effectiveFrom out`,
  };
}

function offBeginning({ at, terms, versions }: TermsInput, begins: Instant): CatalogProblem {
  const problem =
    versions.length === 0
      ? `a new contract begins at effective.from (${instantText(begins)}); effectiveFrom says when a change takes effect: take it out`
      : `effectiveFrom lies before ${instantText(begins)}, where the contract begins; state that instant or a later one`;
  return { at, problem: `contract ${terms.key}: ${problem}` };
}
