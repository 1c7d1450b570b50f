import { describe, expect, it } from "vitest";
import { fixedPointOf, fixedPointText } from "../../../src/kernel/fixed-point.ts";

const LIMITS = { integerDigits: 20, places: 18 };

describe("fixedPointOf", () => {
  it.each([
    ["0", "0"],
    ["-0", "0"],
    ["-0.000", "0"],
    ["0e999999999999", "0"],
    ["1e3", "1000"],
    ["1.50", "1.5"],
    ["1500e-3", "1.5"],
    ["0.1e1", "1"],
    ["12E+2", "1200"],
    ["-2.5", "-2.5"],
    ["9007199254740993", "9007199254740993"],
    ["0.1", "0.1"],
    ["99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"],
    ["-99999999999999999999.999999999999999999", "-99999999999999999999.999999999999999999"],
    ["0.000000000000000001", "0.000000000000000001"],
    ["1e-18", "0.000000000000000001"],
    ["1e19", "10000000000000000000"],
    ["100000000000000000000000000000e-10", "10000000000000000000"],
    [`1.${"0".repeat(1000)}`, "1"],
  ])("reads %s as %s", (text, expected) => {
    const scaled = fixedPointOf(text, LIMITS);
    expect(typeof scaled).toBe("bigint");
    expect(fixedPointText(scaled as bigint, LIMITS.places)).toBe(expected);
  });

  it.each([
    ["1e20", "out_of_range"],
    ["100000000000000000000", "out_of_range"],
    ["-100000000000000000000", "out_of_range"],
    ["1e400", "out_of_range"],
    ["1e99999999999999999999", "out_of_range"],
    ["9".repeat(40), "out_of_range"],
    ["1e-400", "too_fine"],
    ["1e-99999999999999999999", "too_fine"],
    ["0.0000000000000000001", "too_fine"],
    ["1.0000000000000000001", "too_fine"],
    [`0.${"1".repeat(40)}`, "too_fine"],
    ["", "not_a_number"],
    [" 1", "not_a_number"],
    ["1 ", "not_a_number"],
    ["1\n", "not_a_number"],
    ["+1", "not_a_number"],
    ["01", "not_a_number"],
    ["00", "not_a_number"],
    ["1.", "not_a_number"],
    [".5", "not_a_number"],
    ["1,5", "not_a_number"],
    ["1_000", "not_a_number"],
    ["0x10", "not_a_number"],
    ["NaN", "not_a_number"],
    ["Infinity", "not_a_number"],
    ["١", "not_a_number"],
  ])("refuses %s: %s", (text, error) => {
    expect(fixedPointOf(text, LIMITS)).toBe(error);
  });
});
