/**
 * A program with a spooling producer, for tests that kill it. Argument: JSON of `ProducerChildInput`. Writes a line for each event that the producer took and ends
 * once all are delivered.
 */
import { writeSync } from "node:fs";
import { openProducer } from "../../src/producer/open-producer.ts";

export type ProducerChildInput = {
  readonly url: string;
  readonly directory: string;
  readonly sync: "process" | "disk";
  readonly eventsPerMessage: number;
  readonly run: number;
  readonly events: number;
};

const input = JSON.parse(process.argv[2] ?? "{}") as ProducerChildInput;
const producer = await openProducer(
  { url: input.url },
  {
    eventsPerMessage: input.eventsPerMessage,
    windowMessages: 64,
    spool: { directory: input.directory, sync: input.sync },
  },
);
for (let n = 0; n < input.events; n += 1) {
  const id = `r${input.run}-${n}`;
  await producer.send({ id, source: `gw${n % 3}`, type: "t", subject: "acme", n });
  // Past every buffer of this process: a line that was written is a promise.
  writeSync(1, `${id}\n`);
}
await producer.close();
