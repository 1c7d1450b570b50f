import { describe, expect, it } from "vitest";
import { NS_PER_HOUR, NS_PER_MINUTE, instantOf } from "../../../src/kernel/instant.ts";
import {
  billingPeriodAt,
  billingPeriodContaining,
  intersectPeriods,
  isTimeZone,
  isWindowBoundary,
  localInstant,
  parsePeriodArgument,
  periodContains,
  periodText,
  type Period,
} from "../../../src/kernel/period.ts";

function period(text: string): Period {
  const argument = parsePeriodArgument(text);
  if (argument.kind !== "range") throw new Error(`${text} is no range`);
  return argument.period;
}

describe("billingPeriodContaining", () => {
  it.each([
    ["UTC", "2026-10", 1, "2026-10-01T00:00:00Z/2026-11-01T00:00:00Z"],
    ["a month that ends summer time", "2026-10", 1, "2026-09-30T22:00:00Z/2026-10-31T23:00:00Z", "Europe/Berlin"],
    ["a month that begins summer time", "2026-03", 1, "2026-02-28T23:00:00Z/2026-03-31T22:00:00Z", "Europe/Berlin"],
    ["an offset of 5:45", "2026-10", 1, "2026-09-30T18:15:00Z/2026-10-31T18:15:00Z", "Asia/Kathmandu"],
    ["summer time of 30 minutes", "2026-10", 1, "2026-09-30T13:30:00Z/2026-10-31T13:00:00Z", "Australia/Lord_Howe"],
    ["the anchor in the month before", "2026-10", 15, "2026-09-15T00:00:00Z/2026-10-15T00:00:00Z"],
    ["an anchor beyond February's end", "2026-03", 31, "2026-02-28T00:00:00Z/2026-03-31T00:00:00Z"],
    ["an anchor beyond a leap February's end", "2028-03", 30, "2028-02-29T00:00:00Z/2028-03-30T00:00:00Z"],
    ["an anchor clamped at both ends", "2026-12", 31, "2026-11-30T00:00:00Z/2026-12-31T00:00:00Z"],
    ["the turn of the year", "2027-01", 20, "2026-12-20T00:00:00Z/2027-01-20T00:00:00Z"],
    // Egypt's clocks jump from 24:00 to 01:00 on 24 April 2026: the day begins at 01:00.
    ["a day without a midnight", "2026-05", 24, "2026-04-23T22:00:00Z/2026-05-23T21:00:00Z", "Africa/Cairo"],
  ] as const)("%s", (_what, localMonth, anchorDay, expected, timeZone: string = "UTC") => {
    expect(periodText(billingPeriodContaining({ localMonth, timeZone, anchorDay, interval: "month" }))).toBe(expected);
  });

  // Guarantee: periods tile time, whatever the zone's clocks do: no usage falls between two or into both.
  it.each([
    "UTC",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/St_Johns",
    "Pacific/Chatham",
  ])("periods in %s follow on each other", (timeZone) => {
    for (const anchorDay of [1, 4, 15, 24, 28, 29, 30, 31]) {
      const schedule = { timeZone, anchorDay, interval: "month" as const };
      let current = billingPeriodContaining({ ...schedule, localMonth: "2025-11" });
      for (let month = 0; month < 18; month += 1) {
        const next = billingPeriodAt(current.to, schedule);
        expect(next.from).toBe(current.to);
        expect(billingPeriodAt(next.from - 1n, schedule)).toEqual(current);
        expect(billingPeriodAt(next.to - 1n, schedule)).toEqual(next);
        current = next;
      }
    }
  });

  it("refuses an unknown zone, a bare offset, and an anchor outside of the month", () => {
    const schedule = { localMonth: "2026-10", anchorDay: 1, interval: "month" as const };
    expect(() => billingPeriodContaining({ ...schedule, timeZone: "Europe/Berlim" })).toThrow(
      /timeZone is "Europe\/Berlim"/,
    );
    expect(() => billingPeriodContaining({ ...schedule, timeZone: "+05:00" })).toThrow(/timeZone/);
    expect(() => billingPeriodContaining({ ...schedule, timeZone: "UTC", anchorDay: 32 })).toThrow(/anchorDay is 32/);
    expect(() => billingPeriodContaining({ ...schedule, timeZone: "UTC", localMonth: "2026-13" })).toThrow(
      /period is "2026-13"/,
    );
  });

  it("refuses boundaries that no base window has, as local mean times made them", () => {
    const monrovia = { localMonth: "1960-02", timeZone: "Africa/Monrovia", anchorDay: 1, interval: "month" as const };
    expect(() => billingPeriodContaining(monrovia)).toThrow(/quarter of an hour/);
  });
});

describe("localInstant", () => {
  it.each([
    ["2026-10-01", "Europe/Berlin", "2026-09-30T22:00:00Z"],
    ["2026-10-01T09:30", "Asia/Kathmandu", "2026-10-01T03:45:00Z"],
    ["2026-10-01T09:30:15.5", "UTC", "2026-10-01T09:30:15.500Z"],
    // 02:30 happens twice: the first time counts.
    ["2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30:00Z"],
    // 02:30 does not happen: as far behind the gap as it lies in it.
    ["2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:30:00Z"],
    ["2026-04-24", "Africa/Cairo", "2026-04-23T22:00:00Z"],
  ])("%s in %s", (local, timeZone, expected) => {
    expect(localInstant({ local, timeZone })).toBe(instantOf(expected, "expected"));
  });

  it("refuses dates that do not exist", () => {
    expect(() => localInstant({ local: "2026-02-30", timeZone: "UTC" })).toThrow(/"2026-02-30" is not a local date/);
  });
});

describe("parsePeriodArgument", () => {
  it("reads a month and a range", () => {
    expect(parsePeriodArgument("2026-10")).toEqual({ kind: "month", localMonth: "2026-10" });
    const range = parsePeriodArgument("2026-10-01T00:00:00+02:00/2026-10-01T00:15:00+02:00");
    expect(range).toEqual({
      kind: "range",
      period: { from: instantOf("2026-09-30T22:00:00Z", "from"), to: instantOf("2026-09-30T22:15:00Z", "to") },
    });
  });

  it.each([
    ["2026-1", /write a month such as 2026-10/],
    ["2026-10-01T00:00:00Z", /write a month/],
    ["2026-10-01T00:00:00Z/", /period to is ""/],
    ["2026-10-01T00:00:00Z/2026-11-01", /period to is "2026-11-01"/],
    ["2026-10-01T00:00:00Z/2026-10-01T00:00:00Z", /must lie before/],
    ["2026-10-01T00:05:00Z/2026-11-01T00:00:00Z", /period from .* quarter of an hour/],
    ["2026-10-01T00:00:00Z/2026-11-01T00:00:00Z/2026-12-01T00:00:00Z", /write a month/],
  ])("refuses %s", (text, message) => {
    expect(() => parsePeriodArgument(text)).toThrow(message);
  });
});

it("knows window boundaries, before 1970 too", () => {
  expect(isWindowBoundary(15n * NS_PER_MINUTE)).toBe(true);
  expect(isWindowBoundary(-NS_PER_HOUR)).toBe(true);
  expect(isWindowBoundary(15n * NS_PER_MINUTE + 1n)).toBe(false);
});

it("intersects half-open periods: what only touches has nothing in common", () => {
  const october = period("2026-10-01T00:00:00Z/2026-11-01T00:00:00Z");
  const november = period("2026-11-01T00:00:00Z/2026-12-01T00:00:00Z");
  const middle = period("2026-10-15T00:00:00Z/2026-11-15T00:00:00Z");
  expect(intersectPeriods(october, november)).toBeUndefined();
  expect(intersectPeriods(october, middle)).toEqual({ from: middle.from, to: october.to });
  expect(periodContains(october, october.from)).toBe(true);
  expect(periodContains(october, october.to)).toBe(false);
});

it("knows IANA zones", () => {
  expect(isTimeZone("Europe/Berlin")).toBe(true);
  expect(isTimeZone("UTC")).toBe(true);
  expect(isTimeZone("Mars/Olympus")).toBe(false);
  expect(isTimeZone("")).toBe(false);
});
