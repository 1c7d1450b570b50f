/**
 * What a good engineer writes first: `js.publish` awaited (a thousand at a time), a consumer with an explicit acknowledgement per message, zod for each event,
 * JSONEachRow of objects into a ReplacingMergeTree by identity, and sums over FINAL when somebody asks. No plan, no token: a crash between insert and
 * acknowledgement is left to the replacing.
 */
import { AckPolicy, type JsMsg } from "@nats-io/jetstream";
import { z } from "zod";
import type { Context } from "../../cmd/context.ts";
import type { ProducerEvent } from "../../src/producer/producer-types.ts";
import { startBenchChild, type BenchChild } from "./bench-child.ts";
import type { BenchWorld } from "./bench-world.ts";

const EVENT = z.object({
  id: z.string().min(1),
  source: z.string().min(1),
  type: z.string().min(1),
  subject: z.string().min(1),
  time: z.iso.datetime({ offset: true }),
  data: z.object({
    model: z.string(),
    region: z.string(),
    inputTokens: z.number().int(),
    outputTokens: z.number().int(),
  }),
});
const STREAM = "NAIVE";
const BATCH_MESSAGES = 10_000;
const FETCH_MS = 1_000;
const AWAITED_TOGETHER = 1_000;
const INSERT_SQL = "INSERT INTO naive.events FORMAT JSONEachRow";

export async function prepareNaive({ context, clickhouse }: BenchWorld): Promise<void> {
  const { jsm } = await context.nats();
  await jsm.streams.add({ name: STREAM, subjects: ["naive.>"] });
  await jsm.consumers.add(STREAM, { durable_name: "naive", ack_policy: AckPolicy.Explicit, max_ack_pending: -1 });
  const doing = "making the table";
  await clickhouse.command({ sql: "CREATE DATABASE naive ENGINE = Atomic", doing });
  await clickhouse.command({
    sql: `CREATE TABLE naive.events (id String, source String, type LowCardinality(String), subject LowCardinality(String), time DateTime64(3, 'UTC'),
        model LowCardinality(String), region LowCardinality(String), inputTokens UInt64, outputTokens UInt64)
      ENGINE = ReplacingMergeTree ORDER BY (type, subject, source, id)`,
    doing,
  });
}

/** What the consumer's process tells. */
export type NaiveNote = { readonly stored: number };
export type NaiveConsumer = BenchChild & { readonly stored: () => number };

export function startNaiveConsumer(world: BenchWorld): NaiveConsumer {
  let total = 0;
  const child = startBenchChild<NaiveNote>(world, {
    module: "naive-child.ts",
    onNote: ({ stored }) => {
      total += stored;
    },
  });
  return { ...child, stored: () => total };
}

type NaiveRun = { readonly consumer: NaiveConsumer; readonly events: readonly ProducerEvent[] };

/** From the first event until the sums over all of them are there: the sum of output tokens. */
export async function runNaive(world: BenchWorld, { consumer, events }: NaiveRun): Promise<bigint> {
  const before = consumer.stored();
  await publishNaive(world, events);
  await consumer.until(() => consumer.stored() >= before + events.length);
  const rows = await world.clickhouse.rows<{ tokens: string }>({
    sql: "SELECT subject, model, sum(outputTokens) AS tokens FROM naive.events FINAL WHERE type = 'llm.completion' GROUP BY subject, model",
    doing: "adding up",
  });
  await world.clickhouse.command({ sql: "TRUNCATE TABLE naive.events", doing: "starting anew" });
  return rows.reduce((sum, { tokens }) => sum + BigInt(tokens), 0n);
}

async function publishNaive({ context }: BenchWorld, events: readonly ProducerEvent[]): Promise<void> {
  const { js } = await context.nats();
  for (let from = 0; from < events.length; from += AWAITED_TOGETHER)
    await Promise.all(
      events
        .slice(from, from + AWAITED_TOGETHER)
        .map((event) => js.publish("naive.events", JSON.stringify(event), { msgID: `${event.source}/${event.id}` })),
    );
}

/** Until the signal. A fetch that is filled does not wait: the rounds have whole batches. */
export async function storeNaive(
  { nats, clickhouse }: Context,
  signal: AbortSignal,
  onStored: (events: number) => void,
): Promise<void> {
  const { js } = await nats();
  const consumer = await js.consumers.get(STREAM, "naive");
  while (!signal.aborted) {
    const messages: JsMsg[] = [];
    for await (const message of await consumer.fetch({ max_messages: BATCH_MESSAGES, expires: FETCH_MS }))
      messages.push(message);
    if (messages.length === 0) continue;
    const rows = messages.map((message) => rowOf(message.json()));
    await clickhouse().insert({
      sql: INSERT_SQL,
      body: rows.map((row) => JSON.stringify(row)).join("\n"),
      settings: { date_time_input_format: "best_effort", async_insert: 0 },
      doing: "inserting",
    });
    for (const message of messages) message.ack();
    onStored(messages.length);
  }
}

function rowOf(value: unknown): Readonly<Record<string, unknown>> {
  const { data, ...event } = EVENT.parse(value);
  return { ...event, ...data };
}
