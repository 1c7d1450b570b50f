/** Everything the sink asks its surroundings for, as calls over the simulated network; the defects of ports are planted here. */
import type { CutRegister, Revisioned, ShardKeys, SinkStore } from "../../../src/app/ports.ts";
import type { SinkDeps } from "../../../src/app/sink/run-sink.ts";
import { batchRowsMemory } from "../../../src/clickhouse/batch-rows.ts";
import type { ShardKey } from "../../../src/domain/sink-plan.ts";
import { DEFAULT_EVENT_TIME_RANGE } from "../../../src/metering/decode-context.ts";
import type { Reply } from "../network.ts";
import type { SimProcess } from "../sim-process.ts";
import type { World } from "../world.ts";
import { catalogAt } from "./catalog-history.ts";
import { filterCopiesPort } from "./filter-copies.ts";
import { usageStreamPort } from "./usage-stream-port.ts";

const CUT = "cut";
const NEVER_RAISED = { value: { cut: 1, raisedAt: 0 }, revision: 0 };
const IDENTITIES_PER_CHUNK = 50;

export type SinkPorts = Omit<SinkDeps, "log" | "crash" | "onCommitted">;

export function sinkPorts(world: World, process: SimProcess): SinkPorts {
  return {
    openStream: (shard) =>
      callNats(world, process, `opening the stream of ${shard}`, () => usageStreamPort(world, process, shard)),
    keys: keysPort(world, process),
    cuts: cutsPort(world, process),
    store: storePort(world, process),
    catalogs: catalogsPort(world, process),
    openRows: rowsPort(world, process),
    filterCopies: filterCopiesPort(world, process),
    timeRange: DEFAULT_EVENT_TIME_RANGE,
    clock: process.clock,
  };
}

function rowsPort(world: World, process: SimProcess): SinkDeps["openRows"] {
  const openRows = batchRowsMemory();
  const detail = world.defects.has("fact-of-the-attempt") ? { detail: process.name } : {};
  const views = world.defects.has("nothing-special") ? { special: false } : {};
  return () => {
    const rows = openRows();
    return {
      write: (event) => rows.write({ ...event, ...detail }),
      encoded: (decided, batch) => ({ ...rows.encoded(decided, batch), ...views }),
      release: () => {
        rows.release();
      },
    };
  };
}

export function keysPort(world: World, process: SimProcess): ShardKeys {
  const seen = new Map<number, ShardKey["plan"]>();
  const remembered = (shard: number, found: Revisioned<ShardKey> | null): Revisioned<ShardKey> | null => {
    if (found === null || !world.defects.has("plan-from-before-takeover")) return found;
    if (!seen.has(shard)) seen.set(shard, found.value.plan);
    const plan = found.value.holder.endsWith(process.name) ? found.value.plan : (seen.get(shard) ?? null);
    return { ...found, value: { ...found.value, plan } };
  };
  return {
    read: async (shard) =>
      remembered(
        shard,
        await callNats(world, process, `reading key ${shard}`, () => world.bucket.read<ShardKey>(keyName(shard))),
      ),
    compareAndSet: ({ shard, revision, key }) =>
      callNats(world, process, `writing key ${shard} at ${revision} ${textOf(key)}`, () => {
        const written = world.defects.has("register-without-compare")
          ? world.bucket.put(keyName(shard), key)
          : world.keyWritten(shard, () => world.bucket.compareAndSet(keyName(shard), revision, key));
        return written;
      }),
  };
}

export function cutsPort(world: World, process: SimProcess): CutRegister {
  return {
    read: () =>
      callNats(
        world,
        process,
        "reading the cut",
        () => world.bucket.read<typeof NEVER_RAISED.value>(CUT) ?? NEVER_RAISED,
      ),
    compareAndSet: ({ revision, cut, raisedAt }) =>
      callNats(world, process, `raising the cut to ${cut}`, () =>
        world.bucket.compareAndSet(CUT, revision, { cut, raisedAt }),
      ),
  };
}

export function storePort(world: World, process: SimProcess): SinkStore {
  const { clickhouse } = world;
  const ask = <T>(doing: string, serve: () => T): Promise<T> =>
    callClickHouse(world, process, doing, (answer) => {
      answer({ value: serve() });
    });
  return {
    lastBatch: ({ shard, incarnation }) =>
      ask(`reading the last batch of ${shard}`, () => clickhouse.lastBatch(shard, incarnation)),
    batchOf: ({ shard, plan }) => ask(`looking for batch ${plan.first}`, () => clickhouse.batchOf(shard, plan)),
    fence: ({ shard, epoch }) =>
      ask(`fencing ${shard} below ${epoch}`, () => {
        clickhouse.raiseFence(shard, epoch);
      }),
    insert: (input) => {
      const isTooLate = clickhouse.expiry();
      return callClickHouse(
        world,
        process,
        `inserting ${input.shard}/${input.plan.first}-${input.plan.last}`,
        (answer) => {
          clickhouse.insert({ ...input, isTooLate }, answer);
        },
      );
    },
    commit: (input) => {
      const { shard, plan } = input.batch;
      return callClickHouse(world, process, `committing ${shard}/${plan.first}-${plan.last}`, (answer) => {
        clickhouse.commit(input, answer);
      });
    },
    storedBehind: (input) =>
      ask(`looking behind message ${input.after} of ${input.shard}`, () => clickhouse.storedBehind(input)),
    quarantinedRows: () => ask("looking for rejected rows", () => []),
    retractionTargets: () => ask("looking for what is taken back", () => new Map()),
    knownIdentities: (input) => ask("looking for known identities", () => clickhouse.knownIdentities(input)),
    identities: async function* ({ shard, behind }) {
      const all = await ask(`reading the identities of ${shard} behind ${behind?.seq ?? 0}`, () =>
        clickhouse.identities(shard, behind),
      );
      for (let from = 0; from < all.length; from += IDENTITIES_PER_CHUNK)
        yield halvesOf(all.slice(from, from + IDENTITIES_PER_CHUNK));
    },
    countIdentities: ({ shard, upTo }) =>
      ask(`counting the identities of ${shard} up to ${upTo?.seq ?? "the end"}`, () => {
        const behind = upTo === undefined ? 0 : clickhouse.identities(shard, upTo).length;
        return clickhouse.identities(shard).length - behind;
      }),
  };
}

/** The upper 64 bits of each, as two words of 32 bits, the lower first. */
function halvesOf(keys: readonly bigint[]): Uint32Array {
  return Uint32Array.from(keys.flatMap((key) => [64n, 96n].map((shift) => Number(BigInt.asUintN(32, key >> shift)))));
}

function catalogsPort(world: World, process: SimProcess): SinkDeps["catalogs"] {
  let kept: number | null = null;
  return {
    head: async () => {
      const head = await callNats(world, process, "reading the journal's head", () => world.journalSeq);
      kept ??= head;
      return catalogAt(world.defects.has("catalog-from-memory") ? kept : head);
    },
    at: (seq) => callNats(world, process, `reading the journal at ${seq}`, () => catalogAt(seq)),
  };
}

function callNats<T>(world: World, process: SimProcess, doing: string, serve: () => T): Promise<T> {
  const answered = (answer: (reply: Reply<T>) => void): void => {
    answer({ value: serve() });
  };
  return world.network.call({ process, server: world.natsServer, doing, serve: answered });
}

function callClickHouse<T>(
  world: World,
  process: SimProcess,
  doing: string,
  serve: (answer: (reply: Reply<T>) => void) => void,
): Promise<T> {
  const { network, clickhouse } = world;
  return network.call({ process, server: clickhouse.server, doing, serve, expires: () => clickhouse.expiry() });
}

function keyName(shard: number): string {
  return `shard.${shard}`;
}

function textOf({ epoch, cut, plan }: ShardKey): string {
  return `(epoch ${epoch}, cut ${cut}, plan ${plan === null ? "none" : `${plan.first}-${plan.last}`})`;
}
