/**
 * R10: events/s from the producer (messages of a hundred) until counted with `sync_interval: always` in nats-server and fsync of every insert in ClickHouse ÷ with the
 * servers' defaults. Beside it what the server's ways of publishing make of `sync_interval: always` for events that are a message each: one by one in a window,
 * in atomic batches, by fast ingest. Why the producer uses neither of these is in docs/producer.md. Messages of a hundred need neither.
 */
import { StorageType } from "@nats-io/jetstream";
import { startFastIngest } from "@nats-io/jetstream/internal";
import { openProducer } from "../../../src/producer/open-producer.ts";
import { benchEvents, benchMessages } from "../bench-events.ts";
import type { BenchNats } from "../bench-nats.ts";
import { timed, type BenchWorld } from "../bench-world.ts";
import { requireEqual, type Benchmark, type Measurement } from "../benchmark.ts";
import { startChildSink, type ChildSink } from "../child-sink.ts";
import { interleave } from "../interleave.ts";
import { ratioOf } from "../ratio.ts";

const SIDES = ["synced", "defaults"] as const;
type Side = (typeof SIDES)[number];
const WAYS = ["window, single events", "window, hundreds", "atomic batches of 500", "fast ingest"] as const;
type Way = (typeof WAYS)[number];
/** Single events that are synced one after the other take their time. */
const SINGLE_SHARE = 0.1;
const ATOMIC_MESSAGES = 500;
const BATCHED_STREAM = "BATCHED";

export const durable: Benchmark = {
  id: "R10",
  title: "Everything synced to disk beside the servers' defaults",
  events: 500_000,
  rounds: 5,
  minutes: 9,
  run: async ({ events, rounds, worlds, say }) => {
    const synced = await worlds.fresh({ natsSync: "always", clickhouseFsync: true });
    const defaults = await worlds.fresh();
    const running = {
      synced: { world: synced, sink: startChildSink(synced) },
      defaults: { world: defaults, sink: startChildSink(defaults) },
    };
    const run = Date.now();
    const measure = (side: Side, round: number): Promise<number> =>
      endToEnd({ ...running[side], events, round: `r10-${run}-${side}-${round}` });
    // The processes have started, and their code is compiled.
    for (const side of SIDES) await measure(side, rounds);
    const rates = await interleave({ rounds, sides: SIDES, unit: "events/s", say }, measure);
    await synced.stop();
    await defaults.stop();
    const ways = await publishingWays(await worlds.nats("always"), {
      events: Math.ceil(events * SINGLE_SHARE),
      rounds,
      say,
    });
    return {
      measurements: [
        ...SIDES.map((side) => ({ name: `end to end, ${side}`, unit: "events/s", values: rates[side] })),
        ...ways,
      ],
      ratios: [ratioOf({ name: "synced ÷ defaults", of: rates.synced, to: rates.defaults, aim: { atLeast: 0.7 } })],
      facts: { "events a round": events, "events a round of publishing alone": Math.ceil(events * SINGLE_SHARE) },
    };
  },
};

type EndToEndInput = {
  readonly world: BenchWorld;
  readonly sink: ChildSink;
  readonly events: number;
  readonly round: string;
};

async function endToEnd({ world, sink, events, round }: EndToEndInput): Promise<number> {
  const texts = [...benchEvents({ events, round })];
  const before = sink.accepted();
  const { seconds } = await timed(async () => {
    const producer = await openProducer(await world.context.nats());
    for (const event of texts) await producer.sendText(event);
    await producer.close();
    await sink.until(() => sink.accepted() >= before + events);
  });
  requireEqual("accepted events", sink.accepted() - before, events);
  await world.trim();
  return events / seconds;
}

type WaysInput = { readonly events: number; readonly rounds: number; readonly say: (text: string) => void };

async function publishingWays(server: BenchNats, { events, rounds, say }: WaysInput): Promise<readonly Measurement[]> {
  const { jsm } = server.nats;
  await jsm.streams.add({
    name: BATCHED_STREAM,
    subjects: ["batched.>"],
    storage: StorageType.File,
    allow_atomic: true,
    allow_batched: true,
  });
  const run = Date.now();
  const rates = await interleave(
    { rounds, sides: WAYS, unit: "events/s", say: (text) => say(`synced publishing, ${text}`) },
    async (way, round) => {
      const input = { events, round: `ways-${run}-${WAYS.indexOf(way)}-${round}` };
      const { seconds } = await timed(() => publishBy(server, way, input));
      if (way.startsWith("window")) await server.takeAway(way.endsWith("hundreds") ? Math.ceil(events / 100) : events);
      else {
        requireEqual(`messages by ${way}`, (await jsm.streams.info(BATCHED_STREAM)).state.messages, events);
        await jsm.streams.purge(BATCHED_STREAM);
      }
      return events / seconds;
    },
  );
  return WAYS.map((way) => ({ name: `publishing synced: ${way}`, unit: "events/s", values: rates[way] }));
}

async function publishBy(
  { nats }: BenchNats,
  way: Way,
  input: { readonly events: number; readonly round: string },
): Promise<void> {
  if (way.startsWith("window")) {
    const producer = await openProducer(nats, { eventsPerMessage: way.endsWith("hundreds") ? 100 : 1 });
    for (const event of benchEvents(input)) await producer.sendText(event);
    await producer.close();
    return;
  }
  const bodies = benchMessages({ ...input, eventsPerMessage: 1 }).map(({ body }) => body);
  if (way === "fast ingest") await fastIngest(nats, bodies);
  else await atomicBatches(nats, bodies);
}

async function atomicBatches({ js }: BenchNats["nats"], bodies: readonly Uint8Array[]): Promise<void> {
  for (let from = 0; from < bodies.length; from += ATOMIC_MESSAGES) {
    const some = bodies.slice(from, from + ATOMIC_MESSAGES);
    const batch = await js.startBatch("batched.events", some[0]);
    for (const body of some.slice(1, -1)) batch.add("batched.events", body);
    await batch.commit("batched.events", some.at(-1));
  }
}

async function fastIngest({ connection }: BenchNats["nats"], bodies: readonly Uint8Array[]): Promise<void> {
  const ingest = await startFastIngest(connection, "batched.events", bodies[0], { ackInterval: 100, allowGaps: false });
  for (const body of bodies.slice(1, -1)) await ingest.add("batched.events", body);
  await ingest.last("batched.events", bodies.at(-1));
}
