/** One run: a world out of a seed, its troubles, its recovery, and what was wrong in the end. The same seed gives the same run, step by step. */
import { checkInvariants } from "./check-invariants.ts";
import type { Defect } from "./defects.ts";
import { planDisaster } from "./disasters.ts";
import { NO_NETWORK_FAULTS } from "./network.ts";
import { startProducers, type Producers } from "./producer.ts";
import { scenarioOf, type Scenario } from "./scenario.ts";
import { seededRandom } from "./seeded-random.ts";
import { SinkHost } from "./sinks.ts";
import { keepTrace, NO_TRACE } from "./trace.ts";
import { startTrouble } from "./trouble.ts";
import { virtualTime, type VirtualTime } from "./virtual-time.ts";
import { World } from "./world.ts";

export type SimulateInput = {
  readonly seed: number;
  readonly defects?: ReadonlySet<Defect>;
  /** Takes these parts of the scenario as given instead of from the seed. */
  readonly given?: Partial<Scenario>;
  /** Lines of trace to keep; 0: none, which is much faster. */
  readonly traceLines?: number;
};
export type Run = {
  readonly seed: number;
  readonly scenario: Scenario;
  /** What was wrong; empty when all is well. */
  readonly problems: readonly string[];
  readonly trace: readonly string[];
  /** Crash points of the protocol that were reached. */
  readonly visits: ReadonlySet<string>;
  /** Codes with which sinks ended by themselves. */
  readonly ends: ReadonlySet<string>;
  /** Starts that a copy of the identity filter has served. */
  readonly copiesUsed: number;
  readonly batches: number;
  readonly events: number;
};

/** After the troubles everything must be stored within this time. */
const RECOVERY_MS = 60_000;
const DRAIN_MS = 30_000;
/** An insert stands still at one table only. */
const STALLS_MAX = 1;
const EVENTS_MAX = 400_000;

export async function simulate(input: SimulateInput): Promise<Run> {
  const random = seededRandom(input.seed);
  const scenario = { ...scenarioOf(random), ...input.given };
  const time = virtualTime(scenario.startMs, random.fork());
  const kept = keepTrace(() => time.nowMs(), input.traceLines ?? 0);
  const trace = (input.traceLines ?? 0) === 0 ? NO_TRACE : kept.trace;
  const world = new World({ time, random, trace, scenario, defects: input.defects ?? new Set() });
  const hosts = Array.from({ length: scenario.writers }, (_, index) => new SinkHost(world, `sink${index}`));
  const producers = startProducers(world);
  const troubleEndMs = scenario.startMs + scenario.durationMs;
  beginTroubles(world, hosts, troubleEndMs);
  await time.run({ done: () => false, untilMs: troubleEndMs, eventsMax: EVENTS_MAX });
  endTroubles(world);
  await recover({ world, hosts, producers });
  const problems = [...world.violations, ...checkInvariants(world, producers.acknowledged)];
  const { batches, raw } = world.clickhouse.tables;
  const counts = { batches: batches.rows.length, events: raw.rows.length };
  const { visits, ends, copiesUsed } = world;
  return { seed: input.seed, scenario, problems, trace: kept.lines, visits, ends, copiesUsed, ...counts };
}

function beginTroubles(world: World, hosts: readonly SinkHost[], untilMs: number): void {
  world.network.faults = world.scenario.network;
  world.clickhouse.faults = world.scenario.clickhouse;
  for (const host of hosts) host.start();
  startTrouble(world, hosts, untilMs);
  planDisaster(world, hosts, untilMs);
}

function endTroubles(world: World): void {
  world.trace(() => "the troubles end");
  world.network.faults = { ...NO_NETWORK_FAULTS, timeoutMs: world.scenario.network.timeoutMs };
  world.clickhouse.faults = { viewThrows: 0, stalls: 0, stallMsMax: 0 };
  world.crashes = 0;
}

type RecoverInput = { readonly world: World; readonly hosts: readonly SinkHost[]; readonly producers: Producers };

/** Everything is stored, whatever is still on its way arrives, that is stored too, and all writers drain. */
async function recover({ world, hosts, producers }: RecoverInput): Promise<void> {
  const { time, scenario } = world;
  const shards = Array.from({ length: scenario.shards }, (_, shard) => shard);
  const stored = (): boolean => producers.isDone() && shards.every((shard) => world.isStored(shard));
  await runUntil(world, { done: stored, withinMs: RECOVERY_MS, what: "everything is stored" });
  const { lateMsMax, timeoutMs } = scenario.network;
  const quietMs = time.nowMs() + lateMsMax + timeoutMs + STALLS_MAX * scenario.clickhouse.stallMsMax;
  await time.run({ done: () => false, untilMs: quietMs, eventsMax: EVENTS_MAX });
  await runUntil(world, { done: stored, withinMs: RECOVERY_MS, what: "everything is stored" });
  world.trace(() => "everything is stored, the sinks are asked to end");
  for (const host of hosts) {
    host.leave();
    host.drain();
  }
  const ended = (): boolean => hosts.every((host) => !host.isRunning);
  await runUntil(world, { done: ended, withinMs: DRAIN_MS, what: "the sinks have ended" });
}

type RunUntilInput = { readonly done: () => boolean; readonly withinMs: number; readonly what: string };

async function runUntil(world: World, { done, withinMs, what }: RunUntilInput): Promise<void> {
  const { time }: { readonly time: VirtualTime } = world;
  const end = await time.run({ done, untilMs: time.nowMs() + withinMs, eventsMax: EVENTS_MAX });
  if (end !== "done") world.violated(`${what}: not within ${withinMs} ms (${end})`);
}
