import { describe, expect, it } from "vitest";
import type { DecodedEvent, UsageMessage, UsageRow } from "../../../src/domain/usage-event.ts";
import { decideVerdicts, eventKeysOf, type DecidedBatch } from "../../../src/metering/decide-batch.ts";
import { DEFAULT_EVENT_TIME_RANGE, createDecodeContext } from "../../../src/metering/decode-context.ts";
import { decodeMessage } from "../../../src/metering/decode-message.ts";
import { eventKeyOf, eventKeyPrefix } from "../../../src/metering/event-identity.ts";
import { compileMeteringCatalog } from "../../../src/metering/metering-catalog.ts";
import { catalogOf } from "../../support/catalog-of.ts";
import { eventOf, messageOf } from "../../support/usage-message-of.ts";

const CATALOG = compileMeteringCatalog(
  catalogOf({
    meters: [{ key: "tokens", eventType: "llm.completion", aggregation: "sum", value: "/data/outputTokens" }],
    customers: [{ key: "acme", aliases: ["acme-eu"] }],
  }),
);
const BATCH = { shard: 2, incarnation: 1_791_000_000_000_000_000n, batchFirst: 1, cut: 3 };

function decode(messages: readonly UsageMessage[]): DecodedEvent[] {
  const context = createDecodeContext({ catalog: CATALOG, timeRange: DEFAULT_EVENT_TIME_RANGE });
  return messages.flatMap((message) => decodeMessage(message, context));
}

function decide(
  messages: readonly UsageMessage[],
  known: ReadonlyMap<bigint, bigint> = new Map(),
): DecidedBatch<UsageRow> {
  const events = decode(messages);
  const amend = { catalog: CATALOG, catalogAt: () => CATALOG, timeRange: DEFAULT_EVENT_TIME_RANGE };
  return decideVerdicts({ events, known, targets: new Map(), amend, batch: BATCH });
}

const verdicts = (batch: DecidedBatch): string[] => batch.rows.map(({ verdict }) => verdict);

describe("decideVerdicts", () => {
  it("accepts the first of an identity, in the order of sequence and position", () => {
    const batch = decide([
      messageOf([eventOf(), eventOf({ id: "e2" }), eventOf()], { seq: 1 }),
      messageOf(eventOf({ id: "e2", data: { outputTokens: 45 } }), { seq: 2 }),
      messageOf(eventOf({ id: "e3" }), { seq: 3 }),
    ]);
    expect(batch.rows.map(({ seq, position, verdict }) => [seq, position, verdict])).toEqual([
      [1, 0, "accepted"],
      [1, 1, "accepted"],
      [1, 2, "duplicate"],
      [2, 0, "conflict"],
      [3, 0, "accepted"],
    ]);
    expect(batch.counts).toEqual({ accepted: 3, duplicate: 1, conflict: 1, rejected: 0 });
    expect([...batch.accepted.keys()]).toEqual(["e1", "e2", "e3"].map((id) => eventKeyOf(eventKeyPrefix("gw"), id)));
  });

  it("lets an identity of an earlier batch win", () => {
    const messages = [messageOf(eventOf())];
    const [key] = eventKeysOf(decode(messages));
    const [row] = decide(messages).rows;
    if (key === undefined || row === undefined) throw new Error("the event has no identity");
    expect(verdicts(decide(messages, new Map([[key, row.bodyHash]])))).toEqual(["duplicate"]);
    expect(verdicts(decide(messages, new Map([[key, row.bodyHash + 1n]])))).toEqual(["conflict"]);
    expect(decide(messages, new Map([[key, row.bodyHash]])).accepted.size).toBe(0);
  });

  // Guarantee: a retry is a duplicate whatever its timestamp, its extensions, its spelling and the customer's alias are.
  it.each([
    ["another time", eventOf({ time: "2026-10-01T00:00:00Z" })],
    ["no time", eventOf({ time: undefined })],
    ["an extension", eventOf({ traceparent: "00-abc" })],
    ["an alias of the customer", eventOf({ subject: "acme-eu" })],
    ["members in another order", eventOf({ data: { outputTokens: 44, model: "small-1" } })],
  ])("takes %s for a duplicate", (_, retry) => {
    expect(verdicts(decide([messageOf(eventOf()), messageOf(retry, { seq: 2 })]))).toEqual(["accepted", "duplicate"]);
  });

  it.each([
    ["another type", eventOf({ type: "other" })],
    ["other data", eventOf({ data: { model: "small-1", outputTokens: 45 } })],
    ["a number written otherwise", JSON.stringify(eventOf()).replace("44", "44.0")],
    ["a decimal string for a number", eventOf({ data: { model: "small-1", outputTokens: "44" } })],
  ])("takes %s for a conflict", (_, other) => {
    expect(verdicts(decide([messageOf(eventOf()), messageOf(other, { seq: 2 })]))).toEqual(["accepted", "conflict"]);
  });

  // Guarantee: a rejected event owns no identity, so the repaired one counts.
  it("rejects an unusable event whatever its identity, before and after the good one", () => {
    const bad = eventOf({ data: {} });
    const batch = decide([messageOf(bad, { seq: 1 }), messageOf(eventOf(), { seq: 2 }), messageOf(bad, { seq: 3 })]);
    expect(verdicts(batch)).toEqual(["rejected", "accepted", "rejected"]);
  });

  it("gives usage to accepted events only, and every row its batch", () => {
    const batch = decide([messageOf([eventOf(), eventOf()])]);
    expect(batch.rows.map(({ uses }) => uses.length)).toEqual([1, 0]);
    expect(batch.rows[0]).toMatchObject(BATCH);
  });

  it("decides the same again", () => {
    const messages = [messageOf([eventOf(), eventOf(), null]), messageOf("[", { seq: 2 })];
    expect(decide(messages)).toEqual(decide(messages));
  });
});

describe("event identity", () => {
  // Guarantee: two different (source, id) never share the text that is hashed.
  it("keeps source and id apart", () => {
    expect(eventKeyOf(eventKeyPrefix("a"), "bc")).not.toBe(eventKeyOf(eventKeyPrefix("ab"), "c"));
    expect(eventKeyPrefix("é")).toBe("2:é");
  });

  it("takes absent data for null", () => {
    const [absent, nothing] = decode([undefined, null].map((data) => messageOf(eventOf({ type: "unmetered", data }))));
    expect(absent?.bodyHash).toBe(nothing?.bodyHash);
    expect(absent?.bodyHash).not.toBe(0n);
  });

  it("agrees with digests computed elsewhere", () => {
    // printf '2:gwe1' | sha256sum gives 572c4b0eb7b278647961d9c8aa2f5c2d…; its first 16 bytes are read little endian.
    expect(eventKeyOf(eventKeyPrefix("gw"), "e1")).toBe(0x2d5c2faac8d961796478b2b70e4b2c57n);
  });
});
