import { expect, it } from "vitest";
import {
  byShock,
  currencyEffects,
  exceeds,
  shownEffect,
  type CustomerEffect,
} from "../../../../src/app/simulate/customer-effects.ts";
import { decimal } from "../../../../src/kernel/decimal.ts";

function effect(customer: string, before: string, after: string, currency = "EUR"): CustomerEffect {
  return { customer, currency, before: decimal(before), after: decimal(after) };
}

it("puts the largest shocks first: from nothing, then by share, then by amount, then by name", () => {
  const effects = [
    effect("same", "10", "10"),
    effect("up-5", "100", "105"),
    effect("down-50", "100", "50"),
    effect("up-50-more", "200", "300"),
    effect("new-small", "0", "1"),
    effect("new-large", "0", "2"),
    effect("b", "100", "105"),
    effect("never", "0", "0"),
  ];
  expect(effects.sort(byShock).map(({ customer }) => customer)).toEqual([
    "new-large",
    "new-small",
    "up-50-more",
    "down-50",
    "b",
    "up-5",
    "never",
    "same",
  ]);
});

it("states the difference, and its share at two places", () => {
  expect(shownEffect(effect("a", "3", "4"))).toEqual({ old: "3", new: "4", difference: "1", percent: "33.33" });
  expect(shownEffect(effect("a", "8", "7"))).toMatchObject({ difference: "-1", percent: "-12.5" });
  expect(shownEffect(effect("a", "0", "7"))).toMatchObject({ difference: "7", percent: null });
  expect(shownEffect(effect("a", "0", "0"))).toMatchObject({ difference: "0", percent: "0" });
});

// Guarantee: the limit is compared exactly, not by the rounded percentage that is shown.
it.each([
  ["at the limit", "100", "120", "20", false],
  ["a hair above", "100", "120.0000001", "20", true],
  ["below", "100", "80", "20", false],
  ["from nothing", "0", "0.01", "20", true],
  ["nothing at all", "0", "0", "0", false],
])("an increase %s", (_what, before, after, limit, expected) => {
  expect(exceeds(effect("a", before, after), decimal(limit))).toBe(expected);
});

it("adds up each currency for itself", () => {
  const effects = [effect("a", "1", "2"), effect("b", "3", "3"), effect("c", "100", "90", "JPY")];
  expect(currencyEffects(effects)).toEqual([
    { currency: "EUR", customers: 2, changed: 1, old: "4", new: "5", difference: "1", percent: "25" },
    { currency: "JPY", customers: 1, changed: 1, old: "100", new: "90", difference: "-10", percent: "-10" },
  ]);
});
