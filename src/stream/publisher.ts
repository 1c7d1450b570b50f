/**
 * A windowed publisher: one inbox for all acknowledgements, a bounded number under way, and the same message with the same id again until the
 * server has stored it. Awaiting `js.publish` costs 37 µs of client CPU per message; the producer over this costs 7 (docs/producer.md).
 * A message that is acknowledged is on the server's disk; a repetition is recognised by its id, and later by the sink.
 */
import {
  createInbox,
  headers,
  PermissionViolationError,
  type Msg,
  type QueuedIterator,
  type Status,
} from "@nats-io/transport-node";
import type { AppError } from "../kernel/errors.ts";
import { classifyNatsError, mayPass } from "./classify-error.ts";
import type { Nats } from "./connect.ts";
import { createFrameSender, type FrameSender } from "./publish-frame.ts";
import { SentMessages } from "./sent-messages.ts";
import { connectionClosed, pastDeadline, refusedForGood } from "./unstored-message.ts";

export type OutgoingMessage = {
  readonly subject: string;
  readonly body: Uint8Array;
  /** `Nats-Msg-Id`: the same for a retry, never the same for another body. */
  readonly msgId: string;
  /** Of the body, with room for a frame around it (`publish-frame.ts`): mostly nothing of it is copied on its way then. */
  readonly memory?: Uint8Array | undefined;
};

export type StoredAt = {
  readonly stream: string;
  readonly seq: number;
  /** The server had this id already: of an earlier run, or of an attempt whose acknowledgement was lost. */
  readonly duplicate: boolean;
};

export type PublisherInput<Message extends OutgoingMessage> = {
  readonly windowMessages: number;
  /** Of bodies under way; without it only their number counts. One message always has room. */
  readonly windowBytes?: number;
  /** A message without an answer is sent again after this long. */
  readonly ackTimeoutMs: number;
  /** A message that is not stored after this long has failed; without it, it is tried for ever. */
  readonly deadlineMs?: number;
  /** Called once per message when it is stored. */
  readonly onStored?: (message: Message, stored: StoredAt) => void;
  /**
   * Called after `onStored` when nothing reads the message's body any more, so that its memory can be used again. Not for each message: the client may still hold
   * an attempt of one that went out more than once, until it has a connection.
   */
  readonly onBodyFree?: (message: Message) => void;
  /** Called once per message that will not be stored (at its deadline: that is not known to be). Without it, `publish` and `flush` reject from then on. */
  readonly onFailed?: (message: Message, error: AppError) => void;
  /** Called when the server cannot take messages for the moment (its stream is full, say). */
  readonly onRefused?: (reason: string) => void;
  /** Called when room came to be in a window that was full. */
  readonly onRoom?: () => void;
};

export type Publisher<Message extends OutgoingMessage = OutgoingMessage> = {
  /** Resolves when there is room in the window, not when the message is stored. */
  publish(message: Message): Promise<void>;
  hasRoom(): boolean;
  /** Puts the message on its way whether there is room or not. */
  send(message: Message): void;
  /** Resolves when everything is settled; without `onFailed` it rejects with what can never be stored. */
  flush(): Promise<void>;
  close(): Promise<void>;
  /** Nothing more is sent, and nothing reported; the messages that were not settled. */
  abandon(): readonly Message[];
};

type Pending<Message> = {
  readonly message: Message;
  readonly since: number;
  sentAt: number;
  /** How often it was given to the client. */
  attempts: number;
};
type PubAck = {
  readonly stream: string;
  readonly seq: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly code: number; readonly err_code: number; readonly description: string };
};

const MESSAGE_ID = "Nats-Msg-Id";
const NO_RESPONDERS = 503;
const REFUSED_WAIT_MS = 500;
const LOOK_MS_MIN = 50;
/**
 * The client writes to its socket after every turn of promises, so a program that awaits each `publish` would pay a system call per message (measured: half of
 * the time). Messages are handed to it together instead: so many bytes, or what one turn of the event loop brought.
 */
const HANDED_BYTES = 64 * 1024;
/** Of messages that bring memory for their frames; single events gain nothing by more, and the server gets them later. */
const HANDED_FRAMES_BYTES = 256 * 1024;
/**
 * A program that publishes in a loop gives the event loop no turn while there is room, and until the next one the socket takes only what fits into its buffer and no
 * acknowledgement is read: the server would wait for the program, then the program for the server, with a whole window of bodies in memory. After so many
 * bytes there is room in the next turn only: when the client still copied each message, 1.07 µs of CPU per event instead of 1.27, in messages of a hundred (a window of 32 MiB;
 * with a quarter or four times as much 1.2).
 */
const TURN_BYTES = 1024 * 1024;
const LOOKS_PER_TIMEOUT = 4;

export function createPublisher<Message extends OutgoingMessage>(
  nats: Nats,
  input: PublisherInput<Message>,
): Publisher<Message> {
  return new WindowedPublisher(nats, input);
}

class WindowedPublisher<Message extends OutgoingMessage> implements Publisher<Message> {
  readonly #nats: Nats;
  readonly #input: PublisherInput<Message>;
  readonly #inbox = createInbox();
  readonly #frames: FrameSender;
  /** Of the message that is being given to the client, which encodes it at once. */
  readonly #headers = headers();
  readonly #pending = new SentMessages<Pending<Message>>();
  readonly #waiting: (() => void)[] = [];
  readonly #acks: { unsubscribe(): void };
  readonly #statuses: QueuedIterator<Status>;
  readonly #looking: NodeJS.Timeout;
  /** Messages for the client, by number. */
  #outbox: number[] = [];
  #outboxBytes = 0;
  /** Since the event loop last turned. */
  #turnBytes = 0;
  #turn: NodeJS.Immediate | null = null;
  #bytes = 0;
  #connected = true;
  #closed = false;
  #failure: AppError | null = null;

  constructor(nats: Nats, input: PublisherInput<Message>) {
    this.#nats = nats;
    this.#input = input;
    this.#frames = createFrameSender(nats.connection);
    this.#acks = nats.connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        this.#onAck(error, message);
      },
    });
    const lookMs = Math.min(input.ackTimeoutMs, input.deadlineMs ?? Number.POSITIVE_INFINITY) / LOOKS_PER_TIMEOUT;
    this.#looking = setInterval(() => this.#look(), Math.max(LOOK_MS_MIN, lookMs));
    // Of its type only the loop over it is told. A connection keeps every loop that nobody stops, and with it all that the hooks hold.
    this.#statuses = nats.connection.status() as QueuedIterator<Status>;
    void this.#watchConnection();
  }

  hasRoom(): boolean {
    const { windowMessages, windowBytes = Number.POSITIVE_INFINITY } = this.#input;
    if (this.#turnBytes >= TURN_BYTES) return false;
    return this.#pending.size < windowMessages && (this.#bytes < windowBytes || this.#pending.size === 0);
  }

  async publish(message: Message): Promise<void> {
    while (!this.hasRoom()) await this.#change();
    this.#throwFailure();
    this.send(message);
  }

  send(message: Message): void {
    const now = Date.now();
    const pending = { message, since: now, sentAt: now, attempts: 0 };
    const number = this.#pending.add(pending);
    this.#bytes += message.body.length;
    this.#transmit(number, pending);
  }

  async flush(): Promise<void> {
    while (this.#pending.size > 0) await this.#change();
    this.#throwFailure();
  }

  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      this.#end();
    }
  }

  abandon(): readonly Message[] {
    this.#end();
    const left = [...this.#pending.entries()].map(([, { message }]) => message);
    this.#pending.clear();
    this.#wake();
    return left;
  }

  #end(): void {
    this.#closed = true;
    clearInterval(this.#looking);
    if (this.#turn !== null) clearImmediate(this.#turn);
    this.#turnBytes = 0;
    this.#statuses.stop();
    if (!this.#nats.connection.isClosed()) this.#acks.unsubscribe();
  }

  #transmit(number: number, { message: { body, memory } }: Pending<Message>): void {
    this.#outbox.push(number);
    this.#outboxBytes += body.length;
    this.#turnBytes += body.length;
    this.#turn ??= setImmediate(() => this.#onTurn());
    if (this.#outboxBytes >= (memory === undefined ? HANDED_BYTES : HANDED_FRAMES_BYTES)) this.#handOver();
  }

  #onTurn(): void {
    const wasFull = this.#turnBytes >= TURN_BYTES;
    this.#turn = null;
    this.#turnBytes = 0;
    this.#handOver();
    if (wasFull) this.#wake();
  }

  /** While there is no connection nothing is handed to the client: it would keep every attempt and send all of them later. */
  #handOver(): void {
    const numbers = this.#outbox;
    this.#outbox = [];
    this.#outboxBytes = 0;
    const now = Date.now();
    this.#frames.together(() => {
      for (const number of numbers) {
        const pending = this.#pending.get(number);
        if (pending === undefined) continue;
        pending.sentAt = now;
        if (this.#connected) this.#give(number, pending);
      }
    });
  }

  #give(number: number, pending: Pending<Message>): void {
    const { subject, body, msgId, memory } = pending.message;
    const headers = this.#headers;
    const reply = `${this.#inbox}.${String(number)}`;
    pending.attempts += 1;
    try {
      if (memory !== undefined && this.#frames.send({ subject, msgId, body, memory }, reply)) return;
      headers.set(MESSAGE_ID, msgId);
      this.#nats.connection.publish(subject, body, { reply, headers });
    } catch (error) {
      this.#fail(number, classifyNatsError(error, `publishing to ${subject}`));
    }
  }

  /** What has waited for longer than the timeout goes out again, with the same id; what is past its deadline has failed. */
  #look(): void {
    const now = Date.now();
    const { ackTimeoutMs, deadlineMs = Number.POSITIVE_INFINITY } = this.#input;
    for (const [number, pending] of this.#pending.entries()) {
      if (now - pending.since >= deadlineMs) this.#fail(number, pastDeadline(pending.message.subject, deadlineMs));
      else if (now - pending.sentAt >= ackTimeoutMs) {
        pending.sentAt = now;
        this.#transmit(number, pending);
      }
    }
  }

  async #watchConnection(): Promise<void> {
    for await (const status of this.#statuses) {
      if (this.#closed) return;
      if (status.type === "disconnect") this.#connected = false;
      if (status.type === "reconnect") this.#sendAllAgain();
      if (status.type === "error" && status.error instanceof PermissionViolationError)
        this.#input.onRefused?.(status.error.message);
    }
    if (this.#closed) return;
    // The client has given up, or somebody closed it: no answer will come any more.
    for (const [number] of this.#pending.entries()) this.#fail(number, connectionClosed());
  }

  /** Acknowledgements that were under way are lost with the connection. */
  #sendAllAgain(): void {
    this.#connected = true;
    for (const [number, pending] of this.#pending.entries()) this.#transmit(number, pending);
  }

  #onAck(error: Error | null, message: Msg): void {
    const number = Number(message.subject.slice(this.#inbox.length + 1));
    const pending = this.#pending.get(number);
    if (pending === undefined || error !== null) return;
    if (message.headers?.code === NO_RESPONDERS) {
      this.#refused(pending, `no stream takes messages for ${pending.message.subject}`);
      return;
    }
    const ack = message.json<PubAck>();
    if (ack.error === undefined) {
      this.#settle(number, pending);
      this.#input.onStored?.(pending.message, {
        stream: ack.stream,
        seq: ack.seq,
        duplicate: ack.duplicate === true,
      });
      // The only attempt has been answered, so the server has all of it and the client has nothing of it left to write.
      if (pending.attempts === 1) this.#input.onBodyFree?.(pending.message);
      this.#wake();
    } else if (mayPass(ack.error.err_code)) this.#refused(pending, ack.error.description);
    else this.#fail(number, refusedForGood(pending.message.subject, ack.error));
  }

  /** Not stored for now: it goes out again shortly. */
  #refused(pending: Pending<Message>, reason: string): void {
    pending.sentAt = Date.now() - this.#input.ackTimeoutMs + REFUSED_WAIT_MS;
    this.#input.onRefused?.(reason);
  }

  #fail(number: number, error: AppError): void {
    const pending = this.#pending.get(number);
    if (pending === undefined) return;
    const { onFailed } = this.#input;
    this.#settle(number, pending);
    if (onFailed !== undefined) onFailed(pending.message, error);
    else {
      this.#failure ??= error;
      this.#pending.clear();
      this.#bytes = 0;
    }
    this.#wake();
  }

  #settle(number: number, { message }: Pending<Message>): void {
    this.#pending.delete(number);
    this.#bytes -= message.body.length;
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    if (this.#waiting.length > 0) for (const resolve of this.#waiting.splice(0)) resolve();
    this.#input.onRoom?.();
  }
}
