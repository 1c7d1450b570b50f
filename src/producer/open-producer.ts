/**
 * The way in for programs: `openProducer({ url }, options)` connects, takes up what an earlier run left in the spool, and takes events from then on.
 *
 *   const producer = await openProducer({ url: "nats://127.0.0.1:4222" }, { onFate: (fate) => … });
 *   await producer.send({ id: "req-8f2", source: "gateway/eu", type: "llm.completion", subject: "acme", data: { outputTokens: 44 } });
 *   await producer.close();
 */
import { connectNats, type Nats } from "../stream/connect.ts";
import { JetStreamProducer } from "./jetstream-producer.ts";
import { producerLimits } from "./producer-limits.ts";
import type { Producer, ProducerOptions } from "./producer-types.ts";
import { openSpool } from "./spool/open-spool.ts";

/** Where the server is, or a connection that is there already and stays open. */
export type ProducerServer =
  | {
      readonly url: string;
      /** Absent: those in the address, if it has some. */
      readonly login?: { readonly user: string; readonly password: string };
      /** Of the connection, for the server's operators. */
      readonly name?: string;
    }
  | Nats;

/** Rejects with `NATS_UNAVAILABLE`, `NATS_NOT_AUTHORIZED`, `PRODUCER_OPTION_INVALID`, `DIRECTORY_IN_USE` or `SPOOL_CORRUPT`. */
export async function openProducer(server: ProducerServer, options: ProducerOptions = {}): Promise<Producer> {
  const isOwn = "url" in server;
  const nats = isOwn ? await connectNats({ name: "meterline producer", ...server }) : server;
  try {
    const limits = producerLimits(options, nats.connection.info?.max_payload);
    const spool = options.spool === undefined ? null : openSpool(options.spool);
    const disconnect = isOwn ? (): Promise<void> => nats.close() : (): Promise<void> => Promise.resolve();
    return new JetStreamProducer({ nats, options, limits, spool, disconnect });
  } catch (error) {
    if (isOwn) await nats.close();
    throw error;
  }
}
