/**
 * What a period would have cost under a changed catalog: the stored usage as of a closed cut, rated and drafted twice by the functions that bill it,
 * once with the catalog as it is and once with the files' terms. Nothing is written. Customers come in batches, so that in memory there are the
 * lines of one batch and two amounts of each customer.
 */
import type { Catalog, ContractSpan, EntityVersion } from "../../domain/catalog.ts";
import type { RatedLine } from "../../domain/rated-line.ts";
import { ZERO, decimal, type Decimal } from "../../kernel/decimal.ts";
import { AppError } from "../../kernel/errors.ts";
import { parsePeriodArgument } from "../../kernel/period.ts";
import { RATING_REV } from "../../rating/rating-rev.ts";
import { contractSpans } from "../catalog/contract-spans.ts";
import type { JournalState } from "../catalog/fold-journal.ts";
import type { CatalogChange } from "../catalog/plan-apply.ts";
import { invoicesOfLines } from "../invoicing/invoices-of-run.ts";
import { termsOfParts } from "../invoicing/terms-of-parts.ts";
import { requireAllPriced } from "../rating/find-unpriced.ts";
import { ratePlan } from "../rating/rate-plan.ts";
import { planRating } from "../rating/rating-plan.ts";
import { withLeftOver, type FinalizedInvoices } from "../rating/task-rollover.ts";
import { wholeSpan, type ChangedCatalog } from "./changed-catalog.ts";
import { byShock, type CustomerEffect } from "./customer-effects.ts";
import { rememberingStore, type UsageStore } from "./remembering-store.ts";

export type SimulateDeps = {
  readonly store: UsageStore;
  readonly onProgress?: (done: { readonly customers: number; readonly total: number }) => void;
};

export type SimulatePeriodInput = {
  readonly state: JournalState;
  readonly changed: ChangedCatalog;
  /** `2026-10`, or two instants `FROM/TO`. */
  readonly period: string;
  /** Keys; empty: all. */
  readonly customers: readonly string[];
  readonly cut: number;
};

export type Simulation = {
  readonly period: string;
  readonly cut: number;
  readonly catalogSeq: number;
  readonly ratingRev: number;
  readonly changes: readonly Pick<CatalogChange, "action" | "kind" | "key" | "version" | "fields">[];
  /** Largest shocks first. */
  readonly effects: readonly CustomerEffect[];
};

const BATCH_CUSTOMERS = 2_000;
/** In the lines that are thrown away when their amounts are known. */
const RUN_ID = "simulation";

/** Throws `invalid` where the changed catalog leaves usage of the period without a price. */
export async function simulatePeriod(deps: SimulateDeps, input: SimulatePeriodInput): Promise<Simulation> {
  const { state, changed, period, cut } = input;
  const customers = customersOf(input);
  const touched = (customer: ContractsOf): boolean =>
    customer.contracts.some((contract) => changed.contracts.has(contract));
  const groups = [customers.filter(touched), customers.filter((customer) => !touched(customer))];
  const effects: CustomerEffect[] = [];
  let done = 0;
  for (const group of groups) {
    for (let at = 0; at < group.length; at += BATCH_CUSTOMERS) {
      const batch = group.slice(at, at + BATCH_CUSTOMERS);
      effects.push(...(await batchEffects(deps, input, batch)));
      done += batch.length;
      deps.onProgress?.({ customers: done, total: customers.length });
    }
  }
  const changes = changed.plan.changes
    .filter(({ kind, key }) => kind !== "contract" || changed.contracts.has(key))
    .map(({ action, kind, key, version, fields }) => ({
      action,
      kind,
      key,
      version,
      fields,
    }));
  return { period, cut, catalogSeq: state.head.seq, ratingRev: RATING_REV, changes, effects: effects.sort(byShock) };
}

type ContractsOf = { readonly customer: string; readonly contracts: readonly string[] };

/** Everybody with a contract before or after the change, by name. */
function customersOf({ state, changed, customers }: SimulatePeriodInput): readonly ContractsOf[] {
  const contracts = new Map<string, Set<string>>();
  for (const catalog of [state.catalog, changed.catalog]) {
    for (const [key, versions] of catalog.contracts) {
      const customer = versions[0]?.definition.customer ?? "";
      const own = contracts.get(customer);
      if (own === undefined) contracts.set(customer, new Set([key]));
      else own.add(key);
    }
  }
  const unknown = customers.filter((customer) => !changed.catalog.customers.has(customer));
  if (unknown.length > 0) {
    throw new AppError({
      code: "CUSTOMER_UNKNOWN",
      kind: "not_found",
      message: `customer is "${unknown.join('", "')}": neither the catalog nor the files have such a key`,
    });
  }
  const wanted = new Set(customers);
  return [...contracts]
    .filter(([customer]) => wanted.size === 0 || wanted.has(customer))
    .map(([customer, own]) => ({ customer, contracts: [...own].sort() }))
    .sort((a, b) => (a.customer < b.customer ? -1 : 1));
}

async function batchEffects(
  deps: SimulateDeps,
  input: SimulatePeriodInput,
  batch: readonly ContractsOf[],
): Promise<readonly CustomerEffect[]> {
  const { state, changed } = input;
  const store = rememberingStore(deps.store);
  const contracts = batch.flatMap((customer) => customer.contracts);
  const rest = { period: input.period, cut: input.cut, finalized: state.finalized };
  const old = { ...rest, catalog: onlyContracts(state.catalog, contracts), spansOf: contractSpans };
  const before = await amountsOf({ store, ...old });
  if (!contracts.some((contract) => changed.contracts.has(contract)))
    return [...before.values()].map((amount) => ({ ...amount, before: amount.total, after: amount.total }));
  const spansOf = (versions: Versions): readonly ContractSpan[] =>
    changed.contracts.has(versions[0]?.key ?? "") ? wholeSpan(versions) : contractSpans(versions);
  const catalog = onlyContracts(changed.catalog, contracts);
  const after = await amountsOf({ store, ...rest, catalog, spansOf, allPriced: true });
  return [...new Set([...before.keys(), ...after.keys()])].map((key) => {
    const [old, changed] = [before.get(key), after.get(key)];
    const named = old ?? changed ?? { customer: "", currency: "" };
    const { customer, currency } = named;
    return { customer, currency, before: old?.total ?? ZERO, after: changed?.total ?? ZERO };
  });
}

type Versions = readonly EntityVersion<"contract">[];
type AmountsInput = {
  readonly store: UsageStore;
  readonly catalog: Catalog;
  readonly period: string;
  readonly cut: number;
  /** What they left over is the same on both sides. */
  readonly finalized: FinalizedInvoices;
  readonly spansOf: (versions: Versions) => readonly ContractSpan[];
  /** The catalog as it is may have gaps; the changed one must have none, or nothing could be billed with it. */
  readonly allPriced?: boolean;
};
type CustomerAmount = { readonly customer: string; readonly currency: string; readonly total: Decimal };

/** The totals of the invoices that would be drafted, by customer and currency. */
async function amountsOf(input: AmountsInput): Promise<ReadonlyMap<string, CustomerAmount>> {
  const { store, catalog, cut, spansOf } = input;
  const planned = planRating({ catalog, period: parsePeriodArgument(input.period), customers: [], spansOf });
  const plan = withLeftOver(planned, input.finalized);
  if (input.allPriced === true) await requireAllPriced({ store, catalog, spansOf, parts: plan.parts, cut });
  const terms = termsOfParts(plan.parts);
  const lines = new Map<string, RatedLine[]>();
  for await (const line of ratePlan({ store, plan, run: { runId: RUN_ID, cut, catalogSeq: catalog.seq } })) {
    const own = lines.get(line.customer);
    if (own === undefined) lines.set(line.customer, [line]);
    else own.push(line);
  }
  const amounts = new Map<string, CustomerAmount>();
  for (const invoice of [...lines.values()].flatMap((own) => invoicesOfLines(own, terms))) {
    const { customer, currency } = invoice;
    const key = `${currency} ${customer}`;
    const total = (amounts.get(key)?.total ?? ZERO).plus(decimal(invoice.total));
    amounts.set(key, { customer, currency, total });
  }
  return amounts;
}

function onlyContracts(catalog: Catalog, keys: readonly string[]): Catalog {
  const contracts = keys.flatMap((key) => {
    const versions = catalog.contracts.get(key);
    return versions === undefined ? [] : [[key, versions] as const];
  });
  return { ...catalog, contracts: new Map(contracts) };
}
