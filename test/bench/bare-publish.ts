/** What publishing costs without a producer: the same prepared messages with their ids, by the client library's means. */
import { createInbox, headers } from "@nats-io/transport-node";
import type { PackedMessage } from "../../src/producer/event-packer.ts";
import type { Nats } from "../../src/stream/connect.ts";

/** On either side, messages and their bytes without an acknowledgement. */
export const WINDOW = { windowMessages: 8_192, windowBytes: 32 * 1024 ** 2 } as const;
const AWAITED_TOGETHER = 1_000;

/** One inbox, a window, and a count: nothing is known of a single message, nothing is sent again. */
export async function publishBare({ connection }: Nats, messages: readonly PackedMessage[]): Promise<void> {
  const reply = createInbox();
  const longest = messages.reduce((most, { body }) => Math.max(most, body.length), 1);
  const window = Math.min(WINDOW.windowMessages, Math.floor(WINDOW.windowBytes / longest));
  let acks = 0;
  let room: () => void = () => undefined;
  const subscription = connection.subscribe(reply, {
    callback: () => {
      acks += 1;
      room();
    },
  });
  const until = async (wanted: number): Promise<void> => {
    while (acks < wanted) await new Promise<void>((resolve) => (room = resolve));
  };
  for (const [number, { subject, body, msgId }] of messages.entries()) {
    const header = headers();
    header.set("Nats-Msg-Id", msgId);
    connection.publish(subject, body, { reply, headers: header });
    if (number >= window) await until(number - window + 1);
  }
  await until(messages.length);
  subscription.unsubscribe();
}

/** The library's own publish, a thousand of them awaited together: the way of its examples. */
export async function publishAwaited({ js }: Nats, messages: readonly PackedMessage[]): Promise<void> {
  for (let from = 0; from < messages.length; from += AWAITED_TOGETHER) {
    const some = messages.slice(from, from + AWAITED_TOGETHER);
    await Promise.all(some.map(({ subject, body, msgId }) => js.publish(subject, body, { msgID: msgId })));
  }
}
