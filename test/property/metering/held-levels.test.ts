/** Levels that are held over hours and days without events, against a walk from each of them back to the last one that has some, on the clock of Intl. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BUCKETS, type Bucket } from "../../../src/domain/meter.ts";
import { decimalText } from "../../../src/kernel/decimal.ts";
import { NS_PER_MILLISECOND, NS_PER_SECOND, instantOf, instantText } from "../../../src/kernel/instant.ts";
import { WINDOW_NS, type Period } from "../../../src/kernel/period.ts";
import { aggregate } from "../../../src/metering/aggregate.ts";

/** Twelve days each, around a change of the clocks, a date that was left out, and one without anything. */
const STRETCHES = [
  ["Europe/Berlin", "2026-10-20T00:00:00Z"],
  ["Europe/Berlin", "2026-03-24T00:00:00Z"],
  ["America/St_Johns", "2026-10-26T00:00:00Z"],
  ["Australia/Lord_Howe", "2026-10-01T00:00:00Z"],
  ["America/Santiago", "2026-03-30T00:00:00Z"],
  ["Pacific/Apia", "2011-12-25T00:00:00Z"],
  ["Asia/Kathmandu", "2026-10-01T00:00:00Z"],
] as const;
const WINDOWS = 12 * 96;

type Stated = { readonly time: bigint; readonly value: number };
type Walk = { readonly bucketOf: (instant: bigint) => string; readonly period: Period; readonly holdFor: number };

/** What the clock shows: the date, and for hours the hour with its offset. */
function clock(timeZone: string, bucket: Bucket): (instant: bigint) => string {
  const format = new Intl.DateTimeFormat("en-CA", {
    ...{ timeZone, year: "numeric", month: "2-digit", day: "2-digit" },
    ...(bucket === "hour" && { hour: "2-digit", hourCycle: "h23" as const, timeZoneName: "longOffset" as const }),
  });
  const shown = new Map<bigint, string>();
  return (instant) => {
    const window = instant / WINDOW_NS;
    const name = shown.get(window) ?? format.format(Number((window * WINDOW_NS) / NS_PER_MILLISECOND));
    shown.set(window, name);
    return name;
  };
}

function naive(events: readonly Stated[], { bucketOf, period, holdFor }: Walk): number {
  const buckets: string[] = [];
  for (let at = period.from; at < period.to; at += WINDOW_NS)
    if (buckets.at(-1) !== bucketOf(at)) buckets.push(bucketOf(at));
  const inside = events.filter(({ time }) => period.from <= time && time < period.to);
  const statedIn = buckets.map((bucket) =>
    inside.filter(({ time }) => bucketOf(time) === bucket).reduce<Stated | undefined>(laterOf, undefined),
  );
  let total = 0;
  for (const here of buckets.keys()) {
    let back = 0;
    while (back < holdFor && here - back > 0 && statedIn[here - back] === undefined) back += 1;
    total += statedIn[here - back]?.value ?? 0;
  }
  return total;
}

function laterOf(known: Stated | undefined, next: Stated): Stated {
  return known === undefined || next.time > known.time ? next : known;
}

describe.each(STRETCHES)("%s from %s on", (timeZone, start) => {
  const from = instantOf(start, "start");
  const usage = fc.uniqueArray(
    fc.record({
      second: fc.integer({ min: 0, max: WINDOWS * 900 - 1 }),
      value: fc.integer({ min: -5, max: 100 }),
    }),
    { selector: ({ second }) => second, maxLength: 20 },
  );
  const bounds = fc
    .uniqueArray(fc.integer({ min: 0, max: WINDOWS }), { minLength: 2, maxLength: 2 })
    .map((windows) => windows.sort((a, b) => a - b).map((window) => from + BigInt(window) * WINDOW_NS));

  // Guarantee: an hour or day without events takes the level of the last one in the period that has some, if so few lie between, and nothing else.
  test.each(BUCKETS)("a level is held for so many of each %s", (bucket) => {
    const bucketOf = clock(timeZone, bucket);
    const limits = fc.integer({ min: 1, max: bucket === "hour" ? 60 : 6 });
    fc.assert(
      fc.property(usage, bounds, limits, (used, [begins = from, ends = from], holdFor) => {
        const period = { from: begins, to: ends };
        const events = used.map(({ second, value }) => ({ time: from + BigInt(second) * NS_PER_SECOND, value }));
        const texts = events.map(({ time, value }) => ({ time, value: String(value) }));
        const held = aggregate({ aggregation: "latest", bucket, holdFor, timeZone, period, events: texts });
        const shown = `${instantText(begins)} to ${instantText(ends)}, ${String(holdFor)}`;
        expect(decimalText(held), shown).toBe(String(naive(events, { bucketOf, period, holdFor })));
      }),
    );
  });
});
