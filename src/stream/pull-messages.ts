/**
 * One pull request to a JetStream consumer, answered message by message. The client library's own fetch hides when a request got lost with a
 * server; here every request ends: filled, expired, refused, cut off by a reconnect, or when nothing comes any more.
 */
import { createInbox, type Msg } from "@nats-io/transport-node";
import type { Nats } from "./connect.ts";
import { createMessageReader, type DeliveredMessage } from "./delivered-message.ts";

export type PullInput = {
  readonly stream: string;
  readonly consumer: string;
  readonly messagesMax: number;
  /** Counts headers and subject too; 0 for no bound. */
  readonly bytesMax: number;
  readonly expiresMs: number;
  /** Returns false to end the pull; what still arrives for it is left to redelivery. */
  readonly onMessage: (message: DeliveredMessage) => boolean;
  readonly signal: AbortSignal;
};

/** `refused`: a message is larger than bytesMax, the consumer is gone, or its server is going down. */
export type PullEnd = "filled" | "expired" | "refused" | "stopped";

const DEADLINE_SLACK_MS = 1_000;
const NS_PER_MS = 1_000_000;
const NO_MESSAGES = 404;
const REQUEST_TIMEOUT = 408;

export function pullMessages(nats: Nats, input: PullInput): Promise<PullEnd> {
  const { connection } = nats;
  return new Promise((resolve, reject) => {
    const inbox = createInbox();
    const read = createMessageReader();
    let received = 0;
    const subscription = connection.subscribe(inbox, {
      // What is thrown here would end the connection.
      callback: (error, message) => {
        try {
          if (error !== null) throw error;
          receive(message);
        } catch (thrown) {
          fail(thrown);
        }
      },
    });
    const stopWaiting = afterSilence({
      firstMs: input.expiresMs + DEADLINE_SLACK_MS,
      received: () => received,
      end: () => {
        finish("expired");
      },
    });
    const onAbort = (): void => {
      finish("stopped");
    };
    input.signal.addEventListener("abort", onAbort, { once: true });

    const end = (): void => {
      stopWaiting();
      input.signal.removeEventListener("abort", onAbort);
      subscription.unsubscribe();
    };
    const finish = (how: PullEnd): void => {
      end();
      resolve(how);
    };
    const fail = (thrown: unknown): void => {
      end();
      reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
    };
    const receive = (message: Msg): void => {
      const delivered = read(message);
      if (delivered === null) {
        finish(endOf(message));
        return;
      }
      received += 1;
      const goesOn = input.onMessage(delivered);
      if (!goesOn) finish("stopped");
      else if (received === input.messagesMax) finish("filled");
    };
    try {
      connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${input.stream}.${input.consumer}`, requestOf(input), {
        reply: inbox,
      });
    } catch (thrown) {
      fail(thrown);
    }
  });
}

type Silence = { readonly firstMs: number; readonly received: () => number; readonly end: () => void };

/** What is under way when an answer is given up is lost, so it is not while something comes: a large one may take its time. Returns what ends the waiting. */
function afterSilence({ firstMs, received, end }: Silence): () => void {
  let seen = 0;
  const look = (): void => {
    if (received() === seen) {
      end();
      return;
    }
    seen = received();
    timer = setTimeout(look, DEADLINE_SLACK_MS);
  };
  let timer = setTimeout(look, firstMs);
  return () => {
    clearTimeout(timer);
  };
}

function requestOf(input: PullInput): string {
  return JSON.stringify({
    batch: input.messagesMax,
    ...(input.bytesMax > 0 && { max_bytes: input.bytesMax }),
    expires: input.expiresMs * NS_PER_MS,
  });
}

function endOf(message: Msg): PullEnd {
  const code = message.headers?.code ?? 0;
  return code === NO_MESSAGES || code === REQUEST_TIMEOUT ? "expired" : "refused";
}
