/**
 * "Seen before?" for one shard: a filter in memory says no for sure, the database is asked about the rest. The filter holds every identity
 * that was ever accepted: it is loaded before the first plan, added to after each insert, and made again, larger, when it is full. Now and then, behind
 * a committed batch, it is copied to disk, so that the next start has to read only what came since (`load-filter.ts`).
 */
import type { FilterCopies, SinkLog, SinkStore } from "../ports.ts";
import type { BatchPlan } from "../../domain/sink-plan.ts";
import type { IdentityFilter } from "../../metering/identity-filter.ts";
import { KeptCopy } from "./kept-copy.ts";
import { filterFromTable, type FilterSource, type LoadedFilter } from "./load-filter.ts";

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
  /** Once a batch is committed whose identities were added; copies the filter beside what goes on, if it is time. */
  committed(plan: BatchPlan): void;
  /** Gives up a copy that is being written. */
  close(): Promise<void>;
};

export type IdentityIndexOptions = {
  /** Identities that the smallest filter is made for; a million unless said otherwise. */
  readonly capacityMin?: number | undefined;
  readonly copies?: FilterCopies | undefined;
  /** Identities that are added at least between two copies. */
  readonly copyEvery?: number | undefined;
  readonly log?: SinkLog | undefined;
};

const CAPACITY_MIN = 1_000_000;
type AskInput = {
  readonly eventKeys: readonly bigint[];
  readonly filter: IdentityFilter;
  readonly ahead: KnownIdentities;
  readonly before: { readonly incarnation: string; readonly seq: number } | null;
};
const NONE: KnownIdentities = new Map();
/** A copy is due when the last one lacks this part of the identities, which the next start would have to read … */
const UNCOPIED_SHARE = 0.05;
/** … and so many of them, which are read in no time. */
const COPY_EVERY = 1_000_000;

export function identityIndex(store: SinkStore, shard: number, options: IdentityIndexOptions = {}): IdentityIndex {
  const { capacityMin = CAPACITY_MIN, copies, copyEvery = COPY_EVERY, log } = options;
  const source: FilterSource = { store, shard, capacityMin };
  const kept = copies === undefined ? null : new KeptCopy({ source, copies, log });
  let filter: IdentityFilter | null = null;
  let uncopied = 0;
  const use = (loaded: LoadedFilter): IdentityFilter => {
    ({ filter, uncopied } = loaded);
    const identities = filter.size();
    log?.info({ shard, identities, copied: identities - uncopied }, "identity filter loaded");
    return filter;
  };
  const load = async (): Promise<IdentityFilter> => use(await filterFromTable(source));
  const ask = async (input: AskInput): Promise<KnownIdentities> => {
    const { eventKeys, filter: current, ahead, before } = input;
    const asked = new Set(current.possible(eventKeys).filter((key) => !ahead.has(key)));
    if (asked.size === 0) return ahead;
    const found = await store.knownIdentities({ eventKeys: [...asked], shard, before });
    return new Map([...ahead, ...found.map(({ eventKey, bodyHash }) => [eventKey, bodyHash] as const)]);
  };
  return {
    load: async () => {
      const loaded = await kept?.load();
      if (loaded) use(loaded);
      else await load();
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
      if (filter === null) return;
      const before = filter.size();
      filter.add([...eventKeys]);
      uncopied += filter.size() - before;
    },
    committed: (plan) => {
      if (filter === null || uncopied < Math.max(copyEvery, filter.size() * UNCOPIED_SHARE)) return;
      const begun = uncopied;
      kept?.begin({ ...filter.contents(), plan }, () => {
        uncopied -= begun;
      });
    },
    close: async () => {
      await kept?.close();
    },
  };
}
