/** Reads a stream by sequence through a short-lived consumer of its own, checking that no sequence is missing. */
import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { AppError } from "../kernel/errors.ts";
import { classifyNatsError } from "./classify-error.ts";
import type { Nats } from "./connect.ts";
import type { DeliveredMessage } from "./delivered-message.ts";
import { pullMessages } from "./pull-messages.ts";

export type SequenceReader = {
  /** The sequence that the next read begins with. */
  readonly next: number;
  /**
   * Up to `messagesMax` messages, all of which must exist. Returns how many came: fewer when the bytes are used up or `onMessage`
   * says stop, or none when it has to begin anew with the next one.
   * Rejects with STREAM_HOLE when the next one is gone.
   */
  read(input: ReadInput): Promise<number>;
  close(): Promise<void>;
};
export type ReadInput = {
  readonly messagesMax: number;
  /** 0 for no bound. */
  readonly bytesMax: number;
  readonly signal: AbortSignal;
  readonly onMessage: (message: DeliveredMessage) => boolean;
};

const EXPIRES_MS = 2_000;
const INACTIVE_MS = 60_000;

export async function openReader(
  nats: Nats,
  input: { readonly stream: string; readonly from: number },
): Promise<SequenceReader> {
  const { stream } = input;
  let consumer = await addReader(nats, input);
  let next = input.from;
  const close = async (): Promise<void> => {
    // It vanishes by itself as well.
    await nats.jsm.consumers.delete(stream, consumer).catch(() => false);
  };
  const read = async (limits: ReadInput): Promise<number> => {
    let came = 0;
    let gap = false;
    const onMessage = (message: DeliveredMessage): boolean => {
      if (message.seq !== next) {
        gap = true;
        return false;
      }
      next += 1;
      came += 1;
      return limits.onMessage(message);
    };
    const request = { stream, consumer, expiresMs: EXPIRES_MS, signal: limits.signal, onMessage };
    const end = await pullMessages(nats, { ...request, messagesMax: limits.messagesMax, bytesMax: limits.bytesMax });
    // Alone it may be larger than the bytes allow: one message always goes through.
    const again = end === "refused" && came === 0 && !gap;
    if (again) await pullMessages(nats, { ...request, messagesMax: 1, bytesMax: 0 });
    if (gap) {
      // An answer that was given up in the middle leaves the consumer further than its reader: what it passed over is there, and read by another one.
      if (!(await isStored(nats, { stream, seq: next }))) throw holeInStream(stream, next);
      await close();
      consumer = await addReader(nats, { stream, from: next });
    }
    if (came === 0 && !gap && !limits.signal.aborted) throw notDelivered(stream, next);
    return came;
  };
  return {
    get next() {
      return next;
    },
    read,
    close,
  };
}

async function addReader(nats: Nats, input: { readonly stream: string; readonly from: number }): Promise<string> {
  try {
    const info = await nats.jsm.consumers.add(input.stream, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: input.from,
      inactive_threshold: nanos(INACTIVE_MS),
      mem_storage: true,
      num_replicas: 1,
    });
    return info.name;
  } catch (error) {
    throw classifyNatsError(error, `reading ${input.stream} from message ${input.from}`);
  }
}

async function isStored(
  nats: Nats,
  { stream, seq }: { readonly stream: string; readonly seq: number },
): Promise<boolean> {
  try {
    return (await nats.jsm.streams.getMessage(stream, { seq })) !== null;
  } catch (error) {
    throw classifyNatsError(error, `reading message ${seq} of ${stream}`);
  }
}

/** A gap at the very end shows only by silence, as an outage does: the caller asks again. */
function notDelivered(stream: string, seq: number): AppError {
  return new AppError({
    code: "STREAM_SILENT",
    kind: "unavailable",
    message: `The stream ${stream} did not deliver message ${seq}`,
  });
}

function holeInStream(stream: string, seq: number): AppError {
  return new AppError({
    code: "STREAM_HOLE",
    kind: "broken",
    message: `Message ${seq} of the stream ${stream} is gone, although no batch holds it: restore the stream, or its usage is lost`,
  });
}
