import { describe, expect, it } from "vitest";
import { AppError } from "../../../src/kernel/errors.ts";
import { NS_PER_DAY, NS_PER_SECOND, instantOf, instantText, parseInstant } from "../../../src/kernel/instant.ts";

describe("parseInstant", () => {
  it.each([
    ["1970-01-01T00:00:00Z", 0n],
    ["1969-12-31T23:59:59.999999999Z", -1n],
    ["2000-02-29T00:00:00Z", 951_782_400n * NS_PER_SECOND],
    ["2026-10-03T08:15:30.250Z", 1_791_015_330_250_000_000n],
    ["2026-10-03T08:15:30.123456789Z", 1_791_015_330_123_456_789n],
    ["2026-10-03t08:15:30.25z", 1_791_015_330_250_000_000n],
    ["2026-10-03T08:15:30.250000000000Z", 1_791_015_330_250_000_000n],
    ["2026-10-03T14:00:30+05:45", 1_791_015_330n * NS_PER_SECOND],
    ["2026-10-02T22:15:30-10:00", 1_791_015_330n * NS_PER_SECOND],
    ["2026-10-03T08:15:30-00:00", 1_791_015_330n * NS_PER_SECOND],
    ["0000-01-01T00:00:00Z", -719_528n * NS_PER_DAY],
    ["9999-12-31T23:59:59.999999999Z", 253_402_300_800n * NS_PER_SECOND - 1n],
  ])("reads %s exactly", (text, expected) => {
    expect(parseInstant(text)).toBe(expected);
  });

  it.each([
    ["a date that does not exist", "2026-02-30T00:00:00Z"],
    ["February 29 of a common year", "2025-02-29T00:00:00Z"],
    ["February 29 of a century", "1900-02-29T00:00:00Z"],
    ["April 31", "2026-04-31T00:00:00Z"],
    ["month 0", "2026-00-01T00:00:00Z"],
    ["month 13", "2026-13-01T00:00:00Z"],
    ["day 0", "2026-01-00T00:00:00Z"],
    ["hour 24", "2026-01-01T24:00:00Z"],
    ["minute 60", "2026-01-01T00:60:00Z"],
    ["a leap second", "2016-12-31T23:59:60Z"],
    ["a tenth digit that would be lost", "2026-01-01T00:00:00.0000000001Z"],
    ["no fraction after the point", "2026-01-01T00:00:00.Z"],
    ["a comma", "2026-01-01T00:00:00,5Z"],
    ["no offset", "2026-01-01T00:00:00"],
    ["an offset without a colon", "2026-01-01T00:00:00+0100"],
    ["an offset of 24 hours", "2026-01-01T00:00:00+24:00"],
    ["an offset of 60 minutes", "2026-01-01T00:00:00+01:60"],
    ["a blank instead of the T", "2026-01-01 00:00:00Z"],
    ["text behind it", "2026-01-01T00:00:00Z "],
    ["text behind the offset", "2026-01-01T00:00:00+01:00x"],
    ["a letter among the digits", "2026-01-0aT00:00:00Z"],
    ["other scripts' digits", "2026-01-0١T00:00:00Z"],
    ["a year of UTC before 0000", "0000-01-01T00:00:00+00:01"],
    ["a year of UTC after 9999", "9999-12-31T23:59:59-00:01"],
    ["a date alone", "2026-01-01"],
    ["nothing", ""],
  ])("refuses %s", (_what, text) => {
    expect(parseInstant(text)).toBeUndefined();
  });
});

describe("instantText", () => {
  it.each([
    [0n, "1970-01-01T00:00:00Z"],
    [-1n, "1969-12-31T23:59:59.999999999Z"],
    [1_791_015_330_250_000_000n, "2026-10-03T08:15:30.250Z"],
    [1_791_015_330_000_100_000n, "2026-10-03T08:15:30.000100Z"],
    [1_791_015_330_000_000_010n, "2026-10-03T08:15:30.000000010Z"],
    [-719_528n * NS_PER_DAY, "0000-01-01T00:00:00Z"],
  ])("writes %d in as few steps of three digits as it needs", (instant, expected) => {
    expect(instantText(instant)).toBe(expected);
  });

  it("refuses what four digits of a year cannot write", () => {
    expect(() => instantText(253_402_300_800n * NS_PER_SECOND)).toThrow(AppError);
    expect(() => instantText(-719_528n * NS_PER_DAY - 1n)).toThrow(AppError);
  });
});

it("instantOf names the field and the value", () => {
  expect(() => instantOf("yesterday", "effective.from")).toThrow(/effective\.from is "yesterday": write/);
});
