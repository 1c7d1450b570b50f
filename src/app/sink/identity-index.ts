/**
 * "Seen before?" for one shard: a filter in memory says no for sure, the database is asked about the rest. The filter holds every identity
 * that was ever accepted: it is loaded before the first plan, added to after each insert, and made again, larger, when it is full.
 */
import type { SinkStore } from "../ports.ts";
import { assert } from "../../kernel/assert.ts";
import { createIdentityFilter, type IdentityFilter } from "../../metering/identity-filter.ts";

export type KnownInput = {
  readonly eventKeys: readonly bigint[];
  readonly incarnation: string;
  readonly beforeSeq: number;
};

export type IdentityIndex = {
  load(): Promise<void>;
  /** Body hash by key, of those that were accepted before `beforeSeq`. */
  known(input: KnownInput): Promise<ReadonlyMap<bigint, bigint>>;
  /** Identities of a batch that is stored now. */
  add(eventKeys: readonly bigint[]): void;
};

const CAPACITY_MIN = 1_000_000;
/** A filter with room for as many again lasts until the shard has doubled. */
const GROWTH = 2;

/** `capacityMin`: identities that the smallest filter is made for. */
export function identityIndex(store: SinkStore, shard: number, capacityMin = CAPACITY_MIN): IdentityIndex {
  let filter: IdentityFilter | null = null;
  const load = async (): Promise<IdentityFilter> => {
    const stored = await store.countIdentities({ shard });
    const loaded = createIdentityFilter(Math.max(stored * GROWTH, capacityMin));
    for await (const words of store.identities({ shard })) loaded.addWords(words);
    assert(loaded.size() >= stored, "fewer identities came than there are", { shard, stored, loaded: loaded.size() });
    filter = loaded;
    return loaded;
  };
  return {
    load: async () => {
      await load();
    },
    known: async ({ eventKeys, incarnation, beforeSeq }) => {
      const current = filter === null || filter.needsRebuild() ? await load() : filter;
      const asked = new Set<bigint>();
      for (const key of eventKeys) if (current.mayContain(key)) asked.add(key);
      if (asked.size === 0) return new Map();
      const found = await store.knownIdentities({ eventKeys: [...asked], shard, incarnation, beforeSeq });
      return new Map(found.map(({ eventKey, bodyHash }) => [eventKey, bodyHash]));
    },
    add: (eventKeys) => {
      for (const key of eventKeys) filter?.add(key);
    },
  };
}
