/**
 * Usage that no price charges: a meter and dimensions that a customer used while under contract, but that no price of any of the customer's
 * contracts covers, at all or in some hours. It blocks the run, unless a contract says `unpriced: free`: usage must not go unbilled because somebody forgot a price.
 */
import type { BillingStore } from "../ports.ts";
import type { Catalog } from "../../domain/catalog.ts";
import type { Meter } from "../../domain/meter.ts";
import type { Price } from "../../domain/price.ts";
import { uncovered, weekOf, WHOLE_WEEK, type WeekSpan } from "../../domain/price-hours.ts";
import { fits } from "../../domain/price-where.ts";
import { hoursOf, type UsageLimits } from "../../domain/usage-limits.ts";
import { present } from "../../kernel/assert.ts";
import { canonicalJson } from "../../kernel/canonical-json.ts";
import { periodText, type Period } from "../../kernel/period.ts";
import { AppError } from "../../kernel/errors.ts";
import { chargedPeriods, type ChargedPeriodsInput } from "./charged-periods.ts";
import type { ContractPart } from "./contract-parts.ts";

/** Listed in the error; beyond it the number says enough. */
const LISTED_MAX = 50;

export type FindUnpricedInput = ChargedPeriodsInput & {
  readonly store: Pick<BillingStore, "usedMeters">;
  readonly cut: number;
};

export async function requireAllPriced(input: FindUnpricedInput): Promise<void> {
  const unpriced: string[] = [];
  let count = 0;
  const recurring = recurringMeters(input.catalog);
  for (const { period, charging } of chargedPeriods(input)) {
    const customers = [...charging.keys()].sort();
    const asked = { ...period, cut: input.cut, recurring };
    const doubted = new Map<string, Doubted>();
    const found = (used: UsedMeter): void => {
      count += 1;
      if (unpriced.length >= LISTED_MAX) return;
      const name = `customer ${used.customer}, meter ${used.meter}${dimensionsText(used.dimensions)}`;
      unpriced.push(`${name} in ${periodText(period)}`);
    };
    for await (const used of input.store.usedMeters({ ...asked, customers, hours: [] })) {
      const parts = charging.get(used.customer) ?? [];
      const gaps = parts.map((part) => ({ timeZone: part.contract.definition.timeZone, week: gapsOf(part, used) }));
      if (parts.length === 0 || gaps.some(({ week }) => week.length === 0)) continue;
      const hours = gaps
        .filter(({ week }) => canonicalJson(week) !== canonicalJson(WHOLE_WEEK))
        .map(({ timeZone, week }) => hoursOf({ week, period, timeZone }));
      if (hours.length === 0) found(used);
      else addDoubt(doubted, { hours, used });
    }
    for await (const used of usedInGaps(input.store, doubted.values(), asked)) found(used);
  }
  if (count === 0) return;
  throw new AppError({
    code: "USAGE_UNPRICED",
    kind: "invalid",
    message: `${String(count)} used meters have no price, so nothing was rated: ${unpriced.join("; ")}. Add a price, or say \`unpriced: free\` in the contract`,
    details: { count, unpriced },
  });
}

/** One that was taken out of the catalog holds nobody up for what its level was. */
function recurringMeters({ meters }: Catalog): readonly Pick<Meter, "key" | "aggregation">[] {
  return [...meters.values()].flatMap((versions) => {
    const { definition, removed } = present(versions.at(-1), "a meter's last version");
    if (removed || definition.recurring !== true) return [];
    return [{ key: definition.key, aggregation: definition.aggregation }];
  });
}

type UsedMeter = {
  readonly customer: string;
  readonly meter: string;
  readonly dimensions: Readonly<Record<string, string>>;
};

/** Combinations that are priced but for the same hours: whether those were used, the windows say. */
type Doubted = {
  readonly hours: readonly UsageLimits[];
  readonly customers: Set<string>;
  readonly combinations: Set<string>;
};

function addDoubt(doubted: Map<string, Doubted>, { hours, used }: { hours: readonly UsageLimits[]; used: UsedMeter }) {
  const key = canonicalJson(hours);
  const doubt = doubted.get(key) ?? { hours, customers: new Set(), combinations: new Set() };
  doubt.customers.add(used.customer);
  doubt.combinations.add(combinationOf(used));
  doubted.set(key, doubt);
}

async function* usedInGaps(
  store: FindUnpricedInput["store"],
  doubted: Iterable<Doubted>,
  asked: Period & Pick<Parameters<FindUnpricedInput["store"]["usedMeters"]>[0], "cut" | "recurring">,
): AsyncGenerator<UsedMeter> {
  for (const { hours, customers, combinations } of doubted)
    for await (const used of store.usedMeters({ ...asked, customers: [...customers].sort(), hours }))
      if (combinations.has(combinationOf(used))) yield used;
}

function combinationOf({ customer, meter, dimensions }: UsedMeter): string {
  return canonicalJson([customer, meter, dimensions]);
}

/** The hours of the week in which no price of the part charges such usage. */
function gapsOf(part: ContractPart, used: UsedMeter): readonly WeekSpan[] {
  if (part.contract.definition.unpriced === "free") return [];
  const charging = part.prices.filter(
    ({ meter, where, price }) =>
      meter === used.meter && fits(where, used.dimensions) && hasCell(price, used.dimensions),
  );
  return uncovered(charging.flatMap(({ when }) => weekOf(when)));
}

/** A matrix without `otherwise` charges what its cells match, and nothing else. */
function hasCell(price: Price, dimensions: Readonly<Record<string, string>>): boolean {
  if (price.model !== "matrix" || price.otherwise !== undefined) return true;
  return price.cells.some((cell) => fits(cell.match, dimensions));
}

function dimensionsText(dimensions: Readonly<Record<string, string>>): string {
  const entries = Object.entries(dimensions);
  return entries.length === 0 ? "" : ` {${entries.map(([name, value]) => `${name}: ${value}`).join(", ")}}`;
}
