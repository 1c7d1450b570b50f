/** The same messages read with AckAll and nothing else: what the client library does best, in requests of 5,000 with one acknowledgement each. */
import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import { requireEqual } from "./benchmark.ts";
import { timed, USAGE_STREAM, type BenchWorld, type Measured, type Round } from "./bench-world.ts";

const FETCH_MESSAGES = 5_000;
const FETCH_MS = 2_000;

export async function consumeBare({ context }: BenchWorld, round: Round, firstSeq: number): Promise<Measured> {
  const { js, jsm } = await context.nats();
  const { name } = await jsm.consumers.add(USAGE_STREAM, {
    ack_policy: AckPolicy.All,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: firstSeq,
    max_ack_pending: -1,
  });
  const consumer = await js.consumers.get(USAGE_STREAM, name);
  let messages = 0;
  let bytes = 0;
  const measured = await timed(async () => {
    while (messages < round.messages.length) {
      const wanted = Math.min(FETCH_MESSAGES, round.messages.length - messages);
      const before = messages;
      let last: { ack(): void } | undefined;
      for await (const message of await consumer.fetch({ max_messages: wanted, expires: FETCH_MS })) {
        messages += 1;
        bytes += message.data.length;
        last = message;
      }
      last?.ack();
      if (messages === before) throw new Error(`consumed only ${messages} of ${round.messages.length} messages`);
    }
  });
  await jsm.consumers.delete(USAGE_STREAM, name);
  const wanted = round.messages.reduce((sum, message) => sum + message.body.length, 0);
  requireEqual("consumed bytes", bytes, wanted);
  return measured;
}
