/** Two contracts of one customer may hold at the same time only if they do not charge the same usage. */
import type { CatalogInFiles, CatalogProblem } from "../../domain/catalog-files.ts";
import type { Catalog, ContractSpan, EntityVersion } from "../../domain/catalog.ts";
import type { CatalogVersionEntry } from "../../domain/journal-entry.ts";
import { instantText, type Instant } from "../../kernel/instant.ts";
import { contractSpans } from "./contract-spans.ts";
import { withVersions } from "./fold-journal.ts";
import { chargeTheSame, withOverrides, type PriceLike } from "./price-problems.ts";

export type DoubleChargesInput = {
  readonly catalog: Catalog;
  readonly files: CatalogInFiles;
  /** Of the apply. */
  readonly versions: readonly Omit<CatalogVersionEntry, "change">[];
};

export function doubleCharges(input: DoubleChargesInput): CatalogProblem[] {
  const catalog = withVersions(input.catalog, input.versions, input.catalog.seq + 1);
  const changed = new Set(
    input.versions.filter((version) => version.entity === "contract").map((version) => version.key),
  );
  const contracts = [...catalog.contracts.values()].map((versions) => ({ key: versions[0]?.key ?? "", versions }));
  const ofCustomer = Map.groupBy(contracts, ({ versions }) => versions.at(-1)?.definition.customer ?? "");
  const pairs = [...ofCustomer.values()].flatMap((own) =>
    own.flatMap((a, index) => own.slice(index + 1).map((b) => [a, b] as const)),
  );
  return pairs
    .filter(([a, b]) => changed.has(a.key) || changed.has(b.key))
    .flatMap(([a, b]) => {
      const found = firstClash(catalog, a.versions, b.versions);
      return found === undefined ? [] : [{ at: placeOf(input.files, [b.key, a.key]), problem: clashText(found) }];
    });
}

type Clash = { readonly a: ContractSpan; readonly b: ContractSpan; readonly prices: readonly [PriceLike, PriceLike] };
type Versions = readonly EntityVersion<"contract">[];

function firstClash(catalog: Catalog, ofA: Versions, ofB: Versions): Clash | undefined {
  const spansOfB = contractSpans(ofB);
  const meetings = contractSpans(ofA).flatMap((a) => spansOfB.filter((b) => meet(a, b)).map((b) => ({ a, b })));
  for (const { a, b } of meetings) {
    const zones = new Set([a, b].map(({ version }) => version.definition.timeZone));
    const prices = (span: ContractSpan) => (zones.size === 1 ? pricesOf : alwaysCharging)(catalog, span);
    const ofOther = prices(b);
    for (const price of prices(a)) {
      const other = ofOther.find((candidate) => chargeTheSame(price, candidate));
      if (other !== undefined) return { a, b, prices: [price, other] };
    }
  }
  return undefined;
}

function meet(a: ContractSpan, b: ContractSpan): boolean {
  return before(a.from, b.to) && before(b.from, a.to);
}

function before(instant: Instant, end: Instant | null): boolean {
  return end === null || instant < end;
}

function pricesOf(catalog: Catalog, { version }: ContractSpan): readonly PriceLike[] {
  const { rateCard, rateCardVersion, overrides } = version.definition;
  const card = catalog.rateCards.get(rateCard)?.[rateCardVersion - 1];
  return withOverrides(card?.definition.prices ?? [], overrides);
}

/** Hours of two zones cannot be held against each other: their distance changes over the year. */
function alwaysCharging(catalog: Catalog, span: ContractSpan): readonly PriceLike[] {
  return pricesOf(catalog, span).map((price) => ({ ...price, when: undefined }));
}

function clashText({ a, b, prices: [first, second] }: Clash): string {
  const from = a.from > b.from ? a.from : b.from;
  return (
    `contract ${b.version.key}: from ${instantText(from)} on its price ${second.key} would charge usage of ${first.meter ?? ""} that price ${first.key} of contract ` +
    `${a.version.key} of the same customer charges too; end one before the other begins, part them with where or, in one zone, with when, or say additional: true`
  );
}

function placeOf(files: CatalogInFiles, keys: readonly string[]): string {
  for (const key of keys) {
    const found = files.contracts.find((contract) => contract.value.key === key);
    if (found !== undefined) return found.at;
  }
  return "catalog";
}
