import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { replayOfRow, replayOfSubject, replaySubject } from "../../../src/domain/quarantine.ts";
import { producerTokenOf } from "../../../src/domain/producer-token.ts";

const ORIGIN = { incarnation: 1_790_000_000_000_000_001n, seq: 17, position: 3 };
const SUBJECT = "quarantine.gw~2Feu.1790000000000000001.17.3.1790000000123456789";

describe("the subject of a replay", () => {
  it("names producer, row and first arrival", () => {
    const replay = { producerToken: "gw~2Feu", origin: ORIGIN, arrivedAt: 1_790_000_000_123_456_789n };
    expect(replaySubject(replay)).toBe(SUBJECT);
    expect(replayOfSubject(SUBJECT)).toEqual(replay);
  });

  it("is read back for any row and producer", () => {
    const row = fc.record({
      incarnation: fc.bigInt(1n, 2n ** 64n - 1n),
      seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      position: fc.integer({ min: 0, max: 9_999 }),
    });
    const source = fc.string({ minLength: 1, unit: "grapheme" });
    fc.assert(
      fc.property(row, source, fc.bigInt(1n, 2n ** 63n - 1n), (origin, from, arrivedAt) => {
        const replay = { producerToken: producerTokenOf(from), origin, arrivedAt };
        expect(replayOfSubject(replaySubject(replay))).toEqual(replay);
      }),
    );
  });

  it.each([
    "usage.gw",
    "quarantine.gw",
    "quarantine.gw.1.2.3",
    "quarantine.gw.1.2.3.4.5",
    "quarantine..1.2.3.4",
    "quarantine.gw.01.2.3.4",
    "quarantine.gw.1.0.3.4",
    "quarantine.gw.1.2.03.4",
    "quarantine.gw.1.2.3.-4",
    "quarantine.gw.1.2.3.0",
    "quarantine.gw.1.2.x.4",
    "usage.quarantine.gw.1.2.3.4",
  ])("is not %s", (subject) => {
    expect(replayOfSubject(subject)).toBeUndefined();
  });
});

describe("the replay of a row", () => {
  it("arrived when its message did, and belongs to the producer of its subject", () => {
    const replay = replayOfRow({ origin: ORIGIN, subject: "usage.gw~2Feu.acme.llm", ingestedAt: 5n });
    expect(replay).toEqual({ producerToken: "gw~2Feu", origin: ORIGIN, arrivedAt: 5n });
  });

  it("keeps producer and first arrival when the row is a replay itself", () => {
    const origin = { incarnation: 9n, seq: 40, position: 0 };
    const replay = replayOfRow({ origin, subject: SUBJECT, ingestedAt: 5n });
    expect(replay).toEqual({ producerToken: "gw~2Feu", origin, arrivedAt: 1_790_000_000_123_456_789n });
  });
});
