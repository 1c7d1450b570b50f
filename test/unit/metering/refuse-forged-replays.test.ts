import { describe, expect, it } from "vitest";
import { replaySubject, type QuarantinedRow } from "../../../src/domain/quarantine.ts";
import type { DecodedEvent, UsageMessage } from "../../../src/domain/usage-event.ts";
import { sha256Hex } from "../../../src/kernel/hash.ts";
import { NS_PER_DAY } from "../../../src/kernel/instant.ts";
import { DEFAULT_EVENT_TIME_RANGE, createDecodeContext } from "../../../src/metering/decode-context.ts";
import { decodeMessage } from "../../../src/metering/decode-message.ts";
import { compileMeteringCatalog } from "../../../src/metering/metering-catalog.ts";
import { originsOf, refuseForgedReplays } from "../../../src/metering/refuse-forged-replays.ts";
import { catalogOf } from "../../support/catalog-of.ts";
import { ARRIVAL, eventOf, messageOf } from "../../support/usage-message-of.ts";

const CATALOG = compileMeteringCatalog(catalogOf({ customers: [{ key: "acme" }] }));
const FIRST_ARRIVAL = ARRIVAL - 2000n * NS_PER_DAY;
const ORIGIN = { incarnation: 7n, seq: 3, position: 1 };
const UNTIMED = eventOf({ time: undefined });
const REPLAY = { producerToken: "gw", origin: ORIGIN, arrivedAt: FIRST_ARRIVAL };

function rowOf(message: UsageMessage, members: Partial<QuarantinedRow> = {}): QuarantinedRow {
  const rawSha256 = sha256Hex(message.body);
  return { origin: ORIGIN, subject: "usage.gw.x", ingestedAt: FIRST_ARRIVAL, rawSha256, ...members };
}

function decide(messages: readonly UsageMessage[], rows: readonly QuarantinedRow[]): readonly DecodedEvent[] {
  const context = createDecodeContext({ catalog: CATALOG, timeRange: DEFAULT_EVENT_TIME_RANGE });
  const events = messages.flatMap((message) => decodeMessage(message, context));
  return refuseForgedReplays({ messages, events, rows });
}

const replayed = messageOf(UNTIMED, { seq: 9, subject: replaySubject(REPLAY) });

describe("a replay", () => {
  // Guarantee: an event without a time is usage of the moment at which it first arrived, however much later it is replayed.
  it("is decided by its first arrival, and stored as the message that it came in", () => {
    const [event] = decide([replayed], [rowOf(replayed)]);
    expect(event).toMatchObject({
      rejected: false,
      eventTime: FIRST_ARRIVAL,
      ingestedAt: ARRIVAL,
      seq: 9,
      position: 0,
    });
  });

  it("may have a time that would be too old for one that arrives now", () => {
    const old = eventOf({ time: "2018-06-01T00:00:00Z" });
    const message = messageOf(old, { subject: replaySubject(REPLAY) });
    expect(decide([message], [rowOf(message)])[0]).toMatchObject({ rejected: false });
    expect(decide([messageOf(old)], [])[0]).toMatchObject({ reason: "time_too_old" });
  });

  it("asks for the rows that the messages name, each once", () => {
    expect(originsOf([messageOf(UNTIMED), replayed, replayed, messageOf("", { subject: "quarantine.gw.x" })])).toEqual([
      ORIGIN,
    ]);
  });
});

describe("a forged replay", () => {
  const forged: readonly (readonly [string, UsageMessage, readonly QuarantinedRow[]])[] = [
    ["of no rejected row", replayed, []],
    ["of another row", replayed, [rowOf(replayed, { origin: { ...ORIGIN, position: 2 } })]],
    ["with other bytes", replayed, [rowOf(replayed, { rawSha256: sha256Hex("other") })]],
    ["with another arrival", replayed, [rowOf(replayed, { ingestedAt: FIRST_ARRIVAL + 1n })]],
    ["of another producer", replayed, [rowOf(replayed, { subject: "usage.other" })]],
    ["without a place", messageOf(UNTIMED, { subject: "quarantine.gw" }), []],
  ];
  it.each(forged)("%s is one rejected row with its bytes", (_what, message, rows) => {
    const events = decide([messageOf(eventOf(), { seq: 8 }), message], rows);
    expect(events.map(({ reason }) => reason)).toEqual(["unmetered", "replay_invalid"]);
    expect(events[1]).toMatchObject({ raw: message.body, seq: message.seq, eventKey: 0n, eventTime: ARRIVAL });
  });

  it("of many events is one row as well", () => {
    const message = messageOf([eventOf({ id: "a" }), eventOf({ id: "b" })], { subject: replaySubject(REPLAY) });
    expect(decide([message], []).map(({ position, reason }) => [position, reason])).toEqual([[0, "replay_invalid"]]);
  });
});
