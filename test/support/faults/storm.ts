/**
 * All faults at random while producers go on: what happens, and when, follows from the seed; how far the sinks are at that moment does not. What is
 * left behind is checked as after every single fault.
 */
import { setTimeout as delay } from "node:timers/promises";
import { raiseCut } from "../../../src/app/sink/raise-cut.ts";
import { CRASH_POINTS } from "../../../src/app/sink/crash-points.ts";
import { AppError } from "../../../src/kernel/errors.ts";
import { systemClock } from "../../../cmd/system-clock.ts";
import { metersFile } from "./fault-catalog.ts";
import { openFaultWorld, type FaultWorld } from "./fault-world.ts";
import { linkTo, type FaultyLink } from "./faulty-link.ts";
import { Ledger } from "./ledger.ts";
import type { Meant, MeantEvent } from "./meant-event.ts";
import { seededRandom, type Random } from "./random.ts";
import { startSinkFleet, type SinkFleet } from "./sink-fleet.ts";
import { untilAllStored } from "./expect-counted-once.ts";

export type Storm = { readonly world: FaultWorld; readonly ledger: Ledger; readonly stop: () => Promise<void> };
export type StormReport = {
  /** How often each fault happened. */
  readonly faults: Readonly<Record<string, number>>;
  readonly messages: number;
  readonly sinksStarted: number;
  /** From the last fault until everything was stored. */
  readonly recoveryMs: number;
};

type Scene = {
  readonly world: FaultWorld;
  readonly sinks: SinkFleet;
  readonly links: readonly FaultyLink[];
  readonly random: Random;
};

const SHARDS = 2;
const PRODUCERS = 2;
const SINKS = 2;
const PAUSE_MS = 900;
const CALM_MS = 400;
const STORED_MS = 90_000;
const REMEMBERED = 200;
/** Keeps the backlog of a storm such that the check at its end takes seconds. */
const PAUSE_BETWEEN_MS = 10;

const FAULTS: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  "sink killed": ({ sinks, random }) => sinks.kill(random(SINKS)),
  "sink killed at a named point": ({ sinks, random }) =>
    sinks.replace(random(SINKS), { METERLINE_CRASH_AT: CRASH_POINTS[random(CRASH_POINTS.length)] ?? "planned" }),
  "sink paused beyond its lease": ({ sinks, random }) => sinks.pause(random(SINKS), PAUSE_MS),
  "sink drained": ({ sinks, random }) => sinks.drain(random(SINKS)),
  "nats-server killed": ({ world }) => killed(world.nats),
  "ClickHouse killed": ({ world }) => killed(world.clickhouse),
  "both servers killed": async ({ world }) => {
    await Promise.all([killed(world.nats), killed(world.clickhouse)]);
  },
  "slow network": (scene) => weather(scene, (link) => link.delay(10 + scene.random(40))),
  "connections reset": (scene) => weather(scene, (link) => link.reset()),
  partition: (scene) => weather(scene, (link) => link.partition()),
  "answers lost": (scene) => weather(scene, (link) => link.swallowAnswers()),
  "cut raised": async ({ world }) => {
    const { cuts, keys, sinkStore: store } = world.services;
    await raiseCut({ cuts, keys, store, clock: systemClock, shards: SHARDS }, { timeoutMs: 0 }).catch(() => 0);
  },
  "meter added": ({ world, random }) =>
    world
      .apply({ "meters.yaml": metersFile([{ key: `storm-${random(2 ** 31)}`, aggregation: "count" }]) })
      .catch(unlessUnavailable),
};

export async function openStorm(
  seed: number,
): Promise<Storm & { readonly rage: (ms: number) => Promise<StormReport> }> {
  const links: FaultyLink[] = [];
  const world = await openFaultWorld({
    name: "storm",
    shards: SHARDS,
    env: { METERLINE_BATCH_EVENTS_MAX: "200" },
    through: async ({ natsUrl, clickhouseUrl }) => {
      const [nats, clickhouse] = [await linkTo(natsUrl), await linkTo(clickhouseUrl)];
      links.push(nats.link, clickhouse.link);
      return { natsUrl: nats.url, clickhouseUrl: clickhouse.url };
    },
  });
  const ledger = new Ledger(seededRandom(seed));
  const scene: Omit<Scene, "sinks"> = { world, links, random: seededRandom(seed + 1) };
  const stop = async (): Promise<void> => {
    for (const link of links) await link.close();
    await world.stop();
  };
  return { world, ledger, stop, rage: (ms) => rage({ ...scene, ledger, ms }) };
}

async function rage(
  input: Omit<Scene, "sinks"> & { readonly ledger: Ledger; readonly ms: number },
): Promise<StormReport> {
  const { world, ledger, random, ms } = input;
  const sinks = startSinkFleet(world.env, SINKS);
  const scene: Scene = { ...input, sinks };
  const calm = new AbortController();
  const produced = Promise.all(
    Array.from({ length: PRODUCERS }, () => produce({ world, ledger, signal: calm.signal })),
  );
  produced.catch(() => undefined);
  const faults: Record<string, number> = {};
  const names = Object.keys(FAULTS);
  const end = performance.now() + ms;
  try {
    while (performance.now() < end) {
      const name = names[random(names.length)] ?? "sink killed";
      faults[name] = (faults[name] ?? 0) + 1;
      await FAULTS[name]?.(scene);
      await delay(random(CALM_MS));
    }
  } finally {
    calm.abort();
  }
  await produced;
  const recovering = performance.now();
  for (const link of input.links) link.heal();
  await untilAllStored(world.services, STORED_MS);
  const recoveryMs = Math.round(performance.now() - recovering);
  const sinksStarted = await sinks.stop();
  return { faults, messages: ledger.acknowledged.length, sinksStarted, recoveryMs };
}

/** Who applies a catalog while a server comes back is told so, and may do it again. */
function unlessUnavailable(error: unknown): void {
  if (!(error instanceof AppError) || error.kind !== "unavailable") throw error;
}

async function killed(server: FaultWorld["nats"]): Promise<void> {
  await server.kill();
  await server.start();
}

/** Over one of the links for a while. */
async function weather({ links, random }: Scene, change: (link: FaultyLink) => void): Promise<void> {
  const link = links[random(links.length)];
  if (link === undefined) return;
  change(link);
  await delay(random(PAUSE_MS));
  link.heal();
}

type ProduceInput = { readonly world: FaultWorld; readonly ledger: Ledger; readonly signal: AbortSignal };

/** New events, repetitions, conflicts and rubbish, each sent until it is acknowledged. */
async function produce({ world, ledger, signal }: ProduceInput): Promise<void> {
  const sent: MeantEvent[] = [];
  while (!signal.aborted) {
    const old = sent[ledger.random(sent.length)];
    const fresh = ledger.freshMany(1 + ledger.random(4));
    await ledger.sendUntilStored(
      world.services.nats,
      nextMessage(ledger.random(8), { old, fresh }),
      Date.now() + STORED_MS,
    );
    sent.push(...fresh);
    sent.splice(0, sent.length - REMEMBERED);
    await delay(PAUSE_BETWEEN_MS);
  }
}

function nextMessage(
  kind: number,
  { old, fresh }: { readonly old: MeantEvent | undefined; readonly fresh: readonly MeantEvent[] },
): readonly Meant[] {
  if (kind === 0) return [{ rejected: "not_an_object", text: "7" }];
  if (kind === 1 && old !== undefined) return [old];
  if (kind === 2 && old !== undefined) return [{ ...old, user: `${old.user}!` }];
  return kind === 3 ? [...fresh, ...fresh] : fresh;
}
