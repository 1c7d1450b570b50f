/**
 * One shard's usage stream, read by position. The durable consumer only feeds it: what lies before the position is dropped, a jump (messages
 * that a dead predecessor had been given) is read by sequence, and a sequence that is not there at all is an error, because every message
 * that was stored must be accounted for. What is read ahead is bounded in bytes; a full buffer asks for nothing more.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { QueuedIterator, Status } from "@nats-io/transport-node";
import type { StreamState, UsageMessage, UsageStream } from "../app/ports.ts";
import { AppError } from "../kernel/errors.ts";
import { instantOf } from "../kernel/instant.ts";
import { classifyNatsError } from "./classify-error.ts";
import type { Nats } from "./connect.ts";
import type { AckSubject, DeliveredMessage } from "./delivered-message.ts";
import { ensureSinkConsumer, SINK_CONSUMER, usageStreamName, usageSubjectPrefix } from "./ensure-streams.ts";
import { MessageBuffer } from "./message-buffer.ts";
import { PendingAcks } from "./pending-acks.ts";
import { pullMessages } from "./pull-messages.ts";
import { openReader, type SequenceReader } from "./sequence-reader.ts";

export type OpenUsageStreamInput = {
  readonly shard: number;
  readonly shards: number;
  /** Bytes read ahead at most, the batch being decided included. */
  readonly prefetchBytesMax: number;
};

const PULL_MESSAGES_MAX = 20_000;
const PULL_EXPIRES_MS = 5_000;
const RETRY_MS = 250;
const ACK = "+ACK";
const INCARNATION_METADATA = "meterline.incarnation";

/** Reads nothing before the first take. Rejects when the shard's stream does not exist. */
export async function openUsageStream(nats: Nats, input: OpenUsageStreamInput): Promise<UsageStream> {
  const { incarnation } = await usageStreamState(nats, input.shard);
  return new UsageStreamFeed(nats, { ...input, incarnation });
}

/**
 * The incarnation is the stream's creation time: a stream that was deleted and made again is another one, although it bears the same name.
 * A stream that was restored bears an old one, and would give its next sequences to other messages: adopting it writes a new one into its metadata.
 */
export async function usageStreamState(nats: Nats, shard: number): Promise<StreamState> {
  const name = usageStreamName(shard);
  try {
    const { created, state, config } = await nats.jsm.streams.info(name);
    const adopted = config.metadata?.[INCARNATION_METADATA];
    const incarnation = adopted ?? instantOf(created, `creation time of the stream ${name}`).toString();
    return { incarnation, firstSeq: state.first_seq, lastSeq: state.last_seq };
  } catch (error) {
    throw classifyNatsError(error, `reading the state of ${name}`);
  }
}

/** From now on the stream is another one: its messages are read from the first, under tokens of their own. */
export async function beginIncarnation(
  nats: Nats,
  input: { readonly shard: number; readonly incarnation: string },
): Promise<void> {
  const name = usageStreamName(input.shard);
  try {
    const { config } = await nats.jsm.streams.info(name);
    await nats.jsm.streams.update(name, {
      metadata: { ...config.metadata, [INCARNATION_METADATA]: input.incarnation },
    });
  } catch (error) {
    throw classifyNatsError(error, `beginning a new incarnation of ${name}`);
  }
  // nats-server before 2.10 knows no metadata, and does not say so.
  const { incarnation } = await usageStreamState(nats, input.shard);
  if (incarnation === input.incarnation) return;
  throw new AppError({
    code: "NATS_TOO_OLD",
    kind: "settings",
    message: `The server of ${name} keeps no metadata of streams: nats-server 2.10 or later is needed for this`,
  });
}

class UsageStreamFeed implements UsageStream {
  readonly shard: number;
  private readonly nats: Nats;
  private readonly name: string;
  private readonly incarnation: string;
  private readonly prefixLength: number;
  private readonly buffer: MessageBuffer;
  private readonly closing = new AbortController();
  private readonly pending = new PendingAcks();
  private acked = 0;
  /** The highest sequence the durable consumer has delivered: up to there a jump has to be read by sequence. */
  private delivered = 0;
  /** Ends the request under way when the connection was lost: its answers may have been lost with it. */
  private connected = new AbortController();
  private statuses: QueuedIterator<Status> | null = null;
  private pump: Promise<void> | null = null;
  private reader: SequenceReader | null = null;

  constructor(nats: Nats, input: OpenUsageStreamInput & { readonly incarnation: string }) {
    this.nats = nats;
    this.incarnation = input.incarnation;
    this.shard = input.shard;
    this.name = usageStreamName(input.shard);
    this.prefixLength = usageSubjectPrefix(input.shard, input.shards).length;
    this.buffer = new MessageBuffer(input.prefetchBytesMax);
  }

  state(): Promise<StreamState> {
    return usageStreamState(this.nats, this.shard);
  }

  async take(input: Parameters<UsageStream["take"]>[0]): Promise<readonly UsageMessage[]> {
    this.buffer.seek(input.from);
    this.pump ??= this.feed();
    return this.buffer.take(input);
  }

  async range(input: { first: number; last: number }): Promise<readonly UsageMessage[]> {
    const messages: UsageMessage[] = [];
    const reader = await openReader(this.nats, { stream: this.name, from: input.first });
    try {
      while (messages.length < input.last - input.first + 1) {
        const limits = {
          messagesMax: input.last - input.first + 1 - messages.length,
          bytesMax: 0,
          signal: this.closing.signal,
        };
        await reader.read({ ...limits, onMessage: (message) => messages.push(this.usageMessage(message)) > 0 });
      }
    } finally {
      await reader.close();
    }
    return messages;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- the port leaves room for an ack that waits
  async ackAll(seq: number): Promise<void> {
    this.acked = Math.max(this.acked, seq);
    const subject = this.pending.take(seq);
    if (subject === null || this.nats.connection.isClosed()) return;
    this.nats.connection.publish(subject, ACK);
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.statuses?.stop();
    this.buffer.close();
    await this.pump;
    await this.reader?.close();
  }

  /** Runs until closed; an outage is waited for, anything else reaches the next take. */
  private async feed(): Promise<void> {
    const { signal } = this.closing;
    void this.watchConnection();
    let synced = false;
    while (!signal.aborted) {
      try {
        // A predecessor, or a connection that broke, may have been given messages that will not come again by themselves.
        if (!synced) await this.syncDelivered();
        await this.buffer.room();
        if (signal.aborted) return;
        synced = this.buffer.next <= this.delivered ? await this.readJump() : await this.pullNext();
      } catch (error) {
        synced = false;
        const failure = classifyNatsError(error, `reading ${this.name}`);
        await this.reader?.close();
        this.reader = null;
        if (failure.kind !== "unavailable") {
          this.buffer.fail(failure);
          return;
        }
        await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** True when messages came, so that the durable consumer is known to be where this feed is. */
  private async pullNext(): Promise<boolean> {
    let received = 0;
    const signal = AbortSignal.any([this.closing.signal, this.connected.signal]);
    const request = { stream: this.name, consumer: SINK_CONSUMER, expiresMs: PULL_EXPIRES_MS, signal };
    const onMessage = (message: DeliveredMessage): boolean => {
      received += 1;
      return this.deliver(message);
    };
    const end = await pullMessages(this.nats, {
      ...request,
      messagesMax: PULL_MESSAGES_MAX,
      bytesMax: this.buffer.roomBytes(),
      onMessage,
    });
    if (received > 0 || end !== "refused") return received > 0 && end !== "stopped";
    // Either a single message is larger than the room that is left, or the consumer is not there.
    await ensureSinkConsumer(this.nats, this.shard, this.buffer.next);
    await pullMessages(this.nats, { ...request, messagesMax: 1, bytesMax: 0, onMessage });
    return false;
  }

  private async syncDelivered(): Promise<void> {
    const state = await this.state();
    // A server that came back with less than it had given away would use the sequences again, for other messages.
    if (state.incarnation !== this.incarnation || state.lastSeq < this.buffer.next - 1)
      throw streamWentBack(this.name, this.buffer.next);
    await ensureSinkConsumer(this.nats, this.shard, this.buffer.next);
    const { delivered } = await this.nats.jsm.consumers.info(this.name, SINK_CONSUMER);
    const { stream_seq: seq, consumer_seq: consumerSeq } = delivered;
    this.delivered = Math.max(this.delivered, seq);
    // Messages that went to a predecessor are acknowledged for it once they are stored.
    const ackSubject: AckSubject = (...numbers) => `$JS.ACK.${this.name}.${SINK_CONSUMER}.1.${numbers.join(".")}.0.0`;
    if (seq > Math.max(this.acked, this.pending.newest)) this.pending.add({ seq, consumerSeq, ackSubject });
  }

  private async watchConnection(): Promise<void> {
    // A connection keeps every loop over its states that nobody stops.
    this.statuses = this.nats.connection.status() as QueuedIterator<Status>;
    for await (const status of this.statuses) {
      if (status.type !== "reconnect") continue;
      this.connected.abort();
      this.connected = new AbortController();
    }
  }

  /** False ends the pull: after a jump everything further would be thrown away. */
  private deliver(message: DeliveredMessage): boolean {
    this.delivered = Math.max(this.delivered, message.seq);
    if (message.seq <= this.acked) {
      this.nats.connection.publish(message.ackSubject(message.seq, message.consumerSeq), ACK);
      return true;
    }
    if (message.seq > this.pending.newest) this.pending.add(message);
    if (message.seq > this.buffer.next) return false;
    if (message.seq === this.buffer.next) this.buffer.push(this.usageMessage(message));
    return true;
  }

  /** Reads by sequence until the position has caught up with what the durable consumer has already given away. */
  private async readJump(): Promise<boolean> {
    if (this.reader?.next !== this.buffer.next) {
      await this.reader?.close();
      this.reader = await openReader(this.nats, { stream: this.name, from: this.buffer.next });
    }
    const room = Math.min(this.delivered - this.buffer.next + 1, PULL_MESSAGES_MAX);
    await this.reader.read({
      messagesMax: room,
      bytesMax: this.buffer.roomBytes(),
      signal: this.closing.signal,
      onMessage: (message) => {
        if (message.seq !== this.buffer.next) return false;
        this.buffer.push(this.usageMessage(message));
        return true;
      },
    });
    if (this.buffer.next > this.delivered) {
      await this.reader.close();
      this.reader = null;
    }
    return true;
  }

  private usageMessage(message: DeliveredMessage): UsageMessage {
    const { seq, ingestedAt, body, binaryMode } = message;
    const subject = message.subject.slice(this.prefixLength);
    return binaryMode ? { seq, subject, ingestedAt, body, binaryMode } : { seq, subject, ingestedAt, body };
  }
}

function streamWentBack(stream: string, next: number): AppError {
  return new AppError({
    code: "STREAM_WENT_BACK",
    kind: "broken",
    message: `The stream ${stream} was made anew or lost its end while message ${next} was waited for: nothing more is read; start the sink again, it says what to do`,
  });
}
