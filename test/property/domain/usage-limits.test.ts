/** Hours of the week against a naive reference that walks every window of a period and asks the runtime's calendar what its local time is. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { uncovered, weekOf, WEEKDAYS, type HoursSpan, type PriceHours } from "../../../src/domain/price-hours.ts";
import { canBothFit, fits, type DimensionCondition } from "../../../src/domain/price-where.ts";
import { filterOf, type UsageLimits } from "../../../src/domain/usage-limits.ts";
import { present } from "../../../src/kernel/assert.ts";
import { instantOf, instantText } from "../../../src/kernel/instant.ts";
import { WINDOW_NS, type Period } from "../../../src/kernel/period.ts";

/** With a change of the offset by an hour, by half an hour, one of 45 minutes all year, and one that skipped a whole day. */
const ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "UTC"];
const DAYS_OF_CHANGES = [
  "2026-03-29",
  "2026-10-25",
  "2026-03-08",
  "2026-11-01",
  "2026-04-05",
  "2026-10-04",
  "2011-12-30",
];

const quarter = fc.integer({ min: 0, max: 95 });
const clockText = (quarters: number): string =>
  `${String(Math.floor(quarters / 4)).padStart(2, "0")}:${String((quarters % 4) * 15).padStart(2, "0")}`;
const span: fc.Arbitrary<HoursSpan> = fc
  .tuple(fc.subarray([...WEEKDAYS], { minLength: 1 }), quarter, fc.integer({ min: 1, max: 95 }))
  .map(([days, from, length]) => ({ days, from: clockText(from), to: clockText((from + length) % 96) }));
const spans = fc.array(span, { minLength: 1, maxLength: 4 });
const place = fc.record({
  timeZone: fc.constantFrom(...ZONES),
  period: fc
    .tuple(fc.constantFrom(...DAYS_OF_CHANGES), fc.integer({ min: -96, max: 96 }), fc.integer({ min: 1, max: 300 }))
    .map(([day, before, windows]): Period => {
      const from = instantOf(`${day}T00:00:00Z`, "day") + BigInt(before) * WINDOW_NS;
      return { from, to: from + BigInt(windows) * WINDOW_NS };
    }),
});

/** As a person would read the rule on a clock: the day that the span begins on, and the times as texts. */
function naive(list: readonly HoursSpan[], local: { readonly day: number; readonly time: string }): boolean {
  const began = (days: readonly string[], day: number) => days.includes(present(WEEKDAYS[(day + 7) % 7], "a weekday"));
  return list.some(({ days, from, to }) =>
    from < to
      ? began(days, local.day) && local.time >= from && local.time < to
      : (began(days, local.day) && local.time >= from) || (began(days, local.day - 1) && local.time < to),
  );
}

function localOf(instant: bigint, timeZone: string): { readonly day: number; readonly time: string } {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(new Date(Number(instant / 1_000_000n)));
  const part = (type: string): string => present(parts.find((found) => found.type === type)?.value, type);
  return {
    day: (WEEKDAYS as readonly string[]).indexOf(part("weekday").toLowerCase()),
    time: `${part("hour")}:${part("minute")}`,
  };
}

/** What the SQL functions do. */
function charges({ week = [], clock = [] }: UsageLimits, instant: bigint): boolean {
  const at = Number(instant / 1_000_000_000n);
  const offset = present(
    clock.findLast(([since]) => since <= at),
    "an offset",
  )[1];
  const minute = (Math.floor((at + offset) / 60) + 3 * 1_440) % 10_080;
  return week.some(([from, to]) => from <= minute && minute < to);
}

const limitsOf = (when: PriceHours, { period, timeZone }: { period: Period; timeZone: string }): UsageLimits =>
  present(filterOf({ price: { where: {}, when }, period, timeZone }).limits, "limits");

// Guarantee: every window is charged as its wall time says, also in the nights in which clocks change, and by exactly one of a rule and its opposite.
test("a window is charged as its local time says", () => {
  fc.assert(
    fc.property(spans, place, (list, where) => {
      const inside = limitsOf({ in: list }, where);
      const outside = limitsOf({ not: list }, where);
      for (let at = where.period.from; at < where.period.to; at += WINDOW_NS) {
        const local = localOf(at, where.timeZone);
        expect(charges(inside, at), `${instantText(at)} is ${JSON.stringify(local)}`).toBe(naive(list, local));
        expect(charges(outside, at)).toBe(!naive(list, local));
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);

test("what is covered and what is not are the whole week, once", () => {
  fc.assert(
    fc.property(spans, (list) => {
      const week = weekOf({ in: list });
      const pieces = [...week, ...uncovered(week)].toSorted(([a], [b]) => a - b);
      expect(pieces[0]?.[0]).toBe(0);
      expect(pieces.at(-1)?.[1]).toBe(10_080);
      for (const [index, [, to]] of pieces.slice(0, -1).entries()) expect(pieces[index + 1]?.[0]).toBe(to);
    }),
  );
});

const VALUES = ["a", "b", "c", ""];
const someValues = fc.subarray(VALUES, { minLength: 1 });
const condition: fc.Arbitrary<DimensionCondition> = fc.oneof(
  fc.constantFrom(...VALUES),
  someValues.map((values) => ({ in: values })),
  someValues.map((values) => ({ not: values })),
);
const where = fc.dictionary(fc.constantFrom("x", "y"), condition);

// Guarantee: two prices are called overlapping exactly when some usage fits both; "else" stands for every value that no condition names.
test("conditions meet exactly when some usage fits both", () => {
  const all = [...VALUES, "else"].flatMap((x) => [...VALUES, "else"].map((y) => ({ x, y })));
  fc.assert(
    fc.property(where, where, (a, b) => {
      expect(canBothFit(a, b)).toBe(all.some((dimensions) => fits(a, dimensions) && fits(b, dimensions)));
    }),
  );
});
