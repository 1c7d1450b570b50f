/**
 * The catalog as it would be with the files applied, and the contracts that they change. The terms of the files are taken as if they had always
 * held: `effectiveFrom` is not looked at, nor which invoices are finalized. A contract begins and ends when it says so itself.
 */
import type { CatalogInFiles, Located, UnreadEntities } from "../../domain/catalog-files.ts";
import type { Catalog, ContractSpan, ContractVersion, EntityVersion, RateCardPrice } from "../../domain/catalog.ts";
import { AppError } from "../../kernel/errors.ts";
import { NS_PER_DAY, instantOf, type Instant } from "../../kernel/instant.ts";
import { billingPeriodContaining, type PeriodArgument } from "../../kernel/period.ts";
import { requireSoundPlan } from "../catalog/apply-catalog.ts";
import { currentVersion } from "../catalog/catalog-entities.ts";
import { equalFields } from "../catalog/changed-fields.ts";
import { withVersions, type JournalState } from "../catalog/fold-journal.ts";
import { planApply, type ApplyPlan } from "../catalog/plan-apply.ts";

export type ChangedCatalogInput = {
  readonly state: JournalState;
  readonly files: CatalogInFiles;
  readonly unread: UnreadEntities;
  readonly period: PeriodArgument;
};

export type ChangedCatalog = {
  readonly plan: ApplyPlan;
  readonly catalog: Catalog;
  /** Keys of the contracts with other terms. */
  readonly contracts: ReadonlySet<string>;
};

/** So long before the period that every contract of it has begun a billing period since. */
const LEAD_NS = 400n * NS_PER_DAY;

/** Throws `invalid` with every problem that `apply` would have with the files, and for prices on meters that have measured nothing yet. */
export function changedCatalog(input: ChangedCatalogInput): ChangedCatalog {
  const { state, unread, period } = input;
  const plan = planApply({
    // What is finalized is not touched by looking at it.
    state: { ...state, finalized: new Map() },
    files: withoutStarts(input.files),
    unread,
    // What the files leave out stays as it is.
    prune: false,
    // A time that follows from the period alone: the same question has the same answer tomorrow.
    now: beginningOf(period) - LEAD_NS,
  });
  requireSoundPlan(plan);
  requireMeasured(plan, state.catalog);
  const contracts = changedContracts(plan, state.catalog);
  return {
    plan,
    catalog: withVersions(state.catalog, plan.versions, state.catalog.seq + 1),
    contracts,
  };
}

/** The newest version of a contract over the whole of its life; none where it is taken out. */
export function wholeSpan(versions: readonly EntityVersion<"contract">[]): readonly ContractSpan[] {
  const version = versions.at(-1);
  if (version === undefined || version.removed) return [];
  const { from, to } = version.definition.effective;
  return [
    {
      version,
      from: instantOf(from, `effective.from of contract ${version.key}`),
      to: to === null ? null : instantOf(to, `effective.to of contract ${version.key}`),
    },
  ];
}

/**
 * A contract that had ended before an earlier change of its card could reach it still pins the card from before. Now, which lies before that end, would
 * move its pin; the files have not changed it.
 */
function changedContracts({ versions }: ApplyPlan, catalog: Catalog): ReadonlySet<string> {
  const cards = new Set(versions.filter(({ entity }) => entity === "rate_card").map(({ key }) => key));
  const contracts = versions.flatMap(({ entity, definition }) =>
    entity === "contract" && "rateCardVersion" in definition ? [definition] : [],
  );
  const changed = contracts.filter((contract) => {
    const current = currentVersion(catalog.contracts.get(contract.key))?.definition;
    return current === undefined || cards.has(contract.rateCard) || !equalFields(ownTerms(current), ownTerms(contract));
  });
  return new Set(changed.map(({ key }) => key));
}

function ownTerms(contract: ContractVersion): object {
  const { effectiveFrom: _start, rateCardVersion: _version, rateCardHash: _hash, ...terms } = contract;
  return terms;
}

function beginningOf(period: PeriodArgument): Instant {
  if (period.kind === "range") return period.period.from;
  return billingPeriodContaining({ timeZone: "UTC", anchorDay: 1, interval: "month", localMonth: period.localMonth })
    .from;
}

function withoutStarts(files: CatalogInFiles): CatalogInFiles {
  const withoutStart = <T extends { readonly effectiveFrom?: string | undefined }>(entity: Located<T>): Located<T> => {
    const { effectiveFrom: _start, ...value } = entity.value;
    return { ...entity, value: value as T };
  };
  return {
    ...files,
    rateCards: files.rateCards.map((card) => withoutStart(card)),
    contracts: files.contracts.map((contract) => withoutStart(contract)),
  };
}

/** A meter that only the files have counts from when it is applied: for it there is no stored usage to price. */
function requireMeasured({ versions }: ApplyPlan, catalog: Catalog): void {
  const problems = versions.flatMap(({ entity, key, definition }) =>
    pricesOf(definition)
      .filter(({ meter }) => meter !== undefined && !catalog.meters.has(meter))
      .map(
        (price) =>
          `${entity.replace("_", " ")} ${key}, price ${price.key}: the meter ${price.meter ?? ""} is new, so there is no usage of it; apply the meter first, or leave the price out`,
      ),
  );
  if (problems.length === 0) return;
  throw new AppError({
    code: "SIMULATION_METER_NEW",
    kind: "invalid",
    message: `${String(problems.length)} prices cannot be simulated:\n  ${problems.join("\n  ")}`,
    details: { problems },
  });
}

function pricesOf(definition: ApplyPlan["versions"][number]["definition"]): readonly RateCardPrice[] {
  if ("prices" in definition) return definition.prices;
  return "overrides" in definition ? definition.overrides : [];
}
