import { expect, test } from "vitest";
import { batchRowsMemory } from "../../../../src/clickhouse/batch-rows.ts";
import { cutBatch } from "../../../../src/app/sink/cut-batch.ts";
import { instantOf } from "../../../../src/kernel/instant.ts";
import { DEFAULT_EVENT_TIME_RANGE } from "../../../../src/metering/decode-context.ts";
import type { UsageMessage } from "../../../../src/domain/usage-event.ts";
import { SINK_CATALOG } from "../../../support/sink-catalog.ts";
import { eventOf, messageOf } from "../../../support/usage-message-of.ts";

async function cut(messages: readonly UsageMessage[], eventsMax = 1_000, turn = () => Promise.resolve()) {
  const { messages: kept, events } = await cutBatch({
    messages,
    catalog: SINK_CATALOG,
    timeRange: DEFAULT_EVENT_TIME_RANGE,
    eventsMax,
    rows: batchRowsMemory()(),
    turn,
  });
  return { seqs: kept.map(({ seq }) => seq), events: events.map(({ seq, position }) => `${seq}.${position}`) };
}

const three = [eventOf({ id: "a" }), eventOf({ id: "b" }), eventOf({ id: "c" })];

test("ends with the message that reaches the number of events, never inside one", async () => {
  const messages = [1, 2, 3].map((seq) => messageOf(three, { seq }));
  expect(await cut(messages, 4)).toEqual({ seqs: [1, 2], events: ["1.0", "1.1", "1.2", "2.0", "2.1", "2.2"] });
  expect((await cut(messages, 3)).seqs).toEqual([1]);
  expect((await cut(messages, 1)).seqs).toEqual([1]);
});

test("what cannot be read is one event of its message", async () => {
  const { events } = await cut([messageOf("rubbish", { seq: 7 }), messageOf("", { seq: 8 })]);
  expect(events).toEqual(["7.0", "8.0"]);
});

// Guarantee: a batch never spans two ingest months, because one insert is atomic only into one partition.
test.each([
  ["2026-10-31T23:59:59.999999999Z", "2026-11-01T00:00:00Z", [1]],
  ["2026-12-31T23:59:59.999999999Z", "2027-01-01T00:00:00Z", [1]],
  ["2026-10-01T00:00:00Z", "2026-10-31T23:59:59.999999999Z", [1, 2]],
])("a message of %s and one of %s", async (first, second, seqs) => {
  const messages = [first, second].map((time, index) =>
    messageOf(eventOf(), { seq: index + 1, ingestedAt: instantOf(time, "time") }),
  );
  expect((await cut(messages)).seqs).toEqual(seqs);
});

// Guarantee: the rows of the batch before get out of the process while the next one is decoded.
test("everything else has a turn again and again", async () => {
  const messages = Array.from({ length: 2_001 }, (_, index) => messageOf("rubbish", { seq: index + 1 }));
  let turns = 0;
  const { events } = await cut(messages, 10_000, () => Promise.resolve(void (turns += 1)));
  expect(events).toHaveLength(2_001);
  expect(turns).toBe(4);
});
