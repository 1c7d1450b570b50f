/**
 * Hours of the week that no price charges, of a meter that a contract charges in others. An apply tells them and goes on: a gap that nobody uses harms
 * nobody, and used ones are refused when they are rated. Gaps of some dimensions only are found then.
 */
import type { Catalog, ContractVersion } from "../../domain/catalog.ts";
import type { CatalogVersionEntry } from "../../domain/journal-entry.ts";
import { uncovered, weekOf, weekText } from "../../domain/price-hours.ts";
import { currentVersion } from "./catalog-entities.ts";
import { withVersions } from "./fold-journal.ts";
import { withOverrides } from "./price-problems.ts";

export type HoursGapsInput = {
  readonly catalog: Catalog;
  /** Of the apply. */
  readonly versions: readonly Omit<CatalogVersionEntry, "change">[];
};

/** One text for each meter and gap, however many contracts have it. */
export function hoursGaps({ catalog, versions }: HoursGapsInput): readonly string[] {
  const changed = versions.filter(({ entity, removed }) => entity === "contract" && !removed);
  if (changed.length === 0) return [];
  const after = withVersions(catalog, versions, catalog.seq + 1);
  const contractsOf = Map.groupBy(
    [...after.contracts.values()].flatMap((own) => currentVersion(own)?.definition ?? []),
    ({ customer }) => customer,
  );
  const gaps = changed.flatMap(({ key, definition }) => {
    const { customer } = definition as ContractVersion;
    return gapsOf(after, contractsOf.get(customer) ?? [], key);
  });
  return [...Map.groupBy(gaps, ({ text }) => text)].map(([text, [first, ...others]]) => {
    const more = others.length === 0 ? "" : ` and ${String(others.length)} more`;
    return `contract ${first?.contract ?? ""}${more}: ${text}; usage then blocks the invoice, unless a price charges it or the contract says unpriced: free`;
  });
}

/** What one contract of a customer leaves open, another one may charge. */
function gapsOf(catalog: Catalog, contracts: readonly ContractVersion[], contract: string) {
  if (contracts.some(({ unpriced }) => unpriced === "free")) return [];
  const prices = contracts.flatMap(({ rateCard, rateCardVersion, overrides }) => {
    const card = catalog.rateCards.get(rateCard)?.[rateCardVersion - 1];
    return withOverrides(card?.definition.prices ?? [], overrides);
  });
  const charged = Map.groupBy(prices, ({ meter }) => meter);
  return [...charged].flatMap(([meter, own]) => {
    if (meter === undefined) return [];
    const gap = uncovered(own.flatMap(({ when }) => weekOf(when)));
    return gap.length === 0 ? [] : [{ contract, text: `no price charges ${meter} ${weekText(gap)}` }];
  });
}
