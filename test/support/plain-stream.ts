/** A usage stream of its own on a real server, as the producer's tests need it, and what lies in it. */
import { StorageType, type StreamConfig } from "@nats-io/jetstream";
import type { Nats } from "../../src/stream/connect.ts";
import { makeEmptyStream } from "./empty-stream.ts";

export type StoredEvent = { readonly source: string; readonly id: string; readonly n: number };

export const PLAIN_STREAM = "USAGE_0";
const FETCH_MS = 30_000;

export async function makePlainStream(nats: Nats, config: Partial<StreamConfig> = {}): Promise<void> {
  await makeEmptyStream(nats, PLAIN_STREAM, () =>
    nats.jsm.streams.add({
      name: PLAIN_STREAM,
      subjects: ["usage.>"],
      storage: StorageType.File,
      discard: "new",
      ...config,
    }),
  );
}

/** Every event of every stored message, in order, with its message's id. */
export async function storedEvents(nats: Nats): Promise<readonly (StoredEvent & { readonly msgId: string })[]> {
  const { state } = await nats.jsm.streams.info(PLAIN_STREAM);
  const events: (StoredEvent & { readonly msgId: string })[] = [];
  if (state.messages === 0) return events;
  const consumer = await nats.js.consumers.get(PLAIN_STREAM);
  for await (const message of await consumer.fetch({ max_messages: state.messages, expires: FETCH_MS })) {
    const body = message.json<StoredEvent | StoredEvent[]>();
    const msgId = message.headers?.get("Nats-Msg-Id") ?? "";
    for (const event of Array.isArray(body) ? body : [body]) events.push({ ...event, msgId });
  }
  return events;
}
