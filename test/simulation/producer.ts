/**
 * Producers that send until they are told that it is stored, and remember what they were told. They repeat events inside a message, in later ones and
 * long after the stream has forgotten the message's id, contradict themselves, and send what is no event.
 */
import { SimProcess } from "./sim-process.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { World } from "./world.ts";
import { CUSTOMERS, EVENT_TYPE, SUMMED_TYPE } from "./model/catalog-history.ts";
import type { ModelStream } from "./model/jet-stream.ts";

type SentEvent = {
  readonly id: string;
  readonly customer: string;
  readonly tokens: number;
  readonly time: string | undefined;
};
export type Acknowledged = { readonly stream: ModelStream; readonly body: Uint8Array };
export type Producers = {
  /** Bodies that were acknowledged, with the stream that holds them. */
  readonly acknowledged: readonly Acknowledged[];
  isDone(): boolean;
};

const SOURCES = ["gw0", "gw1", "gw2", "gw3"];
/** Of each source. Alone on its shard, or for a while, the last one makes batches that are not special. */
const TYPES = [EVENT_TYPE, EVENT_TYPE, EVENT_TYPE, SUMMED_TYPE];
const EVENTS_MAX = 4;
const RETRY_MS = 40;
const UNDER_WAY_MAX = 3;
const PER_MILLE = 1_000;

export function startProducers(world: World): Producers {
  const { scenario } = world;
  const acknowledged: Acknowledged[] = [];
  let unfinished = scenario.producers;
  for (let index = 0; index < scenario.producers; index += 1) {
    const process = new SimProcess(world.time, `producer${index}`, 0);
    const messages = Math.ceil(scenario.messages / scenario.producers);
    void produce(new Messages(world, process, world.random.fork()), messages, acknowledged).then(() => {
      unfinished -= 1;
    });
  }
  return { acknowledged, isDone: () => unfinished === 0 };
}

async function produce(messages: Messages, count: number, acknowledged: Acknowledged[]): Promise<void> {
  const underWay = new Set<Promise<void>>();
  for (let index = 0; index < count; index += 1) {
    await messages.pause(count);
    const sent = messages.send().then((message) => {
      acknowledged.push(message);
    });
    underWay.add(sent);
    void sent.then(() => underWay.delete(sent));
    if (underWay.size >= UNDER_WAY_MAX) await Promise.race(underWay);
  }
  await Promise.all(underWay);
}

class Messages {
  private readonly world: World;
  private readonly process: SimProcess;
  private readonly random: SeededRandom;
  private readonly history: { readonly source: number; readonly events: readonly SentEvent[] }[] = [];
  private count = 0;

  constructor(world: World, process: SimProcess, random: SeededRandom) {
    this.world = world;
    this.process = process;
    this.random = random;
  }

  /** All messages fit into the run, in bursts and with pauses. */
  pause(count: number): Promise<void> {
    const meanMs = this.world.scenario.durationMs / count;
    return this.process.clock.sleep(this.random.chance(0.6) ? 1 : this.random.below(4 * meanMs));
  }

  async send(): Promise<Acknowledged> {
    const { source, text } = this.next();
    const shard = source % this.world.scenario.shards;
    const body = new TextEncoder().encode(text);
    this.count += 1;
    const messageId = `${this.process.name}/${this.count}`;
    for (;;) {
      const stream = await this.publish({ shard, subject: `usage.${SOURCES[source] ?? ""}`, body, messageId });
      if (stream !== null) return { stream, body };
      await this.process.clock.sleep(this.random.chance(0.1) ? 2_500 : RETRY_MS);
    }
  }

  private publish(input: {
    readonly shard: number;
    readonly subject: string;
    readonly body: Uint8Array;
    readonly messageId: string;
  }): Promise<ModelStream | null> {
    const { world, process } = this;
    return world.network
      .call<ModelStream | null>({
        process,
        server: world.natsServer,
        doing: `publishing ${input.messageId} to shard ${input.shard}`,
        serve: (answer) => {
          const place = { nowMs: world.time.nowMs(), journalSeq: world.journalSeq };
          const stream = world.stream(input.shard);
          stream.publish({ ...input, ...place });
          answer({ value: stream });
        },
      })
      .catch(() => null);
  }

  private next(): { readonly source: number; readonly text: string } {
    const { random } = this;
    const old = this.history.length === 0 ? undefined : random.pick(this.history);
    const kind = random.below(10);
    if (kind === 0) return { source: random.below(SOURCES.length), text: random.pick(["not json", "[]", "7"]) };
    if (kind <= 2 && old !== undefined) return messageText(old.source, this.repeated(old.events));
    const source = random.below(SOURCES.length);
    const events = Array.from({ length: random.chance(0.5) ? 1 : random.between(1, EVENTS_MAX) }, () => this.fresh());
    this.history.push({ source, events });
    return messageText(source, random.chance(0.2) ? [...events, ...this.repeated(events)] : events);
  }

  private fresh(): SentEvent {
    const { random } = this;
    // Producers share some ids: whoever is first has it.
    const id = random.chance(0.1) ? `shared${random.below(6)}` : `${this.process.name}-${random.below(2 ** 30)}`;
    const seconds = random.below(3 * 3_600);
    const time = random.chance(0.5) ? undefined : new Date(this.world.time.nowMs() - seconds * PER_MILLE).toISOString();
    return { id, customer: random.pick(CUSTOMERS), tokens: random.below(PER_MILLE), time };
  }

  /** The same identities again: as they were, with another time, or contradicting. */
  private repeated(events: readonly SentEvent[]): SentEvent[] {
    const { random } = this;
    return events.map((event) => ({
      ...event,
      ...(random.chance(0.3) && { tokens: event.tokens + 1 }),
      ...(random.chance(0.3) && { time: undefined }),
    }));
  }
}

function messageText(source: number, events: readonly SentEvent[]): { readonly source: number; readonly text: string } {
  const bodies = events.map(({ id, customer, tokens, time }) => ({
    specversion: "1.0",
    id,
    source: SOURCES[source],
    type: TYPES[source],
    subject: customer,
    ...(time !== undefined && { time }),
    data: { tokens, model: `m${tokens % 2}`, user: `u${tokens % 5}` },
  }));
  return { source, text: JSON.stringify(bodies.length === 1 ? bodies[0] : bodies) };
}
