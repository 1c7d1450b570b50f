/** How far a usage stream has grown and how far it is acknowledged: what metrics show, never what the sink decides by. */
import { JetStreamApiError } from "@nats-io/jetstream";
import { instantOf, type Instant } from "../kernel/instant.ts";
import { classifyNatsError } from "./classify-error.ts";
import type { Nats } from "./connect.ts";
import { SINK_CONSUMER, usageStreamName } from "./ensure-streams.ts";

export type StreamBacklog = {
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Everything up to here is acknowledged. */
  readonly ackedSeq: number;
  readonly bytes: number;
  /** Null without a limit. */
  readonly bytesMax: number | null;
};

const CONSUMER_NOT_FOUND = 10014;

export async function streamBacklog(nats: Nats, shard: number): Promise<StreamBacklog> {
  const name = usageStreamName(shard);
  try {
    const { state, config } = await nats.jsm.streams.info(name);
    return {
      firstSeq: state.first_seq,
      lastSeq: state.last_seq,
      ackedSeq: Math.max(await ackedSeq(nats, name), state.first_seq - 1),
      bytes: state.bytes,
      bytesMax: config.max_bytes > 0 ? config.max_bytes : null,
    };
  } catch (error) {
    throw classifyNatsError(error, `reading the state of ${name}`);
  }
}

/** When the stream took the message; null when it no longer has it. */
export async function messageTime(nats: Nats, shard: number, seq: number): Promise<Instant | null> {
  const name = usageStreamName(shard);
  try {
    const message = await nats.jsm.streams.getMessage(name, { seq });
    return message === null ? null : instantOf(message.timestamp, `time of message ${seq} of ${name}`);
  } catch (error) {
    throw classifyNatsError(error, `reading message ${seq} of ${name}`);
  }
}

async function ackedSeq(nats: Nats, stream: string): Promise<number> {
  try {
    return (await nats.jsm.consumers.info(stream, SINK_CONSUMER)).ack_floor.stream_seq;
  } catch (error) {
    // No sink has ever read this stream.
    if (error instanceof JetStreamApiError && error.code === CONSUMER_NOT_FOUND) return 0;
    throw error;
  }
}
