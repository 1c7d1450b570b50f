/** What happens to the world while it works: processes and servers die, stand still and come back, the catalog changes, cuts are closed, old messages go. */
import { raiseCut } from "../../src/app/sink/raise-cut.ts";
import { CATALOG_HISTORY } from "./model/catalog-history.ts";
import { cutsPort, keysPort, storePort } from "./model/sink-ports.ts";
import type { SimServer } from "./network.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { SimProcess } from "./sim-process.ts";
import type { SinkHost } from "./sinks.ts";
import type { World } from "./world.ts";

const RATING_TIMEOUT_MS = 2_000;

/** Until `untilMs`, at random moments. */
export function startTrouble(world: World, hosts: readonly SinkHost[], untilMs: number): void {
  const random = world.random.fork();
  const everyMs = world.scenario.troubleEveryMs;
  const next = (): void => {
    world.time.after(random.below(2 * everyMs), () => {
      if (world.time.nowMs() >= untilMs) return;
      trouble(world, hosts, random);
      next();
    });
  };
  if (everyMs > 0) next();
  startDecisions(world, random.fork(), untilMs);
}

function trouble(world: World, hosts: readonly SinkHost[], random: SeededRandom): void {
  const { pauseMsMax, outageMsMax } = world.scenario;
  const host = random.pick(hosts);
  const kind = random.below(10);
  if (kind <= 2) host.kill();
  else if (kind <= 5) host.pause(random.below(pauseMsMax));
  else if (kind === 6) host.drain();
  else if (kind === 7) outage(world, world.natsServer, random.below(outageMsMax));
  else if (kind === 8) outage(world, world.clickhouse.server, random.below(outageMsMax));
  else {
    for (const each of hosts) each.kill();
    outage(world, world.natsServer, random.below(outageMsMax));
    outage(world, world.clickhouse.server, random.below(outageMsMax));
  }
}

function outage(world: World, server: SimServer, ms: number): void {
  world.trace(() => `${server.name} dies for ${ms} ms`);
  server.kill();
  world.time.after(ms, () => {
    world.trace(() => `${server.name} is back`);
    server.start();
  });
}

/** The catalog changes twice, rating closes cuts, and retention takes what is stored. */
function startDecisions(world: World, random: SeededRandom, untilMs: number): void {
  const durationMs = untilMs - world.time.nowMs();
  for (let seq = 2; seq <= CATALOG_HISTORY.length; seq += 1) {
    world.time.after(random.below(durationMs), () => {
      world.journalSeq += 1;
      world.trace(() => `the journal grows to entry ${world.journalSeq}`);
    });
  }
  for (let run = random.below(4); run > 0; run -= 1) {
    world.time.after(random.below(durationMs), () => {
      void closeCut(world, `rating${run}`);
    });
  }
  for (let trim = random.below(3); trim > 0; trim -= 1) {
    world.time.after(random.below(durationMs), () => {
      trimStored(world, random);
    });
  }
}

async function closeCut(world: World, name: string): Promise<void> {
  const { shards } = world.scenario;
  const process = new SimProcess(world.time, name, 0);
  world.ratings.add(process);
  const ports = { cuts: cutsPort(world, process), keys: keysPort(world, process), store: storePort(world, process) };
  try {
    world.cutClosed(await raiseCut({ ...ports, clock: process.clock, shards }, { timeoutMs: RATING_TIMEOUT_MS }));
  } catch (error) {
    world.trace(() => `${name} gives up: ${String(error)}`);
  }
}

/** Only what is stored may be trimmed. */
function trimStored(world: World, random: SeededRandom): void {
  for (let shard = 0; shard < world.scenario.shards; shard += 1) {
    const stream = world.stream(shard);
    const stored = world.clickhouse.lastBatch(shard, stream.incarnation)?.plan.last ?? 0;
    const seq = random.below(stored + 1);
    world.trace(() => `shard ${shard} is trimmed up to ${seq}`);
    stream.trim(seq);
  }
}
