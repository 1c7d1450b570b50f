import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SentMessages } from "../../../src/stream/sent-messages.ts";

type Step = { readonly add: true } | { readonly delete: number };

const STEPS = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constant<Step>({ add: true }) },
    { weight: 2, arbitrary: fc.nat({ max: 1_500 }).map<Step>((number) => ({ delete: number })) },
  ),
  { maxLength: 2_000, size: "max" },
);

describe("SentMessages", () => {
  // Guarantee: it is a Map whose keys count up, whatever is deleted, twice or never there.
  test("keeps what a Map would keep, in the order of the numbers", () => {
    fc.assert(
      fc.property(STEPS, (steps) => {
        const sent = new SentMessages<string>();
        const plain = new Map<number, string>();
        let next = 0;
        for (const step of steps) {
          if ("add" in step) {
            expect(sent.add(`message ${next}`)).toBe(next);
            plain.set(next, `message ${next}`);
            next += 1;
          } else {
            sent.delete(step.delete);
            plain.delete(step.delete);
          }
          expect(sent.size).toBe(plain.size);
        }
        expect([...sent.entries()]).toEqual([...plain.entries()]);
        for (let number = 0; number <= next; number += 1) expect(sent.get(number)).toBe(plain.get(number));
      }),
      { numRuns: 30 },
    );
  });

  // Guarantee: a message that is stuck is found again after any number of others, and holds none of them.
  test("keeps one that is stuck while a hundred thousand others pass", () => {
    const sent = new SentMessages<number>();
    const stuck = sent.add(-1);
    for (let passed = 1; passed <= 100_000; passed += 1) sent.delete(sent.add(passed));
    expect(sent.size).toBe(1);
    expect([...sent.entries()]).toEqual([[stuck, -1]]);
    expect(sent.get(100_000)).toBeUndefined();
  });

  // Guarantee: a look over what is under way may settle any of it, also what it has not come to yet.
  test("leaves out what is deleted during a walk", () => {
    const sent = new SentMessages<number>();
    for (let number = 0; number < 600; number += 1) sent.add(number);
    const met: number[] = [];
    for (const [number] of sent.entries()) {
      met.push(number);
      for (let other = number; other < number + 300; other += 1) sent.delete(other);
    }
    expect(met).toEqual([0, 300]);
    expect(sent.size).toBe(0);
  });

  test("gives no number twice, and knows none that it did not give", () => {
    const sent = new SentMessages<string>();
    sent.add("first");
    sent.clear();
    expect(sent.size).toBe(0);
    expect(sent.add("second")).toBe(1);
    for (const number of [0, 2, -1, 0.5, Number.NaN]) expect(sent.get(number)).toBeUndefined();
  });
});
