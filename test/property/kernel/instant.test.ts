import fc from "fast-check";
import { expect, it } from "vitest";
import { NS_PER_MILLISECOND, instantText, parseInstant } from "../../../src/kernel/instant.ts";

const MIN_NS = -62_167_219_200_000_000_000n;
const MAX_NS = 253_402_300_799_999_999_999n;
const instants = fc.bigInt({ min: MIN_NS, max: MAX_NS });

// Guarantee: no instant changes by being written and read, to the nanosecond.
it("reads what it writes", () => {
  fc.assert(
    fc.property(instants, (instant) => {
      expect(parseInstant(instantText(instant))).toBe(instant);
    }),
    { numRuns: 2_000 },
  );
});

it("agrees with the platform's calendar to the millisecond", () => {
  fc.assert(
    fc.property(
      fc.date({
        min: new Date("0000-01-01T00:00:00Z"),
        max: new Date("9999-12-31T23:59:59.999Z"),
        noInvalidDate: true,
      }),
      (date) => {
        const expected = BigInt(date.getTime()) * NS_PER_MILLISECOND;
        expect(parseInstant(date.toISOString())).toBe(expected);
        expect(new Date(instantText(expected)).getTime()).toBe(date.getTime());
      },
    ),
    { numRuns: 2_000 },
  );
});

it("an offset moves the instant and nothing else", () => {
  const offsetMinutes = fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 });
  fc.assert(
    fc.property(fc.integer({ min: -1e12, max: 4e12 }), offsetMinutes, (milliseconds, minutes) => {
      const local = new Date(milliseconds + minutes * 60_000).toISOString().slice(0, -1);
      const size = Math.abs(minutes);
      const offset = `${minutes < 0 ? "-" : "+"}${String(Math.floor(size / 60)).padStart(2, "0")}:${String(size % 60).padStart(2, "0")}`;
      expect(parseInstant(local + offset)).toBe(BigInt(milliseconds) * NS_PER_MILLISECOND);
    }),
  );
});
