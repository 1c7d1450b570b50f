import { describe, expect, it } from "vitest";
import { CURRENCIES, currencyExponent, isCurrency } from "../../../src/kernel/currency.ts";
import { decimal } from "../../../src/kernel/decimal.ts";
import { moneyText, roundMoney } from "../../../src/kernel/money.ts";

describe("currency", () => {
  it.each([
    ["EUR", 2],
    ["JPY", 0],
    ["KWD", 3],
    ["CLF", 4],
    ["UYW", 4],
    ["XCG", 2],
    ["ZWG", 2],
    ["ISK", 0],
    ["MGA", 2],
  ])("%s has %i minor digits", (code, exponent) => {
    expect(currencyExponent(code)).toBe(exponent);
  });

  it("refuses what is no currency with a minor unit", () => {
    for (const code of ["XAU", "XXX", "XTS", "eur", "EURO", "", "constructor"]) {
      expect(isCurrency(code)).toBe(false);
      expect(() => currencyExponent(code)).toThrow(`currency is "${code}"`);
    }
  });

  // Guarantee: no code is misspelled. The platform leaves out funds and the newest codes, so those are named here.
  it("knows only codes that the platform knows, each once", () => {
    const funds = ["BOV", "CHE", "CHW", "CLF", "COU", "MXV", "USN", "UYI", "UYW"];
    const newest = ["SLE", "VED", "XAD", "XCG", "ZWG"];
    const known = new Set([...Intl.supportedValuesOf("currency"), ...funds, ...newest]);
    expect(CURRENCIES.filter((code) => !known.has(code))).toEqual([]);
    expect(new Set(CURRENCIES).size).toBe(CURRENCIES.length);
    expect(CURRENCIES.length).toBeGreaterThan(160);
  });
});

describe("money", () => {
  it.each([
    ["2.345", "EUR", "half_up", "2.35"],
    ["-2.345", "EUR", "half_up", "-2.35"],
    ["2.345", "EUR", "half_even", "2.34"],
    ["2.5", "JPY", "half_up", "3"],
    ["2.5", "JPY", "half_down", "2"],
    ["1.0005", "KWD", "half_up", "1.001"],
    ["0.00005", "CLF", "half_up", "0.0001"],
    ["2.341", "EUR", "up", "2.35"],
    ["-2.341", "EUR", "ceiling", "-2.34"],
    ["-2.341", "EUR", "floor", "-2.35"],
    ["-2.349", "EUR", "down", "-2.34"],
    ["-0.004", "EUR", "half_up", "0.00"],
  ] as const)("%s %s rounded %s is %s", (amount, currency, mode, expected) => {
    expect(moneyText(roundMoney(decimal(amount), currency, mode), currency)).toBe(expected);
  });

  it("writes exactly the minor digits", () => {
    expect(moneyText(decimal("12.5"), "EUR")).toBe("12.50");
    expect(moneyText(decimal("12"), "JPY")).toBe("12");
    expect(moneyText(decimal("12"), "BHD")).toBe("12.000");
  });

  it("never loses a digit in writing", () => {
    expect(() => moneyText(decimal("12.505"), "EUR")).toThrow(/has to be rounded/);
  });
});
