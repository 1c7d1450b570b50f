import { describe, expect, test } from "vitest";
import type { AckSubject } from "../../../src/stream/delivered-message.ts";
import { PendingAcks } from "../../../src/stream/pending-acks.ts";

const ofPull = (name: string): AckSubject => {
  return (seq, consumerSeq) => `${name}.${seq}.${consumerSeq}`;
};
const FIRST = ofPull("first");

function pendingOf(deliveries: readonly (readonly [seq: number, consumerSeq: number, ackSubject?: AckSubject])[]) {
  const pending = new PendingAcks();
  for (const [seq, consumerSeq, ackSubject = FIRST] of deliveries) pending.add({ seq, consumerSeq, ackSubject });
  return pending;
}

describe("what waits for its acknowledgement", () => {
  test("is acknowledged by the newest one up to the sequence, with the consumer's number for that", () => {
    const pending = pendingOf([
      [11, 1],
      [12, 2],
      [13, 3],
    ]);
    expect(pending.take(12)).toBe("first.12.2");
    expect(pending.newest).toBe(13);
    expect(pending.take(12)).toBeNull();
    expect(pending.take(99)).toBe("first.13.3");
    expect(pending.newest).toBe(0);
  });

  test("keeps apart what was delivered again, what was left out, and what another pull brought", () => {
    const deliveries = [
      [1, 1],
      [2, 5],
      [3, 6],
      [7, 10],
      [8, 11, ofPull("second")],
    ] as const;
    expect(pendingOf(deliveries).take(1)).toBe("first.1.1");
    expect(pendingOf(deliveries).take(3)).toBe("first.3.6");
    expect(pendingOf(deliveries).take(6)).toBe("first.3.6");
    expect(pendingOf(deliveries).take(7)).toBe("first.7.10");
    expect(pendingOf(deliveries).take(8)).toBe("second.8.11");
  });

  test("nothing below the sequence: nothing is acknowledged", () => {
    expect(pendingOf([[5, 5]]).take(4)).toBeNull();
    expect(new PendingAcks().take(4)).toBeNull();
  });
});
