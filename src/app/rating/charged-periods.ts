/**
 * Which contracts charge a customer at which time of the billing periods that are rated. A customer may have several, with periods and versions of
 * their own, so the periods are cut wherever one of them begins, ends or changes: within a piece the same ones hold.
 */
import type { EntityVersion } from "../../domain/catalog.ts";
import { intersectPeriods, periodText, type Period } from "../../kernel/period.ts";
import { contractParts, type ContractPart, type ContractPartsInput } from "./contract-parts.ts";

export type ChargedPeriod = {
  readonly period: Period;
  /** By customer: the parts of contracts that hold for all of the period. */
  readonly charging: ReadonlyMap<string, readonly ContractPart[]>;
};

export type ChargedPeriodsInput = Omit<ContractPartsInput, "period"> & {
  /** What is rated. */
  readonly parts: readonly ContractPart[];
};

export function chargedPeriods(input: ChargedPeriodsInput): readonly ChargedPeriod[] {
  const partsWithin = (rated: readonly ContractPart[], versions: readonly EntityVersion<"contract">[]) =>
    rated.flatMap(({ service }) => contractParts({ ...input, period: { kind: "range", period: service } }, versions));
  const periods = new Map<string, { period: Period; charging: Map<string, readonly ContractPart[]> }>();
  const contractsOf = Map.groupBy(
    input.catalog.contracts.values(),
    (versions) => versions[0]?.definition.customer ?? "",
  );
  for (const [customer, rated] of Map.groupBy(input.parts, (part) => part.customer)) {
    const contracts = contractsOf.get(customer) ?? [];
    // Nearly every customer has one contract, and what is rated of it is what holds.
    const holding = contracts.length === 1 ? rated : contracts.flatMap((versions) => partsWithin(rated, versions));
    for (const period of pieces(rated, holding)) {
      const key = periodText(period);
      const found = periods.get(key) ?? { period, charging: new Map<string, readonly ContractPart[]>() };
      found.charging.set(
        customer,
        holding.filter(({ service }) => contains(service, period)),
      );
      periods.set(key, found);
    }
  }
  return [...periods.values()];
}

/** What is rated, cut at the bounds of whatever holds meanwhile. */
function pieces(rated: readonly ContractPart[], holding: readonly ContractPart[]): readonly Period[] {
  const bounds = [...new Set(holding.flatMap(({ service }) => [service.from, service.to]))].toSorted((a, b) =>
    a < b ? -1 : 1,
  );
  return bounds.flatMap((from, index): Period[] => {
    const to = bounds[index + 1];
    if (to === undefined || !rated.some(({ service }) => contains(service, { from, to }))) return [];
    return [{ from, to }];
  });
}

function contains(outer: Period, inner: Period): boolean {
  const common = intersectPeriods(outer, inner);
  return common?.from === inner.from && common.to === inner.to;
}
