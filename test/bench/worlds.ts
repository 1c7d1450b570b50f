/**
 * The servers of a run. Benchmarks that measure beside stored identities share one world, because a hundred million of them take minutes to store;
 * the others have one of their own. Whatever happens, `stopAll` ends every server that was started.
 */
import type { BenchWorld, BenchWorldInput } from "./bench-world.ts";
import { startBenchWorld } from "./bench-world.ts";
import { benchMessages } from "./bench-events.ts";
import { startBenchNats, type BenchNats } from "./bench-nats.ts";
import { startChildSink, type ChildSink } from "./child-sink.ts";
import { proveFormulas, storeIdentities, type Stored } from "./stored-identities.ts";

export type StoredWorld = {
  readonly world: BenchWorld;
  /** Runs until somebody stops it; asking again gives the running one. */
  readonly sink: () => Promise<ChildSink>;
  readonly stopSink: () => Promise<void>;
  readonly stored: Stored;
};

export type Worlds = {
  /** With that many identities stored, and shared by all who ask. */
  readonly stored: (identities: number) => Promise<StoredWorld>;
  readonly fresh: (input?: BenchWorldInput) => Promise<BenchWorld>;
  /** A nats-server and nothing else; one for each way of syncing. */
  readonly nats: (sync: "always" | "interval") => Promise<BenchNats>;
  readonly stopAll: () => Promise<void>;
};

export function createWorlds(say: (text: string) => void): Worlds {
  const stops = new Set<() => Promise<void>>();
  const shared = new Map<number, Promise<StoredWorld>>();
  const servers = new Map<string, Promise<BenchNats>>();
  const fresh = async (input: BenchWorldInput = {}): Promise<BenchWorld> => {
    const world = await startBenchWorld(input);
    const stop = async (): Promise<void> => {
      stops.delete(stop);
      await world.stop();
    };
    stops.add(stop);
    return { ...world, stop };
  };
  const nats = async (sync: "always" | "interval"): Promise<BenchNats> => {
    const server = await startBenchNats(sync);
    stops.add(() => server.stop());
    return server;
  };
  return {
    fresh,
    stored: (identities) => once(shared, identities, async () => storedWorld(await fresh(), identities, say)),
    nats: (sync) => once(servers, sync, () => nats(sync)),
    stopAll: async () => {
      for (const stop of [...stops]) await stop();
      stops.clear();
    },
  };
}

function once<Key, Value>(made: Map<Key, Promise<Value>>, key: Key, make: () => Promise<Value>): Promise<Value> {
  const value = made.get(key) ?? make();
  made.set(key, value);
  return value;
}

async function storedWorld(world: BenchWorld, identities: number, say: (text: string) => void): Promise<StoredWorld> {
  await proveFormulas(world);
  const stored = await storeIdentities(world.clickhouse, { from: 0, to: identities, say });
  let sink: Promise<ChildSink> | null = null;
  return {
    world,
    stored,
    sink: () => (sink ??= warmSink(world)),
    stopSink: async () => {
      const running = sink;
      sink = null;
      await (await running)?.stop();
    },
  };
}

const WARM_EVENTS = 50_000;
const WARM_EVENTS_PER_MESSAGE = [1, 100] as const;
let warmed = 0;

/** Events of both kinds of messages have gone through it: the filter is loaded, the shard is its own, and its code is compiled. */
async function warmSink(world: BenchWorld): Promise<ChildSink> {
  const sink = startChildSink(world);
  for (const eventsPerMessage of WARM_EVENTS_PER_MESSAGE) {
    warmed += 1;
    const before = sink.events();
    const messages = benchMessages({ events: WARM_EVENTS, eventsPerMessage, round: `warm-${warmed}-${Date.now()}` });
    await world.publish({ events: WARM_EVENTS, messages });
    await sink.until(() => sink.events() >= before + WARM_EVENTS);
  }
  await world.trim();
  return sink;
}
