/**
 * A producer that remembers what it published, as the reference for what the sink must have stored: every event, and of each identity the
 * first one. Seeded, so that a failing run can be repeated.
 */
import type { Nats } from "../../src/stream/connect.ts";
import { SUMMED_TYPE } from "./sink-catalog.ts";

export type Expected = {
  /** Messages that the stream stored. */
  readonly messages: number;
  /** Events in them, each with a row of its own. */
  readonly events: number;
  readonly accepted: number;
  readonly duplicate: number;
  readonly conflict: number;
  readonly rejected: number;
  /** Sum of the accepted events' tokens. */
  readonly tokens: bigint;
  /** Of those that are not only summed. */
  readonly peak: bigint;
};

export type ProducedEvent = {
  readonly source: string;
  readonly id: string;
  readonly type: string;
  readonly tokens: number;
};

const WINDOW = 64;
const TYPES = ["llm.completion", SUMMED_TYPE] as const;

export class UsageProducer {
  private readonly nats: Nats;
  private readonly first = new Map<string, number>();
  private seed: number;
  private nextId = 1;
  private mixtures = 0;
  private sums = { messages: 0, events: 0, accepted: 0, duplicate: 0, conflict: 0, rejected: 0 };
  private tokens = 0n;
  private peak = 0n;
  /** Published but not yet acknowledged; one connection keeps their order. */
  private readonly pending: Promise<void>[] = [];

  constructor(nats: Nats, seed: number) {
    this.nats = nats;
    this.seed = seed >>> 0;
  }

  /** Whole numbers in [0, below), from a linear congruential generator (Numerical Recipes' constants). */
  random(below: number): number {
    this.seed = (Math.imul(this.seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.seed / 2 ** 32) * below);
  }

  fresh(source = `gw${this.random(5)}`): ProducedEvent {
    const id = `e${this.nextId}`;
    this.nextId += 1;
    return { source, id, type: TYPES[this.mixtures % TYPES.length] ?? "", tokens: this.random(1_000) };
  }

  /** One message of events of one source, and what has to become of each of them. */
  async publish(events: readonly ProducedEvent[], options: { readonly msgID?: string } = {}): Promise<void> {
    this.send(events, options);
    await this.settled();
  }

  private send(events: readonly ProducedEvent[], options: { readonly msgID?: string } = {}): void {
    const source = events[0]?.source ?? "gw0";
    const bodies = events.map(bodyOf);
    this.store(`usage.${source}.acme`, JSON.stringify(bodies.length === 1 ? bodies[0] : bodies), options);
    for (const event of events) this.count(event);
  }

  /** Something that is no event. */
  async publishRejected(text = "not json", source = "gw0"): Promise<void> {
    this.sendRejected(text, source);
    await this.settled();
  }

  private sendRejected(text = "not json", source = "gw0"): void {
    this.store(`usage.${source}`, text, {});
    this.sums.events += 1;
    this.sums.rejected += 1;
  }

  /** A mixture of single events, arrays, repetitions within one message and across messages, conflicts and rubbish; every second one is of events that are only summed. */
  async publishMixture(messages: number): Promise<void> {
    const sent: ProducedEvent[] = [];
    for (let index = 0; index < messages; index += 1) {
      const kind = this.random(10);
      const old = sent[this.random(Math.max(sent.length, 1))];
      if (kind === 0) this.sendRejected();
      else if (kind === 1 && old !== undefined) this.send([old]);
      else if (kind === 2 && old !== undefined) this.send([{ ...old, tokens: old.tokens + 1 }]);
      else {
        const source = `gw${this.random(5)}`;
        const events = Array.from({ length: kind < 5 ? 1 + this.random(20) : 1 }, () => this.fresh(source));
        const twice = kind === 4 && events[0] !== undefined ? [...events, events[0]] : events;
        this.send(twice);
        sent.push(...events);
      }
      if (this.pending.length >= WINDOW) await this.settled();
    }
    await this.settled();
    this.mixtures += 1;
  }

  expected(): Expected {
    return { ...this.sums, tokens: this.tokens, peak: this.peak };
  }

  /** One message at a time, sent until it is acknowledged: for servers that die in between. Its id makes a repetition harmless. */
  async publishUntilStored(events: readonly ProducedEvent[], deadlineMs: number): Promise<void> {
    const source = events[0]?.source ?? "gw0";
    const text = JSON.stringify(events.map(bodyOf));
    const msgID = `batch-${this.sums.messages}`;
    while (Date.now() < deadlineMs) {
      const ack = await this.nats.js.publish(`usage.${source}.acme`, text, { msgID, timeout: 500 }).catch(() => null);
      if (ack === null) continue;
      this.sums.messages += 1;
      for (const event of events) this.count(event);
      return;
    }
    throw new Error(`message ${msgID} was not acknowledged in time`);
  }

  private store(subject: string, text: string, options: { readonly msgID?: string }): void {
    const acknowledged = this.nats.js.publish(subject, text, options).then((ack) => {
      if (ack.duplicate) throw new Error(`JetStream dropped ${subject}, which this producer counts`);
      this.sums.messages += 1;
    });
    this.pending.push(acknowledged);
  }

  private async settled(): Promise<void> {
    await Promise.all(this.pending.splice(0));
  }

  private count(event: ProducedEvent): void {
    this.sums.events += 1;
    const key = `${event.source}/${event.id}`;
    const seen = this.first.get(key);
    if (seen !== undefined) {
      this.sums[seen === event.tokens ? "duplicate" : "conflict"] += 1;
      return;
    }
    this.first.set(key, event.tokens);
    this.sums.accepted += 1;
    this.tokens += BigInt(event.tokens);
    if (event.type !== SUMMED_TYPE && BigInt(event.tokens) > this.peak) this.peak = BigInt(event.tokens);
  }
}

function bodyOf(event: ProducedEvent): Readonly<Record<string, unknown>> {
  return {
    specversion: "1.0",
    id: event.id,
    source: event.source,
    type: event.type,
    subject: "acme",
    data: { model: "small-1", tokens: event.tokens, user: `u${event.tokens % 7}` },
  };
}
