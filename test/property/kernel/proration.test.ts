/** Random divisions of random billing periods in zones with every kind of change. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ROUNDING_MODES, decimal, decimalText, roundTo, sumDecimals } from "../../../src/kernel/decimal.ts";
import { NS_PER_SECOND, type Instant } from "../../../src/kernel/instant.ts";
import { WINDOW_NS, billingPeriodContaining, type Period } from "../../../src/kernel/period.ts";
import { prorate, prorationShare, type ProrationShareInput } from "../../../src/kernel/proration.ts";

/** Half hours, changes at midnight, in both halves of the world, and none at all. */
const ZONES = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "America/Havana",
  "Australia/Lord_Howe",
  "Asia/Kathmandu",
  "America/Santiago",
  "Pacific/Chatham",
] as const;

type Divided = Omit<ProrationShareInput, "part"> & { readonly parts: readonly Period[] };

const divided: fc.Arbitrary<Divided> = fc
  .record({
    timeZone: fc.constantFrom(...ZONES),
    year: fc.integer({ min: 2015, max: 2030 }),
    month: fc.integer({ min: 1, max: 12 }),
    anchorDay: fc.integer({ min: 1, max: 31 }),
    unit: fc.constantFrom("day", "second"),
    cuts: fc.array(fc.integer({ min: 1, max: 31 * 96 - 1 }), { maxLength: 5 }),
  })
  .map(({ timeZone, year, month, anchorDay, unit, cuts }) => {
    const localMonth = `${String(year)}-${String(month).padStart(2, "0")}`;
    const billing = billingPeriodContaining({ timeZone, anchorDay, interval: "month", localMonth });
    const instants = cuts.map((cut) => billing.from + BigInt(cut) * WINDOW_NS).filter((cut) => cut < billing.to);
    const ends = [...new Set([billing.from, ...instants, billing.to])].sort((a, b) => (a < b ? -1 : 1));
    const parts = ends.slice(1).map((to, index) => ({ from: ends[index] ?? billing.from, to }));
    return { timeZone, unit, billing, parts };
  });

const amount = fc
  .tuple(fc.bigInt(-10_000_000n, 10_000_000n), fc.integer({ min: 0, max: 6 }))
  .map(([units, places]) => decimal(String(units)).div(10 ** places));

// Guarantee: whatever is charged by parts comes to the whole, to the last digit, in any order and any rounding.
test("the shares of any division add up to the amount", () => {
  fc.assert(
    fc.property(
      divided,
      amount,
      fc.constantFrom(...ROUNDING_MODES),
      fc.integer({ min: 0, max: 24 }),
      ({ parts, ...given }, whole, mode, places) => {
        const shares = parts.map((part) => prorationShare({ ...given, part }));
        const amounts = shares.map((share) => prorate({ amount: whole, share, places, mode }).amount);
        const expected = decimalText(roundTo(whole, places, mode));
        expect(decimalText(sumDecimals(amounts))).toBe(expected);
        expect(decimalText(sumDecimals(amounts.toReversed()))).toBe(expected);
      },
    ),
    { numRuns: 300 },
  );
});

test("a share is within one unit of rounding of the exact quotient", () => {
  fc.assert(
    fc.property(divided, amount, ({ parts: [part], ...given }, whole) => {
      if (part === undefined) return;
      const share = prorationShare({ ...given, part });
      const rounded = prorate({ amount: whole, share, places: 2, mode: "half_up" }).amount;
      const off = rounded.times(share.of).minus(whole.times(share.to - share.from));
      expect(off.abs().lte(decimal("0.01").times(share.of))).toBe(true);
    }),
  );
});

test("seconds are those that pass, whatever the clocks do", () => {
  fc.assert(
    fc.property(divided, ({ parts, ...given }) => {
      for (const part of parts) {
        const { from, to } = prorationShare({ ...given, part, unit: "second" });
        expect(BigInt(to - from)).toBe((part.to - part.from) / NS_PER_SECOND);
      }
    }),
  );
});

// Guarantee: counted by another calendar than the one that the code uses, quarter hour by quarter hour.
test("days are the local dates that begin in a part", () => {
  fc.assert(
    fc.property(divided, ({ parts, ...given }) => {
      const dateOf = new Intl.DateTimeFormat("en-CA", { timeZone: given.timeZone, dateStyle: "short" });
      const local = (instant: Instant): string => dateOf.format(Number(instant / 1_000_000n));
      for (const part of parts) {
        let begun = 0;
        for (let at = part.from; at < part.to; at += WINDOW_NS)
          if (at === given.billing.from || local(at) !== local(at - WINDOW_NS)) begun += 1;
        const { from, to } = prorationShare({ ...given, part, unit: "day" });
        expect(to - from).toBe(begun);
      }
    }),
    { numRuns: 30 },
  );
});
