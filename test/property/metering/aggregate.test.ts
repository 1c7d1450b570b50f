import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AGGREGATIONS } from "../../../src/domain/meter.ts";
import { decimal, decimalText, sumDecimals } from "../../../src/kernel/decimal.ts";
import { NS_PER_HOUR } from "../../../src/kernel/instant.ts";
import { aggregate, type AggregatedEvent } from "../../../src/metering/aggregate.ts";
import { CARRIED_MEASURES, measureFor } from "../../support/measure-for.ts";

const period = { from: 0n, to: 24n * NS_PER_HOUR };
const values = fc
  .tuple(fc.integer({ min: -500, max: 500 }), fc.integer({ min: 0, max: 999 }))
  .map(([whole, fraction]) => `${whole}.${String(fraction).padStart(3, "0")}`);
const times = fc.bigInt({ min: -NS_PER_HOUR, max: 25n * NS_PER_HOUR });
const event = fc.record({
  time: times,
  value: values,
  source: fc.constantFrom("a", "b", "\u{1F600}", "\uFF5E"),
  id: fc.uuid(),
});
const events: fc.Arbitrary<AggregatedEvent[]> = fc.uniqueArray(event, { selector: ({ id }) => id, maxLength: 20 });

it.each(AGGREGATIONS)("the order of the events changes nothing in %s", (aggregation) => {
  const shuffled = events.chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
  );
  fc.assert(
    fc.property(shuffled, ([list, other]) => {
      expect(decimalText(aggregate({ ...measureFor(aggregation), period, events: other }))).toBe(
        decimalText(aggregate({ ...measureFor(aggregation), period, events: list })),
      );
    }),
  );
});

it.each(AGGREGATIONS)("events outside of the period change nothing in %s", (aggregation) => {
  fc.assert(
    fc.property(events, (list) => {
      const inside = list.filter(({ time }) => time >= period.from && time < period.to);
      expect(decimalText(aggregate({ ...measureFor(aggregation), period, events: list }))).toBe(
        decimalText(aggregate({ ...measureFor(aggregation), period, events: inside })),
      );
    }),
  );
});

it.each(CARRIED_MEASURES)(
  "$name counts no event from the period's end on, and in any order the same",
  ({ name: _, ...measure }) => {
    fc.assert(
      fc.property(events, (list) => {
        const known = list.filter(({ time }) => time < period.to);
        expect(decimalText(aggregate({ ...measure, period, events: list.toReversed() }))).toBe(
          decimalText(aggregate({ ...measure, period, events: known })),
        );
      }),
    );
  },
);

const begins = fc.bigInt({ min: 1n, max: 23n * NS_PER_HOUR });

// Two ways to the same: what was there at the period's beginning is carried in as a number, or follows from the events.
it.each(["sum", "time_weighted_sum"] as const)(
  "a recurring %s begins with the sum of all earlier values",
  (aggregation) => {
    fc.assert(
      fc.property(events, begins, (list, from) => {
        const later = { from, to: period.to };
        const carriedIn = sumDecimals(list.filter(({ time }) => time < from).map(({ value = "0" }) => decimal(value)));
        expect(decimalText(aggregate({ aggregation, recurring: true, period: later, events: list }))).toBe(
          decimalText(aggregate({ aggregation, period: later, events: list, carriedIn })),
        );
      }),
    );
  },
);

it("unique_count over ever counts each value in one of consecutive periods, the one in which it appears first", () => {
  const few = fc.array(fc.record({ time: times, value: fc.constantFrom("a", "b", "c", "d") }), { maxLength: 12 });
  fc.assert(
    fc.property(few, begins, (list, split) => {
      const bounds = [-NS_PER_HOUR, split, 26n * NS_PER_HOUR] as const;
      const counted = [0, 1].map((index) => {
        const own = { from: bounds[index] ?? 0n, to: bounds[index + 1] ?? 0n };
        return aggregate({ aggregation: "unique_count", uniqueOver: "ever", period: own, events: list }).toNumber();
      });
      const first = new Map<string, bigint>();
      for (const { time, value } of list)
        first.set(value, time < (first.get(value) ?? time) ? time : (first.get(value) ?? time));
      const appeared = [...first.values()];
      expect(counted).toEqual([
        appeared.filter((time) => time < split).length,
        appeared.filter((time) => time >= split).length,
      ]);
      const ever = { from: split, to: bounds[2] };
      expect(aggregate({ aggregation: "unique_count", recurring: true, period: ever, events: list }).toNumber()).toBe(
        first.size,
      );
    }),
  );
});

// An independent way to the same quantity: walking along the level instead of weighting each change.
it("time_weighted_sum is the area under the level", () => {
  fc.assert(
    fc.property(events, fc.integer({ min: -5, max: 5 }), (list, level) => {
      const carriedIn = decimal(String(level));
      let area = decimal("0");
      let current = carriedIn;
      let at = period.from;
      const inside = list.filter(({ time }) => time >= period.from && time < period.to);
      for (const { time, value = "0" } of inside.toSorted((a, b) => Number(a.time - b.time))) {
        area = area.plus(current.times(decimal(String(time - at))));
        current = current.plus(decimal(value));
        at = time;
      }
      area = area.plus(current.times(decimal(String(period.to - at))));
      const mean = area.div(decimal(String(period.to - period.from)));
      const quantity = aggregate({ aggregation: "time_weighted_sum", period, events: list, carriedIn });
      expect(decimalText(quantity)).toBe(decimalText(mean.toDecimalPlaces(18)));
    }),
  );
});

describe("latest at one instant", () => {
  const at = (source: string, id: string, value: string): AggregatedEvent => ({ time: 1n, source, id, value });

  it("goes by source, then id, in the order of UTF-8 bytes", () => {
    const latest = (...list: AggregatedEvent[]) =>
      decimalText(aggregate({ aggregation: "latest", period, events: list }));
    expect(latest(at("b", "1", "1"), at("a", "9", "2"))).toBe("1");
    expect(latest(at("a", "10", "1"), at("a", "9", "2"))).toBe("2");
    // UTF-16 would put the emoji first: its first unit is below U+FF5E.
    expect(latest(at("\u{1F600}", "1", "1"), at("\uFF5E", "1", "2"))).toBe("1");
  });
});

it("says what cannot be aggregated", () => {
  const one = [{ time: 1n }];
  expect(() => aggregate({ aggregation: "sum", period, events: one })).toThrow(/an event has no value/);
  expect(() => aggregate({ aggregation: "sum", period, events: [{ time: 1n, value: "x" }] })).toThrow(
    /"x" is not a decimal/,
  );
  expect(() => aggregate({ aggregation: "unique_count", period, events: [], carriedIn: decimal("1") })).toThrow(
    /carriedIn is given for unique_count/,
  );
  expect(decimalText(aggregate({ aggregation: "count", period, events: one }))).toBe("1");
});
