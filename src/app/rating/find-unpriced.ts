/**
 * Usage that no price charges: a meter and dimensions that a customer used while under contract, but that no price of any of the customer's
 * contracts covers. It blocks the run, unless a contract says `unpriced: free`: usage must not go unbilled because somebody forgot a price.
 */
import type { BillingStore } from "../ports.ts";
import type { Price } from "../../domain/price.ts";
import { intersectPeriods, periodText, type Period } from "../../kernel/period.ts";
import { AppError } from "../../kernel/errors.ts";
import type { ContractPart } from "./rating-plan.ts";

/** Listed in the error; beyond it the number says enough. */
const LISTED_MAX = 50;

export type FindUnpricedInput = {
  readonly store: Pick<BillingStore, "usedMeters">;
  readonly parts: readonly ContractPart[];
  readonly cut: number;
};

export async function requireAllPriced(input: FindUnpricedInput): Promise<void> {
  const unpriced: string[] = [];
  let count = 0;
  for (const { period, customers } of servicePeriods(input.parts)) {
    const byCustomer = partsByCustomer(input.parts, period);
    for await (const used of input.store.usedMeters({ ...period, cut: input.cut, customers })) {
      const parts = byCustomer.get(used.customer) ?? [];
      if (parts.length === 0 || parts.some((part) => isCovered(part, used))) continue;
      count += 1;
      if (unpriced.length < LISTED_MAX) {
        unpriced.push(
          `customer ${used.customer}, meter ${used.meter}${dimensionsText(used.dimensions)} in ${periodText(period)}`,
        );
      }
    }
  }
  if (count === 0) return;
  throw new AppError({
    code: "USAGE_UNPRICED",
    kind: "invalid",
    message: `${String(count)} used meters have no price, so nothing was rated: ${unpriced.join("; ")}. Add a price, or say \`unpriced: free\` in the contract`,
    details: { count, unpriced },
  });
}

type UsedMeter = { readonly meter: string; readonly dimensions: Readonly<Record<string, string>> };

function isCovered(part: ContractPart, used: UsedMeter): boolean {
  if (part.contract.definition.unpriced === "free") return true;
  return part.prices.some(
    (price) =>
      price.meter === used.meter && matches(price.where, used.dimensions) && hasCell(price.price, used.dimensions),
  );
}

/** A matrix without `otherwise` charges what its cells match, and nothing else. */
function hasCell(price: Price, dimensions: Readonly<Record<string, string>>): boolean {
  if (price.model !== "matrix" || price.otherwise !== undefined) return true;
  return price.cells.some((cell) => matches(cell.match, dimensions));
}

function matches(wanted: Readonly<Record<string, string>>, dimensions: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => (dimensions[name] ?? "") === value);
}

function servicePeriods(
  parts: readonly ContractPart[],
): { readonly period: Period; readonly customers: readonly string[] }[] {
  const periods = new Map<string, { period: Period; customers: Set<string> }>();
  for (const part of parts) {
    const key = periodText(part.service);
    const found = periods.get(key) ?? { period: part.service, customers: new Set<string>() };
    found.customers.add(part.customer);
    periods.set(key, found);
  }
  return [...periods.values()].map(({ period, customers }) => ({ period, customers: [...customers].sort() }));
}

function partsByCustomer(parts: readonly ContractPart[], period: Period): ReadonlyMap<string, readonly ContractPart[]> {
  const byCustomer = new Map<string, ContractPart[]>();
  for (const part of parts) {
    if (intersectPeriods(part.service, period) === undefined) continue;
    const found = byCustomer.get(part.customer);
    if (found === undefined) byCustomer.set(part.customer, [part]);
    else found.push(part);
  }
  return byCustomer;
}

function dimensionsText(dimensions: Readonly<Record<string, string>>): string {
  const entries = Object.entries(dimensions);
  return entries.length === 0 ? "" : ` {${entries.map(([name, value]) => `${name}: ${value}`).join(", ")}}`;
}
