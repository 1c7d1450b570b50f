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
/** Body hash by key. */
export type KnownIdentities = ReadonlyMap<bigint, bigint>;

export type IdentityIndex = {
  load(): Promise<void>;
  /** Those that were accepted before `beforeSeq`. What `ahead` has found is not asked for again. */
  known(input: KnownInput, ahead?: KnownIdentities | null): Promise<KnownIdentities>;
  /**
   * Some of them, for messages that nobody has planned yet, asked for while the batch before is still being inserted: what is found was accepted
   * before them, because nothing behind them is stored. What is not found may become known until the batch is decided, by the batch that is being
   * inserted and by no other. Null while the filter is not there, or when the database does not answer.
   */
  ahead(eventKeys: readonly bigint[]): Promise<KnownIdentities | null>;
  /** Identities of a batch that is stored now. */
  add(eventKeys: Iterable<bigint>): void;
};

const CAPACITY_MIN = 1_000_000;
type AskInput = {
  readonly eventKeys: readonly bigint[];
  readonly filter: IdentityFilter;
  readonly ahead: KnownIdentities;
  readonly before: { readonly incarnation: string; readonly seq: number } | null;
};
const NONE: KnownIdentities = new Map();
/** A filter with room for as many again lasts until the shard has doubled. */
const GROWTH = 2;

/** `capacityMin`: identities that the smallest filter is made for. */
export function identityIndex(store: SinkStore, shard: number, capacityMin = CAPACITY_MIN): IdentityIndex {
  let filter: IdentityFilter | null = null;
  const load = async (): Promise<IdentityFilter> => {
    const stored = await store.countIdentities({ shard });
    const loaded = createIdentityFilter(Math.max(stored * GROWTH, capacityMin));
    for await (const halves of store.identities({ shard })) loaded.addHalves(halves);
    assert(loaded.size() >= stored, "fewer identities came than there are", { shard, stored, loaded: loaded.size() });
    filter = loaded;
    return loaded;
  };
  const ask = async (input: AskInput): Promise<KnownIdentities> => {
    const { eventKeys, filter: current, ahead, before } = input;
    const asked = new Set<bigint>();
    for (const key of eventKeys) if (!ahead.has(key) && current.mayContain(key)) asked.add(key);
    if (asked.size === 0) return ahead;
    const found = await store.knownIdentities({ eventKeys: [...asked], shard, before });
    return new Map([...ahead, ...found.map(({ eventKey, bodyHash }) => [eventKey, bodyHash] as const)]);
  };
  return {
    load: async () => {
      await load();
    },
    known: async ({ eventKeys, incarnation, beforeSeq: seq }, ahead) => {
      const current = filter === null || filter.needsRebuild() ? await load() : filter;
      return ask({ eventKeys, filter: current, ahead: ahead ?? NONE, before: { incarnation, seq } });
    },
    ahead: async (eventKeys) => {
      if (filter === null || filter.needsRebuild()) return null;
      return ask({ eventKeys, filter, ahead: NONE, before: null }).catch(() => null);
    },
    add: (eventKeys) => {
      for (const key of eventKeys) filter?.add(key);
    },
  };
}
