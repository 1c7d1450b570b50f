/**
 * Random voids and amends, published and stored by the real pipeline: every insert is made twice, and writers end between their insert and its
 * commit, so that the next one makes the batch again. One cut per chunk.
 */
import fc from "fast-check";
import type { SinkStore } from "../../src/app/ports.ts";
import { raiseCut } from "../../src/app/sink/raise-cut.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { systemClock } from "../../cmd/system-clock.ts";
import {
  CARRIED_METERS,
  FILTERED_METERS,
  storyCatalog,
  storyOf,
  STORY_METERS,
  type StoryEvent,
} from "./retraction-story.ts";
import { startTestServers } from "./servers.ts";
import { openSinkWorld, startSink, untilStored, type SinkWorld } from "./sink-world.ts";

const SEED = 20_261_101;
const METERS = [...STORY_METERS, ...CARRIED_METERS, ...FILTERED_METERS];
const EVENTS_PER_MESSAGE = 3;
/** Of them each has a cut of its own. */
export const CHUNKS = 4;

export type Story = {
  readonly source: string;
  readonly customers: readonly string[];
  readonly events: readonly StoryEvent[];
};

/** Sources meet no identity of each other, and customers no usage. */
export function storiesOf(count: number): readonly Story[] {
  return Array.from({ length: count }, (_, index) => {
    const source = `s${String(index)}`;
    const customers = [`a${String(index)}`, `b${String(index)}`] as const;
    const told = fc.sample(storyOf({ source, customers }), { numRuns: 3, seed: SEED + index });
    return { source, customers, events: told.flat() };
  });
}

export type RetractionWorld = SinkWorld & { readonly stop: () => Promise<void> };

export async function startRetractionWorld(stories: readonly Story[]): Promise<RetractionWorld> {
  const servers = await startTestServers();
  const world = await openSinkWorld(servers, 1);
  const stop = async (): Promise<void> => {
    await world.close();
    await servers.stop();
  };
  try {
    const customers = stories.flatMap((story) => story.customers);
    await writeCatalog(world, customers);
    for (let chunk = 0; chunk < CHUNKS; chunk += 1) {
      await publishChunk(world, stories, chunk);
      await storeInterrupted(world, customers, chunk);
      const deps = { cuts: world.cuts, keys: world.keys, store: world.store, clock: systemClock, shards: 1 };
      await raiseCut(deps, { timeoutMs: 10_000 });
    }
    return { ...world, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A part of every story, some events per message and the stories' messages in turn. */
async function publishChunk(world: SinkWorld, stories: readonly Story[], chunk: number): Promise<void> {
  for (const { source, events } of stories) {
    const size = Math.ceil(events.length / CHUNKS);
    const part = events.slice(chunk * size, (chunk + 1) * size);
    for (let from = 0; from < part.length; from += EVENTS_PER_MESSAGE) {
      const body = JSON.stringify(part.slice(from, from + EVENTS_PER_MESSAGE));
      await world.nats.js.publish(`usage.${source}`, body);
    }
  }
}

/** Every insert is made twice, and the first writer ends between its second insert and the commit, so that the next one makes the batch again. */
async function storeInterrupted(world: SinkWorld, customers: readonly string[], chunk: number): Promise<void> {
  let commits = 0;
  const store: SinkStore = {
    ...world.store,
    insert: async (input) => {
      await world.store.insert(input);
      await world.store.insert(input);
    },
    commit: async (input) => {
      commits += 1;
      if (commits === 2) throw new AppError({ code: "TEST_ENDS", kind: "broken", message: "the writer ends here" });
      await world.store.commit(input);
    },
  };
  const catalog = storyCatalog(customers, METERS);
  const catalogs = { head: () => Promise.resolve(catalog), at: () => Promise.resolve(catalog) };
  const settings = { batchEventsMax: 40, instance: "a" };
  const deps = { store, catalogs };
  const first = startSink(world, { holder: `a#${String(chunk)}-1`, settings, deps });
  const ended = await first.done.then(
    () => "drained",
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );
  if (ended !== "TEST_ENDS") throw new Error(`the first writer was to end before its second commit: ${ended}`);
  const second = startSink(world, { holder: `a#${String(chunk)}-2`, settings, deps });
  await untilStored(world);
  await second.drain();
}

async function writeCatalog(world: SinkWorld, customers: readonly string[]): Promise<void> {
  const versions = [
    ...METERS.map((meter) => ({
      kind: "meter",
      key: meter.key,
      definition: { whenMissing: "reject", ...meter },
    })),
    ...customers.map((key) => ({ kind: "customer", key, definition: { key, aliases: [] } })),
  ];
  const rows = versions.map(({ definition, ...version }) => ({
    ...version,
    version: 1,
    hash: "h",
    journal_seq: "1",
    removed: false,
    definition: JSON.stringify(definition),
  }));
  await world.clickhouse.insert({
    sql: "INSERT INTO meterline.catalog_versions FORMAT JSONEachRow",
    body: rows.map((row) => `${JSON.stringify(row)}\n`).join(""),
    doing: "writing a test catalog",
  });
}
