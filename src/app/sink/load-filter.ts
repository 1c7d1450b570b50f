/**
 * The filter of a shard's identities when its writer starts: the copy of an earlier one with what was accepted since, or else all identities from the table. A copy that lacks
 * one would let an event count twice, so it has to prove that it lacks none:
 *
 * 1. Its history is the table's. The batch that it was taken behind is committed, by the very same plan: rows that were stored again (a refill) have another one, and so has a database that went on without them.
 * 2. Up to that batch, the table has as many identities as it had then.
 *
 * What the table has behind that batch is read from the table itself. Whatever is wrong with a copy, the table has everything.
 */
import type { SinkStore, StreamPlace } from "../ports.ts";
import type { FilterCopy } from "../../domain/filter-copy.ts";
import { samePlan, type BatchPlan } from "../../domain/sink-plan.ts";
import { assert } from "../../kernel/assert.ts";
import { createIdentityFilter, restoreIdentityFilter, type IdentityFilter } from "../../metering/identity-filter.ts";

export type FilterSource = {
  readonly store: Pick<SinkStore, "batchOf" | "countIdentities" | "identities">;
  readonly shard: number;
  /** Identities that the smallest filter is made for. */
  readonly capacityMin: number;
};

export type LoadedFilter = {
  readonly filter: IdentityFilter;
  /** How many of its identities are in no copy. */
  readonly uncopied: number;
};

/** A filter with room for as many again lasts until the shard has doubled. */
const GROWTH = 2;

export async function filterFromTable({ store, shard, capacityMin }: FilterSource): Promise<LoadedFilter> {
  const stored = await store.countIdentities({ shard });
  const filter = createIdentityFilter(Math.max(stored * GROWTH, capacityMin));
  for await (const halves of store.identities({ shard })) filter.addHalves(halves);
  assert(filter.size() >= stored, "fewer identities came than there are", { shard, stored, loaded: filter.size() });
  return { filter, uncopied: filter.size() };
}

/** Null when the copy proves too little, or is full. */
export async function filterFromCopy({ store, shard }: FilterSource, copy: FilterCopy): Promise<LoadedFilter | null> {
  const { plan } = copy;
  const committed = await store.batchOf({ shard, plan });
  if (committed === null || !samePlan(committed.plan, plan)) return null;
  const filter = restoreIdentityFilter(copy);
  if (filter === null) return null;
  for await (const halves of store.identities({ shard, behind: lastOf(plan) })) filter.addHalves(halves);
  const uncopied = filter.size() - copy.size;
  const stored = await store.countIdentities({ shard });
  return stored - uncopied === copy.identities && !filter.needsRebuild() ? { filter, uncopied } : null;
}

/** Where the batch of a plan ends. */
export function lastOf({ incarnation, last }: BatchPlan): StreamPlace {
  return { incarnation, seq: last };
}
