/**
 * What `--prune` must leave in place although the files have done with it: a contract that was taken out, or another version of it that is still
 * to come, charges usage until its end. Without the customer that usage would be rejected, without the meter it would not be counted.
 */
import type { CatalogProblem } from "../../domain/catalog-files.ts";
import type { Catalog, ContractSpan } from "../../domain/catalog.ts";
import type { CatalogVersionEntry } from "../../domain/journal-entry.ts";
import { instantText, type Instant } from "../../kernel/instant.ts";
import { contractSpans } from "./contract-spans.ts";
import { withVersions } from "./fold-journal.ts";
import { withOverrides } from "./price-problems.ts";

export type RunningUsesInput = {
  readonly catalog: Catalog;
  /** Of the apply, removals included. */
  readonly versions: readonly Omit<CatalogVersionEntry, "change">[];
  readonly now: Instant;
};

/** One problem for each entity and contract. Rate cards may go at any time: a contract version pins the one it needs. */
export function runningUses({ catalog, versions, now }: RunningUsesInput): CatalogProblem[] {
  const removed = versions.filter(({ entity, removed }) => removed && (entity === "customer" || entity === "meter"));
  if (removed.length === 0) return [];
  const after = withVersions(catalog, versions, catalog.seq + 1);
  const spans = [...after.contracts.values()].flatMap((own) => contractSpans(own).filter((span) => lasts(span, now)));
  return removed.flatMap(({ entity, key }) => {
    const uses = spans.filter((span) =>
      entity === "customer" ? span.version.definition.customer === key : metersOf(after, span).has(key),
    );
    // The last span of a contract is the one that says how long the entity is needed.
    const lastUses = new Map(uses.map((span) => [span.version.key, span.to]));
    return [...lastUses].map(([contract, to]) => ({
      at: "--prune",
      problem: `${entity} ${key} is not in the files and would be taken out, but contract ${contract} charges its usage ${to === null ? "without an end" : `until ${instantText(to)}`}: keep it in the files as long as that`,
    }));
  });
}

function lasts({ to }: ContractSpan, now: Instant): boolean {
  return to === null || to > now;
}

function metersOf(catalog: Catalog, { version }: ContractSpan): ReadonlySet<string | undefined> {
  const { rateCard, rateCardVersion, overrides } = version.definition;
  const card = catalog.rateCards.get(rateCard)?.[rateCardVersion - 1];
  return new Set(withOverrides(card?.definition.prices ?? [], overrides).map((price) => price.meter));
}
