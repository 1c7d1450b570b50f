/** What only the whole catalog shows: references that lead nowhere, currencies that disagree, prices that charge the same usage twice. */
import {
  fieldAt,
  type CatalogInFiles,
  type CatalogProblem,
  type Located,
  type UnreadEntities,
} from "../../domain/catalog-files.ts";
import type { CustomerInFile } from "../../domain/catalog-schema.ts";
import type { Catalog, ContractVersion, Customer, EntityKind, RateCard } from "../../domain/catalog.ts";
import type { ContractTerms, SharedTerms } from "../../domain/contract-terms.ts";
import type { CatalogVersionEntry } from "../../domain/journal-entry.ts";
import type { EventType } from "../../domain/event-type.ts";
import type { Measure } from "../../domain/meter.ts";
import { instantOf } from "../../kernel/instant.ts";
import { nearestName } from "../../kernel/nearest-name.ts";
import { currentVersion, KIND_OF_SECTION, SECTION_OF_KIND, versionsOf } from "./catalog-entities.ts";
import { allowanceProblems, contractAllowanceProblems } from "./allowance-problems.ts";
import { pointerProblems, type MeterPointers } from "./pointer-problems.ts";
import { overlapProblems, priceProblems, withOverrides, type PriceLike } from "./price-problems.ts";
import { contractTermProblems, termProblems } from "./term-problems.ts";

export type CatalogProblemsInput = {
  readonly catalog: Catalog;
  readonly files: CatalogInFiles;
  readonly unread: UnreadEntities;
  readonly removed: readonly Omit<CatalogVersionEntry, "change">[];
};

/** Entities after the apply, by key: those of the files, and those of the catalog that stay as they are. */
export type KnownEntities = {
  readonly event_type: ReadonlyMap<string, Located<EventType>>;
  readonly meter: ReadonlyMap<string, Located<MeterPointers & Measure>>;
  readonly customer: ReadonlyMap<string, Located<Pick<Customer, "key" | "currency" | "aliases">>>;
  readonly rate_card: ReadonlyMap<
    string,
    Located<
      Pick<RateCard, "key" | "currency"> &
        SharedTerms & { readonly units?: RateCard["units"] | undefined; readonly prices: readonly PriceLike[] }
    >
  >;
  readonly contract: ReadonlyMap<string, Located<Contract>>;
};
type Contract = Pick<ContractVersion, "key" | "customer" | "rateCard" | "effective"> &
  ContractTerms & { readonly overrides: readonly PriceLike[] };
/** Says why a reference leads nowhere, or nothing where it may lead into what could not be read. */
export type ExplainMissing = (kind: EntityKind, key: string) => string | undefined;

export function catalogProblems(input: CatalogProblemsInput): CatalogProblem[] {
  const known = knownEntities(input);
  const missing = explainMissing(known, input.unread);
  const cards = input.files.rateCards.flatMap((card) => {
    const owner = `rate card ${card.value.key}`;
    const { currency, prices, units } = card.value;
    const placed = { owner, prices, units, placeOf: (index: number) => fieldAt(card, ["prices", index]) };
    const priceKeys = prices.map((price) => price.key);
    const terms = termProblems({ terms: card.value, priceKeys, currency }).map(({ path, problem }) => ({
      at: fieldAt(card, path),
      problem: `${owner}: ${problem}`,
    }));
    const shared = allowanceProblems({ allowances: card.value.allowances ?? [], prices, meters: known.meter });
    return [
      ...priceProblems(placed, { meters: known.meter, missing }),
      ...overlapProblems(placed),
      ...terms,
      ...shared.map(({ path, problem }) => ({ at: fieldAt(card, path), problem: `${owner}: ${problem}` })),
    ];
  });
  return [
    ...input.unread.references.flatMap(({ at, field, section, key }) => {
      const why = missing(KIND_OF_SECTION[section], key);
      return why === undefined ? [] : [{ at, problem: `${field}: ${key} ${why}` }];
    }),
    ...cards,
    ...pointerProblems([...known.meter.values()], known.event_type),
    ...[...known.contract.values()].flatMap((contract) => contractProblems({ contract, known, missing })),
    ...aliasProblems(known, input.files.customers),
    ...input.removed.flatMap((version) => removalProblems(version, known)),
  ];
}

function knownEntities({ catalog, files, removed }: CatalogProblemsInput): KnownEntities {
  const known = (kind: EntityKind): Map<string, never> => {
    const entities = new Map<string, unknown>();
    for (const [key, versions] of versionsOf(catalog, kind)) {
      const current = currentVersion(versions);
      if (current !== undefined) entities.set(key, { at: "catalog", value: current.definition });
    }
    for (const entity of files[SECTION_OF_KIND[kind]]) entities.set(entity.value.key, entity);
    for (const version of removed) if (version.entity === kind) entities.delete(version.key);
    return entities as Map<string, never>;
  };
  return {
    event_type: known("event_type"),
    meter: known("meter"),
    customer: known("customer"),
    rate_card: known("rate_card"),
    contract: known("contract"),
  };
}

const KEYS_SHOWN_MAX = 10;

function explainMissing(known: KnownEntities, unread: UnreadEntities): ExplainMissing {
  return (kind, key) => {
    if (known[kind].has(key) || unread.anyFile || unread.keys[SECTION_OF_KIND[kind]].has(key)) return undefined;
    const keys = [...new Set([...known[kind].keys(), ...unread.keys[SECTION_OF_KIND[kind]]])].sort();
    const meant = nearestName(key, keys);
    if (meant !== undefined) return `does not exist; did you mean ${meant}?`;
    if (keys.length === 0) return "does not exist; there are none";
    const more = keys.length > KEYS_SHOWN_MAX ? ", …" : "";
    return `does not exist; there are ${keys.slice(0, KEYS_SHOWN_MAX).join(", ")}${more}`;
  };
}

type ContractProblemsInput = {
  readonly contract: Located<Contract>;
  readonly known: KnownEntities;
  readonly missing: ExplainMissing;
};

/** A contract that is not in the files is looked at too: what it rests on may have changed. */
function contractProblems({ contract, known, missing }: ContractProblemsInput): CatalogProblem[] {
  const { value } = contract;
  const owner = `contract ${value.key}`;
  const customer = known.customer.get(value.customer);
  const card = known.rate_card.get(value.rateCard);
  const inFiles = contract.at !== "catalog";
  const problems: CatalogProblem[] = [];
  const add = (path: readonly PropertyKey[], problem: string | undefined): void => {
    const at = inFiles
      ? fieldAt(contract, path)
      : ([card, customer].find((entity) => entity !== undefined && entity.at !== "catalog")?.at ?? "catalog");
    if (problem !== undefined) problems.push({ at, problem: `${owner}: ${problem}` });
  };
  const named = (kind: "customer" | "rate_card", field: string, key: string): string | undefined => {
    const why = missing(kind, key);
    return why === undefined ? undefined : `${field} ${key} ${why}`;
  };
  if (inFiles) {
    add(["customer"], named("customer", "customer", value.customer));
    add(["rateCard"], named("rate_card", "rateCard", value.rateCard));
  }
  if (customer !== undefined && card !== undefined && customer.value.currency !== card.value.currency) {
    add(
      ["rateCard"],
      `rate card ${value.rateCard} is in ${card.value.currency}, customer ${value.customer} is billed in ${customer.value.currency}; they must agree`,
    );
  }
  const { from, to } = value.effective;
  if (to !== null && instantOf(to, "effective.to") <= instantOf(from, "effective.from"))
    add(["effective", "to"], `effective.to ${to} does not lie after effective.from ${from}`);
  if (card !== undefined) {
    const shared = contractAllowanceProblems(value, card.value, known.meter);
    for (const { path, problem } of [...contractTermProblems(value, card.value), ...shared]) add(path, problem);
  }
  if (value.overrides.length === 0 || card === undefined) return problems;
  const prices = card.value.prices;
  value.overrides.forEach((override, index) => {
    if (prices.some((price) => price.key === override.key)) return;
    const keys = prices.map((price) => price.key);
    add(
      ["overrides", index, "key"],
      `overrides names the price ${override.key}, which rate card ${value.rateCard} does not have (${keys.join(", ")})`,
    );
  });
  const placeOf = (index: number): string => (inFiles ? fieldAt(contract, ["overrides", index]) : contract.at);
  if (inFiles)
    problems.push(
      ...priceProblems(
        { owner, prices: value.overrides, units: card.value.units, placeOf },
        { meters: known.meter, missing },
      ),
    );
  const merged = {
    owner: `${owner} with its overrides`,
    prices: withOverrides(prices, value.overrides),
    placeOf: () => contract.at,
  };
  return [...problems, ...overlapProblems(merged)];
}

/** A key or an alias leads to one customer. */
function aliasProblems(known: KnownEntities, inFiles: readonly Located<CustomerInFile>[]): CatalogProblem[] {
  const owners = new Map<string, string>([...known.customer.keys()].map((key) => [key, key]));
  return [...known.customer.values()].flatMap(({ value }) =>
    value.aliases.flatMap((alias, index): CatalogProblem[] => {
      const owner = owners.get(alias);
      if (owner === undefined) owners.set(alias, value.key);
      if (owner === undefined) return [];
      const own = inFiles.find((entity) => entity.value.key === value.key);
      const other = inFiles.find((entity) => entity.value.key === owner);
      const at = own === undefined ? (other?.at ?? "catalog") : fieldAt(own, ["aliases", index]);
      return [
        {
          at,
          problem: `customer ${value.key}: the alias ${alias} is already the key or an alias of ${owner}; take one of them out`,
        },
      ];
    }),
  );
}

function removalProblems({ entity, key }: Omit<CatalogVersionEntry, "change">, known: KnownEntities): CatalogProblem[] {
  const contracts = [...known.contract.values()].filter(
    ({ value }) =>
      (entity === "customer" && value.customer === key) || (entity === "rate_card" && value.rateCard === key),
  );
  const cards = [...known.rate_card.values()].filter(
    ({ value }) => entity === "meter" && value.prices.some((price) => price.meter === key),
  );
  const overriding = [...known.contract.values()].filter(
    ({ value }) => entity === "meter" && value.overrides.some((price) => price.meter === key),
  );
  const users = [
    ...[...contracts, ...overriding].map(({ at, value }) => ({ at, name: `contract ${value.key}` })),
    ...cards.map(({ at, value }) => ({ at, name: `rate card ${value.key}` })),
  ];
  return users.map(({ at, name }) => ({
    at: at === "catalog" ? "--prune" : at,
    problem: `${entity.replace("_", " ")} ${key} is not in the files and would be taken out, but is used by ${name}: keep it, or take that out as well`,
  }));
}
