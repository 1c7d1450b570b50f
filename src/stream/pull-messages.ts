/**
 * One pull request to a JetStream consumer, answered message by message. The client library's own fetch hides when a request got lost with a
 * server; here every request ends: filled, expired, refused, cut off by a reconnect, or at its deadline.
 */
import { createInbox, type Msg } from "@nats-io/transport-node";
import type { Instant } from "../kernel/instant.ts";
import type { Nats } from "./connect.ts";

export type PulledMessage = {
  readonly seq: number;
  readonly ingestedAt: Instant;
  readonly subject: string;
  readonly body: Uint8Array;
  /** True when a header begins with `ce-`, in any case. */
  readonly binaryMode: boolean;
  /** Where its acknowledgement goes. */
  readonly reply: string;
};

export type PullInput = {
  readonly stream: string;
  readonly consumer: string;
  readonly messagesMax: number;
  /** Counts headers and subject too; 0 for no bound. */
  readonly bytesMax: number;
  readonly expiresMs: number;
  /** Returns false to end the pull; what still arrives for it is left to redelivery. */
  readonly onMessage: (message: PulledMessage) => boolean;
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
    let received = 0;
    const subscription = connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error !== null)
          end(() => {
            reject(error);
          });
        else receive(message);
      },
    });
    const deadline = setTimeout(() => {
      finish("expired");
    }, input.expiresMs + DEADLINE_SLACK_MS);
    const onAbort = (): void => {
      finish("stopped");
    };
    input.signal.addEventListener("abort", onAbort, { once: true });

    const end = (settle: () => void): void => {
      clearTimeout(deadline);
      input.signal.removeEventListener("abort", onAbort);
      subscription.unsubscribe();
      settle();
    };
    const finish = (how: PullEnd): void => {
      end(() => {
        resolve(how);
      });
    };
    const receive = (message: Msg): void => {
      if (message.reply === undefined || message.reply === "") {
        finish(endOf(message));
        return;
      }
      received += 1;
      const goesOn = input.onMessage(pulledMessage(message, message.reply));
      if (!goesOn) finish("stopped");
      else if (received === input.messagesMax) finish("filled");
    };
    try {
      connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${input.stream}.${input.consumer}`, requestOf(input), {
        reply: inbox,
      });
    } catch (error) {
      end(() => {
        reject(error instanceof Error ? error : new Error(String(error)));
      });
    }
  });
}

function requestOf(input: PullInput): string {
  return JSON.stringify({
    batch: input.messagesMax,
    ...(input.bytesMax > 0 && { max_bytes: input.bytesMax }),
    expires: input.expiresMs * NS_PER_MS,
  });
}

/** A message without a reply is the server's word on the request itself. */
function endOf(message: Msg): PullEnd {
  const code = message.headers?.code ?? 0;
  return code === NO_MESSAGES || code === REQUEST_TIMEOUT ? "expired" : "refused";
}

/** The reply holds what JetStream knows: `$JS.ACK.<stream>.<consumer>.<delivered>.<seq>.<consumer seq>.<ns>.<pending>`, newer ones with domain and account first. */
function pulledMessage(message: Msg, reply: string): PulledMessage {
  const tokens = reply.split(".");
  const at = tokens.length === 9 ? 5 : 7;
  return {
    seq: Number(tokens[at]),
    ingestedAt: BigInt(tokens[at + 2] ?? "0"),
    subject: message.subject,
    body: message.data,
    binaryMode: message.headers?.keys().some((name) => name.toLowerCase().startsWith("ce-")) ?? false,
    reply,
  };
}
