import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fixedPointOf, fixedPointText } from "../../../src/kernel/fixed-point.ts";

const LIMITS = { integerDigits: 20, places: 18 };
const digits = (input: { minLength: number; maxLength: number }): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...Array.from("0000123456789")), ...input });
const written = fc.record({
  sign: fc.constantFrom("", "-"),
  integer: digits({ minLength: 1, maxLength: 30 }).map((text) => text.replace(/^0+(?=\d)/, "")),
  fraction: digits({ minLength: 0, maxLength: 30 }),
  exponent: fc.option(fc.integer({ min: -45, max: 45 }), { nil: undefined }),
});

describe("fixedPointOf", () => {
  // Guarantee: the quantity is the number as written, or the event says why not; digit for digit against rational arithmetic.
  it("equals the exact rational, or refuses with the right reason", () => {
    fc.assert(
      fc.property(written, ({ sign, integer, fraction, exponent }) => {
        const text = `${sign}${integer}${fraction === "" ? "" : `.${fraction}`}${exponent === undefined ? "" : `e${exponent}`}`;
        // value · 10^100 is whole for every text of this shape.
        const scaled = BigInt(`${integer}${fraction}`) * 10n ** BigInt(100 - fraction.length + (exponent ?? 0));
        const value = sign === "-" ? -scaled : scaled;
        const expected =
          scaled >= 10n ** 120n ? "out_of_range" : value % 10n ** 82n === 0n ? value / 10n ** 82n : "too_fine";
        expect(fixedPointOf(text, LIMITS)).toBe(expected);
      }),
      { numRuns: 5000 },
    );
  });

  it("reads its own plain notation back", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }), (scaled) => {
        expect(fixedPointOf(fixedPointText(scaled, 18), LIMITS)).toBe(scaled);
      }),
    );
  });
});
