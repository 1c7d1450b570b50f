// Publishes three events and says what became of each. `bin/meterline up` runs beside it.
import { openProducer } from "../../src/producer/open-producer.ts";

const port = process.env["METERLINE_NATS_PORT"] ?? "4222";
const producer = await openProducer(
  { url: `nats://127.0.0.1:${port}` },
  {
    onFate: ({ source, id, outcome }) => {
      console.log(`${source}/${id}: ${outcome}`);
    },
  },
);
for (const id of ["example-1", "example-2", "example-3"]) {
  await producer.send({
    id,
    source: "example/producer",
    type: "llm.completion",
    subject: "acme",
    data: { model: "small-1", region: "eu-west-1", inputTokens: 374, outputTokens: 44 },
  });
}
console.log(await producer.close());
