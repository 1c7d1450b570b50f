/** A catalog for rating: meters of every aggregation, customers, and contracts whose versions begin where a test says. */
import type { Catalog, ContractSpan, ContractVersion, EntityVersion, RateCardPrice } from "../../src/domain/catalog.ts";
import type { Allowance } from "../../src/domain/contract-terms.ts";
import { AGGREGATIONS } from "../../src/domain/meter.ts";
import { instantOf } from "../../src/kernel/instant.ts";
import type { ProrationUnit } from "../../src/kernel/proration.ts";
import { catalogOf, versionOf } from "./catalog-of.ts";
import { BUCKETED_MEASURES, CARRIED_MEASURES, measureFor } from "./measure-for.ts";

export type TestContract = {
  readonly key: string;
  readonly customer: string;
  readonly timeZone?: string;
  readonly anchorDay?: number;
  readonly currency?: string;
  readonly unpriced?: "error" | "free";
  readonly from?: string;
  readonly to?: string | null;
  readonly proration?: ProrationUnit;
  readonly allowances?: readonly Allowance[];
  /** One version each, with its prices. */
  readonly versions: readonly { readonly from: string; readonly prices: readonly RateCardPrice[] }[];
};

export function priceOf(input: Pick<RateCardPrice, "key" | "price"> & Partial<RateCardPrice>): RateCardPrice {
  return { where: {}, additional: false, ...input };
}

export function billingCatalog(contracts: readonly TestContract[]): Catalog {
  const base = catalogOf({
    meters: [
      ...AGGREGATIONS.map((aggregation) => ({ name: aggregation, ...measureFor(aggregation) })),
      ...BUCKETED_MEASURES,
      ...CARRIED_MEASURES,
    ].map(({ name, ...measure }) => ({ key: `m-${name}`, eventType: "t", ...measure })),
    customers: [...new Set(contracts.map((contract) => contract.customer))].map((key) => ({ key })),
  });
  return {
    ...base,
    rateCards: new Map(
      contracts.map((contract) => [
        `card-${contract.key}`,
        contract.versions.map((version, index) => rateCardVersion(contract, { ...version, index })),
      ]),
    ),
    contracts: new Map(
      contracts.map((contract) => [
        contract.key,
        contract.versions.map((version, index) => contractVersion(contract, { ...version, index })),
      ]),
    ),
  };
}

type IndexedVersion = TestContract["versions"][number] & { readonly index: number };

function rateCardVersion(contract: TestContract, { prices, index }: IndexedVersion): EntityVersion<"rate_card"> {
  const card = { key: `card-${contract.key}`, currency: contract.currency ?? "EUR", prices };
  return { ...versionOf("rate_card", card), version: index + 1 };
}

function contractVersion(contract: TestContract, { from, index }: IndexedVersion): EntityVersion<"contract"> {
  const definition: ContractVersion = {
    key: contract.key,
    customer: contract.customer,
    rateCard: `card-${contract.key}`,
    rateCardVersion: index + 1,
    rateCardHash: "",
    currency: contract.currency ?? "EUR",
    timeZone: contract.timeZone ?? "UTC",
    billing: { interval: "month", anchorDay: contract.anchorDay ?? 1 },
    effective: { from: contract.from ?? "2026-01-01T00:00:00Z", to: contract.to ?? null },
    effectiveFrom: from,
    overrides: [],
    unpriced: contract.unpriced ?? "error",
    rounding: "half_up",
    ...(contract.allowances !== undefined && { allowances: contract.allowances }),
    ...(contract.proration !== undefined && { proration: contract.proration }),
  };
  return { ...versionOf("contract", definition), version: index + 1, hash: `hash-${String(index + 1)}` };
}

/** Each version from its start to the next one's, within the contract. */
export function testSpans(versions: readonly EntityVersion<"contract">[]): readonly ContractSpan[] {
  return versions.map((version, index) => {
    const next = versions[index + 1]?.definition.effectiveFrom ?? version.definition.effective.to;
    const from = instantOf(version.definition.effectiveFrom, "effectiveFrom");
    return { version, from, to: next === null ? null : instantOf(next, "to") };
  });
}
