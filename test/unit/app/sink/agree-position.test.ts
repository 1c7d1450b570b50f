import { expect, test } from "vitest";
import { agreePosition, type AgreePositionInput } from "../../../../src/app/sink/agree-position.ts";
import type { BatchPlan, CommittedBatch } from "../../../../src/domain/sink-plan.ts";

const PLAN: BatchPlan = {
  incarnation: "100",
  first: 11,
  last: 20,
  catalogSeq: 1,
  decoderRev: 1,
  cut: 1,
  plannedAt: 0,
  rows: 10,
  sha256: "aa",
};

function batch(first: number, last: number, sha256 = "aa", incarnation = "100"): CommittedBatch {
  return {
    shard: 0,
    plan: { ...PLAN, first, last, sha256, incarnation },
    messages: last - first + 1,
    counts: { accepted: 10, duplicate: 0, conflict: 0, rejected: 0 },
    lastMessageAt: 55n,
    lastMessageSha256: "cc",
    epoch: 1,
    holder: "a#1",
    storedAt: 0,
  };
}

type Change = {
  readonly plan?: BatchPlan | null;
  readonly lastBatch?: CommittedBatch | null;
  readonly lastMessage?: { readonly ingestedAt: bigint; readonly sha256: string } | null;
  readonly stream?: Partial<AgreePositionInput["position"]["stream"]>;
  readonly decoderRev?: number;
  readonly holdsUnplanned?: boolean;
  readonly adopted?: string;
};

function agree(change: Change) {
  const {
    plan = PLAN,
    lastBatch = batch(1, 10),
    lastMessage = { ingestedAt: 55n, sha256: "cc" },
    stream,
    decoderRev = 1,
    holdsUnplanned = false,
    adopted,
  } = change;
  return agreePosition({
    shard: 0,
    decoderRev,
    plan,
    adopted,
    position: {
      stream: { incarnation: "100", firstSeq: 1, lastSeq: 30, ...stream },
      ...{ lastBatch, lastMessage, holdsUnplanned },
    },
  });
}

test("nothing was ever planned: begin at the first message", () => {
  expect(agree({ plan: null, lastBatch: null, lastMessage: null })).toEqual({
    type: "agreed",
    incarnation: "100",
    last: 0,
    open: null,
  });
});

test("the last plan is stored: go on behind it", () => {
  expect(agree({ lastBatch: batch(11, 20) })).toEqual({ type: "agreed", incarnation: "100", last: 20, open: null });
});

test("the batch before the last plan is stored: the plan is open", () => {
  expect(agree({})).toEqual({ type: "agreed", incarnation: "100", last: 10, open: PLAN });
});

test("the very first plan is open while nothing is stored", () => {
  const plan = { ...PLAN, first: 1 };
  expect(agree({ plan, lastBatch: null, lastMessage: null })).toMatchObject({ type: "agreed", last: 0, open: plan });
});

test("a message that was trimmed below the stored range needs no comparison", () => {
  expect(agree({ lastBatch: batch(11, 20), lastMessage: null, stream: { firstSeq: 25 } })).toMatchObject({
    type: "agreed",
    last: 20,
  });
});

// Guarantee: whenever plan, database and stream do not tell one story the shard stops by name instead of counting twice or losing usage.
test.each([
  ["the stream was recreated", { stream: { incarnation: "101" } }, "STREAM_RECREATED"],
  ["the stored batches are of another stream", { plan: null, lastBatch: batch(1, 10, "aa", "99") }, "STREAM_RECREATED"],
  ["the database is ahead of the plan", { lastBatch: batch(21, 30) }, "CLICKHOUSE_AHEAD"],
  ["the database has batches but no plan was made", { plan: null }, "CLICKHOUSE_AHEAD"],
  ["the database lacks a batch before the plan", { lastBatch: batch(1, 9) }, "CLICKHOUSE_BEHIND"],
  ["the database lacks all batches before the plan", { lastBatch: null, lastMessage: null }, "CLICKHOUSE_BEHIND"],
  ["the stored batch has other rows than its plan", { lastBatch: batch(11, 20, "bb") }, "BATCH_CONTRADICTS_PLAN"],
  ["the stored batch has another end than its plan", { lastBatch: batch(11, 19) }, "BATCH_CONTRADICTS_PLAN"],
  ["the stream ends before the plan", { stream: { lastSeq: 19 } }, "STREAM_SHORTER"],
  ["the stored message has another time", { lastMessage: { ingestedAt: 56n, sha256: "cc" } }, "STREAM_DIFFERS"],
  ["the stored message has another body", { lastMessage: { ingestedAt: 55n, sha256: "dd" } }, "STREAM_DIFFERS"],
  ["the stored message is gone", { lastMessage: null }, "STREAM_DIFFERS"],
  ["messages of the open plan are gone", { stream: { firstSeq: 12 }, lastMessage: null }, "STREAM_TRIMMED"],
  ["another decoder made the open plan", { decoderRev: 2 }, "DECODER_REVISION"],
] as const)("stops when %s", (_, change, code) => {
  expect(agree(change)).toMatchObject({ type: "halt", error: { code } });
});

test("another decoder goes on behind a stored plan", () => {
  expect(agree({ lastBatch: batch(11, 20), decoderRev: 2 })).toMatchObject({ type: "agreed", open: null });
});

test("what can be adopted names the command", () => {
  for (const change of [{ stream: { incarnation: "101" } }, { plan: null }, { stream: { lastSeq: 19 } }]) {
    const agreement = agree(change);
    expect(agreement.type === "halt" ? agreement.error.message : "").toContain("meterline shards adopt --shard 0");
  }
});

// Guarantee: a key restored from before a plan whose insert ended halfway does not lead to another plan of the same messages.
test.each([
  { plan: PLAN, lastBatch: batch(11, 20) },
  { plan: null, lastBatch: null },
])("stops over rows that no plan names: %o", (change) => {
  expect(agree({ ...change, holdsUnplanned: true })).toMatchObject({
    type: "halt",
    error: { code: "BATCH_UNFINISHED", message: expect.stringContaining("belong to no batch") as string },
  });
});

test("an adopted incarnation begins at its first message, whatever was stored of earlier ones", () => {
  const change = { adopted: "200", stream: { incarnation: "200", lastSeq: 5 }, lastBatch: batch(11, 20) };
  expect(agree({ ...change, plan: null })).toEqual({ type: "agreed", incarnation: "200", last: 0, open: null });
  const plan = { ...PLAN, incarnation: "200", first: 1, last: 5 };
  expect(agree({ ...change, plan })).toEqual({ type: "agreed", incarnation: "200", last: 0, open: plan });
  const lastBatch = batch(1, 5, "aa", "200");
  expect(agree({ ...change, plan, lastBatch })).toEqual({ type: "agreed", incarnation: "200", last: 5, open: null });
});

test("an adopted incarnation of which ClickHouse has lost the batches is not taken for a new one", () => {
  const plan = { ...PLAN, incarnation: "200" };
  const change = { adopted: "200", stream: { incarnation: "200" }, lastBatch: batch(1, 10), plan };
  expect(agree(change)).toMatchObject({ error: { code: "CLICKHOUSE_BEHIND" } });
});

test("an adoption that its stream has lost again, or that ClickHouse has batches after, stops", () => {
  const recreated = { error: { code: "STREAM_RECREATED" } };
  expect(agree({ adopted: "200", plan: null, lastBatch: null })).toMatchObject(recreated);
  const later = batch(1, 10, "aa", "300");
  expect(agree({ adopted: "200", plan: null, stream: { incarnation: "200" }, lastBatch: later })).toMatchObject(
    recreated,
  );
});

test("a stream that lost planned messages is named before a database that lost batches: nothing could fill it", () => {
  expect(agree({ lastBatch: null, lastMessage: null, stream: { lastSeq: 15 } })).toMatchObject({
    error: { code: "STREAM_SHORTER" },
  });
});
