/** Free units over any sequence of periods, against a reference that moves single units. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { FreeUnitsGrant } from "../../../src/domain/rated-line.ts";
import { Decimal, decimal, decimalText, minDecimal, sumDecimals } from "../../../src/kernel/decimal.ts";
import { freeUnitsOf, leftOver, leftOverStep, type FreeUnits } from "../../../src/rating/rollover.ts";

const PERIODS_MAX = 11;
const period = fc.record({
  granted: fc.integer({ min: 0, max: 20 }),
  periods: fc.integer({ min: 1, max: 4 }),
  limit: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }),
  usage: fc.integer({ min: 0, max: 40 }),
});
const sequence = fc.array(period, { minLength: 1, maxLength: PERIODS_MAX });

type Period = {
  readonly granted: number;
  readonly periods: number;
  readonly limit: number | undefined;
  readonly usage: number;
};
type Played = { readonly used: number; readonly left: number; readonly lapsed: number };

function played(periods: readonly Period[]): readonly Played[] {
  let rolledIn: readonly FreeUnitsGrant[] = [];
  return periods.map(({ granted, periods: lasting, limit, usage }, index) => {
    const rollover = { periods: lasting, ...(limit !== undefined && { limit: String(limit) }) };
    const units: FreeUnits = { rollover, own: { granted: dateOf(index), quantity: String(granted) }, rolledIn };
    const used = minDecimal(freeUnitsOf(units), new Decimal(usage));
    rolledIn = leftOver(units, used);
    const { lapsed } = leftOverStep(units, used) as { readonly lapsed: string };
    return { used: Number(decimalText(used)), left: Number(decimalText(sumOf(rolledIn))), lapsed: Number(lapsed) };
  });
}

/** Each unit is the number of the last period in which it may be used. */
function reference(periods: readonly Period[]): readonly Played[] {
  let kept: readonly number[] = [];
  return periods.map(({ granted, periods: lasting, limit = Infinity, usage }, index) => {
    const free = [...kept, ...Array.from({ length: granted }, () => index + lasting)].sort((a, b) => a - b);
    const unused = free.slice(usage);
    const lasts = unused.filter((until) => until > index);
    kept = lasts.slice(Math.max(lasts.length - limit, 0));
    return { used: free.length - unused.length, left: kept.length, lapsed: unused.length - kept.length };
  });
}

// Guarantee: units are used, left over or lapse as if each were a token with its own last period.
test("free units are moved like single tokens", () => {
  fc.assert(
    fc.property(sequence, (periods) => {
      expect(played(periods)).toEqual(reference(periods));
    }),
  );
});

// Guarantee: nothing is made and nothing is lost: what was granted is used, left or lapsed, after every period.
test("granted is used and left and lapsed", () => {
  fc.assert(
    fc.property(sequence, (periods) => {
      const results = played(periods);
      results.forEach(({ left }, index) => {
        const until = index + 1;
        const granted = sum(periods.slice(0, until).map((each) => each.granted));
        const gone = sum(results.slice(0, until).map(({ used, lapsed }) => used + lapsed));
        expect(gone + left).toBe(granted);
      });
    }),
  );
});

// Guarantee: in one period it makes no difference in which order grants are told.
test("the order of what was rolled in makes no difference", () => {
  const grants = fc.uniqueArray(
    fc.record({
      granted: fc.integer({ min: 0, max: PERIODS_MAX - 1 }).map(dateOf),
      quantity: fc.integer({ min: 1, max: 20 }).map(String),
      periods: fc.integer({ min: 0, max: 3 }),
    }),
    { selector: ({ granted }) => granted, maxLength: 6 },
  );
  const shuffled = grants.chain((told) =>
    fc.tuple(fc.constant(told), fc.shuffledSubarray(told, { minLength: told.length })),
  );
  fc.assert(
    fc.property(shuffled, fc.nat(60), ([told, other], usage) => {
      const units = { rollover: { periods: 2, limit: "15" }, own: { granted: dateOf(PERIODS_MAX), quantity: "5" } };
      const leftOf = (rolledIn: readonly FreeUnitsGrant[]) => {
        const all = { ...units, rolledIn };
        return leftOver(all, minDecimal(freeUnitsOf(all), new Decimal(usage)));
      };
      expect(leftOf(other)).toEqual(leftOf(told));
    }),
  );
});

function dateOf(index: number): string {
  return `2026-${String(index + 1).padStart(2, "0")}-01`;
}

function sumOf(grants: readonly FreeUnitsGrant[]): Decimal {
  return sumDecimals(grants.map(({ quantity }) => decimal(quantity)));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
