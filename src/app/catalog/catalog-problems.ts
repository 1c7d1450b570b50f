/** What only the whole catalog shows: references that lead nowhere, currencies that disagree, prices that charge the same usage twice. */
import type { ContractInFile, RateCardInFile } from "../../domain/catalog-schema.ts";
import type { Catalog, EntityDefinition, EntityKind, RateCardPrice } from "../../domain/catalog.ts";
import type { CatalogVersionEntry } from "../../domain/journal-entry.ts";
import { ratesSingleEvents } from "../../rating/models/percentage.ts";
import {
  currentVersion,
  versionsOf,
  type ApplyProblem,
  type CatalogInFiles,
  type Located,
} from "./catalog-entities.ts";

export type CatalogProblemsInput = {
  readonly catalog: Catalog;
  readonly files: CatalogInFiles;
  readonly removed: readonly Omit<CatalogVersionEntry, "change">[];
};

type PriceLike =
  Pick<RateCardPrice, "key" | "meter" | "where" | "additional" | "price"> | RateCardInFile["prices"][number];
/** Entities after the apply, by key. */
type Known = {
  readonly [K in EntityKind]: ReadonlyMap<string, Partial<EntityDefinition[K]> & { readonly key: string }>;
};

export function catalogProblems(input: CatalogProblemsInput): ApplyProblem[] {
  const known = knownEntities(input);
  return [
    ...input.files.rateCards.flatMap((card) => cardProblems(card, known)),
    ...input.files.contracts.flatMap((contract) => contractProblems(contract, known)),
    ...aliasProblems(input.files, known),
    ...input.removed.flatMap((version) => removalProblems(version, known)),
  ];
}

function knownEntities({ catalog, files, removed }: CatalogProblemsInput): Known {
  const known = (kind: EntityKind, inFiles: readonly Located<{ readonly key: string }>[]): Map<string, never> => {
    const entities = new Map<string, unknown>();
    for (const [key, versions] of versionsOf(catalog, kind)) {
      const current = currentVersion(versions);
      if (current !== undefined) entities.set(key, current.definition);
    }
    for (const { value } of inFiles) entities.set(value.key, value);
    for (const version of removed) if (version.entity === kind) entities.delete(version.key);
    return entities as Map<string, never>;
  };
  return {
    meter: known("meter", files.meters),
    customer: known("customer", files.customers),
    rate_card: known("rate_card", files.rateCards),
    contract: known("contract", files.contracts),
  };
}

function cardProblems({ at, value }: Located<RateCardInFile>, known: Known): ApplyProblem[] {
  const owner = `rate card ${value.key}`;
  return [...pricesProblems({ owner, prices: value.prices, known }), ...overlapProblems(owner, value.prices)].map(
    (problem) => ({ at, problem }),
  );
}

function contractProblems({ at, value }: Located<ContractInFile>, known: Known): ApplyProblem[] {
  const owner = `contract ${value.key}`;
  const problems: string[] = [];
  const customer = known.customer.get(value.customer);
  const card = known.rate_card.get(value.rateCard);
  if (customer === undefined) problems.push(unknown(owner, "customer", value.customer, known.customer));
  if (card === undefined) problems.push(unknown(owner, "rateCard", value.rateCard, known.rate_card));
  if (customer?.currency !== undefined && card?.currency !== undefined && customer.currency !== card.currency) {
    problems.push(
      `${owner}: rate card ${value.rateCard} is in ${card.currency}, customer ${value.customer} is billed in ${customer.currency}; they must agree`,
    );
  }
  const prices = (card?.prices ?? []) as readonly PriceLike[];
  for (const override of value.overrides) {
    if (card !== undefined && !prices.some((price) => price.key === override.key)) {
      problems.push(
        `${owner}: overrides names the price ${override.key}, which rate card ${value.rateCard} does not have (${prices.map((price) => price.key).join(", ")})`,
      );
    }
  }
  const merged = prices.map((price) => value.overrides.find((override) => override.key === price.key) ?? price);
  problems.push(...pricesProblems({ owner, prices: value.overrides, known }));
  if (value.overrides.length > 0) problems.push(...overlapProblems(`${owner} with its overrides`, merged));
  if (value.effective.to !== null && Date.parse(value.effective.to) <= Date.parse(value.effective.from)) {
    problems.push(
      `${owner}: effective.to ${value.effective.to} does not lie after effective.from ${value.effective.from}`,
    );
  }
  return problems.map((problem) => ({ at, problem }));
}

function pricesProblems(input: {
  readonly owner: string;
  readonly prices: readonly PriceLike[];
  readonly known: Known;
}): string[] {
  const { owner, prices, known } = input;
  const seen = new Set<string>();
  return prices.flatMap((item) => {
    const problems: string[] = [];
    if (seen.has(item.key)) problems.push(`${owner}: the price key ${item.key} is there twice`);
    seen.add(item.key);
    const meter = item.meter === undefined ? undefined : known.meter.get(item.meter);
    if (item.meter !== undefined && meter === undefined)
      problems.push(unknown(`${owner}, price ${item.key}`, "meter", item.meter, known.meter));
    for (const name of Object.keys(item.where)) {
      if (meter?.dimensions === undefined || name in meter.dimensions) continue;
      problems.push(
        `${owner}, price ${item.key}: where names the dimension ${name}, which meter ${item.meter ?? ""} does not have (${Object.keys(meter.dimensions).join(", ") || "it has none"})`,
      );
    }
    const { price } = item;
    if (price.model === "matrix" || (price.model === "percentage" && ratesSingleEvents(price))) {
      problems.push(
        `${owner}, price ${item.key}: ${price.model} needs the single events or cells, which rating from windows does not have yet; \`meterline quote\` can price it`,
      );
    }
    return problems;
  });
}

/** Two prices of one meter overlap unless some dimension must have different values. */
function overlapProblems(owner: string, prices: readonly PriceLike[]): string[] {
  return prices.flatMap((a, index) =>
    prices.slice(index + 1).flatMap((b) => {
      if (a.meter === undefined || a.meter !== b.meter || a.additional || b.additional) return [];
      const apart = Object.entries(a.where).some(([name, value]) => name in b.where && b.where[name] !== value);
      return apart
        ? []
        : [
            `${owner}: the prices ${a.key} and ${b.key} would both charge usage of ${a.meter}; part them with where, or say additional: true`,
          ];
    }),
  );
}

function aliasProblems(files: CatalogInFiles, known: Known): ApplyProblem[] {
  const owners = new Map<string, string>();
  for (const customer of known.customer.values()) owners.set(customer.key, customer.key);
  const taken: ApplyProblem[] = [];
  for (const customer of known.customer.values()) {
    for (const alias of customer.aliases ?? []) {
      const owner = owners.get(alias);
      const at =
        files.customers.find(({ value }) => value.key === customer.key || value.key === owner)?.at ?? "catalog";
      if (owner !== undefined)
        taken.push({
          at,
          problem: `customer ${customer.key}: the alias ${alias} is already the key or an alias of ${owner}`,
        });
      else owners.set(alias, customer.key);
    }
  }
  return taken;
}

function removalProblems({ entity, key }: Omit<CatalogVersionEntry, "change">, known: Known): ApplyProblem[] {
  const users: string[] = [];
  for (const contract of known.contract.values()) {
    if (entity === "customer" && contract.customer === key) users.push(`contract ${contract.key}`);
    if (entity === "rate_card" && contract.rateCard === key) users.push(`contract ${contract.key}`);
  }
  for (const card of known.rate_card.values()) {
    if (entity === "meter" && (card.prices ?? []).some((price) => price.meter === key))
      users.push(`rate card ${card.key}`);
  }
  return users.map((user) => ({
    at: "--prune",
    problem: `${entity} ${key} is still used by ${user}: keep it in the files, or take that out as well`,
  }));
}

function unknown(owner: string, field: string, key: string, entities: ReadonlyMap<string, unknown>): string {
  const names = [...entities.keys()].sort();
  const listed = names.length === 0 ? "there are none" : names.slice(0, 10).join(", ");
  return `${owner}: ${field} ${key} does not exist (${listed}${names.length > 10 ? ", …" : ""})`;
}
