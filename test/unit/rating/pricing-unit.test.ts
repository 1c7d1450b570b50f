/** Prices in a custom unit, such as credits, with a rate to money. */
import { expect, it } from "vitest";
import { parsePrice } from "../../../src/domain/price.ts";
import { decimal, decimalText } from "../../../src/kernel/decimal.ts";
import { rateEvents } from "../../../src/rating/rate-events.ts";
import { ratePrice } from "../../../src/rating/rate-price.ts";

const CREDITS = { key: "credits", rate: "0.015" };

it("charges in the unit, then converts, and says both", () => {
  const price = parsePrice({ model: "per_unit", unitAmount: "2", minimumAmount: "10" });
  const rated = ratePrice({ price, currency: "EUR", unit: CREDITS, usage: { quantity: decimal("3") } });
  expect(decimalText(rated.amount)).toBe("0.15");
  expect(rated.breakdown.map((step) => step.text)).toEqual([
    "3 units at 2 credits each = 6 credits",
    "Raised to the minimum of 10 credits: +4 credits",
    "10 credits at 0.015 EUR each = 0.15 EUR",
    "Amount: 0.15 EUR",
  ]);
  expect(rated.breakdown[2]).toMatchObject({
    kind: "pricing_unit",
    unit: "credits",
    units: "10",
    rate: "0.015",
    amount: "0.15",
  });
});

// Guarantee: a product of parts: what is billed first and what is billed later add up in money too.
it("parts add up to the whole in money, over quantities and over single events", () => {
  const terms = {
    price: parsePrice({ model: "percentage", rate: "2.9", fixedAmount: "0.3", freeEvents: "1" }),
    currency: "USD",
    unit: { key: "tokens", rate: "0.0000007" },
  };
  const amounts = ["10", "7.77", "0.001"].map(decimal);
  const whole = ratePrice({ ...terms, usage: { events: amounts } });
  const first = rateEvents({ ...terms, isLaterPart: false });
  const later = rateEvents({ ...terms, isLaterPart: true });
  amounts.slice(0, 2).forEach((amount) => {
    first.add(amount);
    later.addPrior(amount);
  });
  amounts.slice(2).forEach((amount) => {
    later.add(amount);
  });
  expect(decimalText(first.finish().amount.plus(later.finish().amount))).toBe(decimalText(whole.amount));
});
