/**
 * The producer at work. An event goes through three places: the gate (handed in, and waiting for room), an open message of its source, and the publisher's window,
 * from which it comes back with its fate. What `send` took is in the second or third place, and in the spool if there is one.
 */
import { AppError } from "../kernel/errors.ts";
import type { Nats } from "../stream/connect.ts";
import { createPublisher, type Publisher, type StoredAt } from "../stream/publisher.ts";
import {
  createEventPacker,
  packMessage,
  type EventPacker,
  type PackableEvent,
  type PackedMessage,
} from "./event-packer.ts";
import { checkEventText, eventTextOf } from "./event-text.ts";
import { FateBook } from "./fate-book.ts";
import type { ProducerLimits } from "./producer-limits.ts";
import type { EventText, Producer, ProducerCounts, ProducerEvent, ProducerOptions } from "./producer-types.ts";
import type { Spool } from "./spool/open-spool.ts";

export type JetStreamProducerInput = {
  readonly nats: Nats;
  readonly options: ProducerOptions;
  readonly limits: ProducerLimits;
  readonly spool: Spool | null;
  readonly disconnect: () => Promise<void>;
};

type AtGate = { readonly event: EventText; readonly resolve: () => void; readonly reject: (error: unknown) => void };

const SOURCES_MAX = 256;
const CONNECTION_CLOSED = "NATS_UNAVAILABLE";
const TAKEN = Promise.resolve();
/** Of `sendAll`, before others that send at the same time have their turn. */
const EVENTS_TOGETHER = 128;

export class JetStreamProducer implements Producer {
  readonly #limits: ProducerLimits;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#abort();
  readonly #spool: Spool | null;
  readonly #disconnect: () => Promise<void>;
  readonly #salt: string;
  readonly #packer: EventPacker;
  readonly #publisher: Publisher<PackedMessage>;
  readonly #book: FateBook;
  /** In the order of their coming; those before `#passed` are through. */
  #gate: AtGate[] = [];
  #passed = 0;
  readonly #idle: (() => void)[] = [];
  /** Of an earlier run, still to be sent; nothing new goes before it. */
  #leftover: PackedMessage[];
  #linger: NodeJS.Timeout | null = null;
  #ended: AppError | null = null;
  #ending: Promise<void> | null = null;

  constructor({ nats, options, limits, spool, disconnect }: JetStreamProducerInput) {
    this.#limits = limits;
    this.#spool = spool;
    this.#disconnect = disconnect;
    this.#salt = options.salt ?? "";
    this.#book = new FateBook(options);
    const { eventsPerMessage: eventsMax, bytesPerMessage: bytesMax } = limits;
    const { windowMessages, windowBytes, ackTimeoutMs, deadlineMs } = limits;
    const packLimits = { eventsMax, bytesMax, sourcesMax: SOURCES_MAX, spareBytesMax: windowBytes };
    this.#packer = createEventPacker(packLimits, this.#salt);
    this.#publisher = createPublisher<PackedMessage>(nats, {
      windowMessages,
      windowBytes,
      ackTimeoutMs,
      ...(deadlineMs !== undefined && { deadlineMs }),
      onStored: (message, stored) => this.#onStored(message, stored),
      onBodyFree: (message) => this.#packer.reuse(message),
      onFailed: (message, error) => this.#onFailed(message, error),
      onRefused: (reason) => options.onTrouble?.(reason),
      onRoom: () => this.#admit(),
    });
    if (spool?.torn !== undefined) options.onTrouble?.(spool.torn);
    this.#leftover = this.#takeUp(spool?.leftover ?? []);
    this.#signal = options.signal;
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (this.#signal?.aborted === true) this.#abort();
    this.#admit();
  }

  send(event: ProducerEvent): Promise<void> {
    try {
      return this.#handIn(eventTextOf(event));
    } catch (error) {
      return rejected(error);
    }
  }

  sendText(event: EventText): Promise<void> {
    try {
      return this.#handIn(checkedText(event));
    } catch (error) {
      return rejected(error);
    }
  }

  sendAll(events: Iterable<ProducerEvent>): Promise<void> {
    return this.#handInAll(events, eventTextOf);
  }

  sendTexts(events: Iterable<EventText>): Promise<void> {
    return this.#handInAll(events, checkedText);
  }

  async flush(): Promise<ProducerCounts> {
    while (!this.#isIdle()) {
      this.#closeOpenMessages();
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
    this.#book.report();
    return this.counts();
  }

  counts(): ProducerCounts {
    return this.#book.counts();
  }

  async close(): Promise<ProducerCounts> {
    const counts = await this.flush();
    await (this.#ending ??= this.#end(closedError()));
    return counts;
  }

  #handIn(event: EventText): Promise<void> {
    if (this.#ended !== null) throw this.#ended;
    this.#requireSize(event);
    if (this.#gate.length > this.#passed || !this.#hasRoom())
      return new Promise((resolve, reject) => this.#gate.push({ event, resolve, reject }));
    return this.#take(event);
  }

  /** Waits where one event has to, and once at the end: a promise for each costs as much as a tenth of all that the producer does for it. */
  async #handInAll<Event>(events: Iterable<Event>, textOf: (event: Event) => EventText): Promise<void> {
    /** For the spool; events that come together share one. */
    let writing: Promise<void>[] = [];
    let together = 0;
    try {
      for (const event of events) {
        const taken = this.#handIn(textOf(event));
        const isAtGate = this.#gate.length > this.#passed;
        if (isAtGate) {
          await Promise.all([...writing, taken]);
          writing = [];
        } else if (taken !== TAKEN && taken !== writing.at(-1)) writing.push(taken);
        together = (together + 1) % EVENTS_TOGETHER;
        if (together === 0) await TAKEN;
      }
    } catch (error) {
      // An earlier event that the spool does not keep is the first that was not taken.
      for (const written of await Promise.allSettled(writing))
        if (written.status === "rejected") throw written.reason as Error;
      throw error;
    }
    await Promise.all(writing);
  }

  #requireSize({ source, id, text }: EventText): void {
    const { bodyBytesMax } = this.#limits;
    // A UTF-16 unit is at most three bytes of UTF-8.
    if (text.length * 3 <= bodyBytesMax) return;
    const bytes = Buffer.byteLength(text);
    if (bytes <= bodyBytesMax) return;
    const message = `the event ${source}/${id} has ${bytes} bytes, but the server takes at most ${bodyBytesMax}`;
    throw new AppError({ code: "EVENT_TOO_LARGE", kind: "invalid", message });
  }

  #hasRoom(): boolean {
    return this.#leftover.length === 0 && this.#publisher.hasRoom() && this.#spool?.isFull() !== true;
  }

  /** In the order in which they came: first what an earlier run left, then what waits at the gate. */
  #admit(): void {
    while (this.#leftover.length > 0 && this.#publisher.hasRoom()) {
      const message = this.#leftover.shift();
      if (message !== undefined) this.#publisher.send(message);
    }
    while (this.#gate.length > this.#passed && this.#hasRoom()) this.#letPass();
    if (this.#idle.length === 0) return;
    this.#closeOpenMessages();
    if (this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** A program may hand in a million events without waiting: taking the first out of an array would move all others. */
  #letPass(): void {
    const waiting = this.#gate[this.#passed];
    this.#passed += 1;
    if (this.#passed === this.#gate.length) {
      this.#gate = [];
      this.#passed = 0;
    }
    if (waiting === undefined) return;
    try {
      this.#take(waiting.event).then(waiting.resolve, waiting.reject);
    } catch (error) {
      waiting.reject(error);
    }
  }

  #take(event: EventText): Promise<void> {
    const number = this.#spool?.append(event);
    this.#book.accept(1);
    this.#dispatch(this.#packer.add(number === undefined ? event : { ...event, number }));
    if (this.#linger === null && this.#limits.eventsPerMessage > 1 && this.#limits.lingerMs !== Infinity) {
      this.#linger = setTimeout(() => this.#closeOpenMessages(), this.#limits.lingerMs);
    }
    return this.#spool?.written() ?? TAKEN;
  }

  #closeOpenMessages(): void {
    if (this.#linger !== null) clearTimeout(this.#linger);
    this.#linger = null;
    this.#dispatch(this.#packer.flush());
  }

  /** What belongs together is in the spool before the message is on its way: a restart sends the same one. */
  #dispatch(messages: readonly PackedMessage[]): void {
    if (messages.length === 0) return;
    for (const message of messages) this.#spool?.seal(message.numbers);
    this.#spool?.write();
    for (const message of messages) this.#publisher.send(message);
  }

  #takeUp(groups: readonly (readonly PackableEvent[])[]): PackedMessage[] {
    const messages = groups.map((events) => packMessage(events, this.#salt));
    this.#book.replay(messages.reduce((sum, { events }) => sum + events, 0));
    return messages;
  }

  #onStored(message: PackedMessage, stored: StoredAt): void {
    this.#spool?.settle(message.numbers);
    this.#book.stored(message, stored);
  }

  #onFailed(message: PackedMessage, error: AppError): void {
    // The client has given up on the server: what is in the spool goes out at the next start.
    if (this.#spool !== null && error.code === CONNECTION_CLOSED) {
      this.#book.spooled(message);
      return;
    }
    this.#spool?.settle(message.numbers);
    // Whoever hears of the failure may send the event another way: a restart must not send it as well.
    this.#spool?.write();
    this.#book.failed(message, error);
  }

  #isIdle(): boolean {
    return this.#gate.length === this.#passed && this.#book.underWay() === 0;
  }

  #abort(): void {
    if (this.#ended !== null) return;
    const error = abortedError("the event may be stored or not; sending it again under the same id is safe");
    this.#ended = abortedError("the event was not taken");
    for (const { reject } of this.#gate.slice(this.#passed)) reject(this.#ended);
    this.#gate = [];
    this.#passed = 0;
    const left = [...this.#publisher.abandon(), ...this.#leftover.splice(0), ...this.#packer.flush()];
    for (const message of left) {
      if (this.#spool === null) this.#book.failed(message, error);
      else this.#book.spooled(message);
    }
    for (const resolve of this.#idle.splice(0)) resolve();
    this.#ending ??= this.#end(this.#ended);
  }

  /** What was noted of fates is on disk before the connection is given up. */
  async #end(error: AppError): Promise<void> {
    this.#ended ??= error;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    if (this.#linger !== null) clearTimeout(this.#linger);
    this.#publisher.abandon();
    this.#spool?.close();
    await this.#disconnect();
  }
}

function checkedText(event: EventText): EventText {
  checkEventText(event);
  return event;
}

/** An async function would cost each event two more turns of promises. */
function rejected(error: unknown): Promise<never> {
  return Promise.reject(error instanceof Error ? error : new Error(String(error)));
}

function closedError(): AppError {
  return new AppError({
    code: "PRODUCER_CLOSED",
    kind: "conflict",
    message: "the producer was closed: open another one",
  });
}

function abortedError(consequence: string): AppError {
  return new AppError({
    code: "PRODUCER_ABORTED",
    kind: "conflict",
    message: `the producer was aborted: ${consequence}`,
  });
}
