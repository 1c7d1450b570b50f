/** What an apply says of prices that their meter cannot serve, of negative amounts, pricing units and ramps. */
import { describe, expect, test } from "vitest";
import { emptyJournalState } from "../../../../src/app/catalog/fold-journal.ts";
import { planApply, type ApplyPlan } from "../../../../src/app/catalog/plan-apply.ts";
import { instantOf } from "../../../../src/kernel/instant.ts";
import { catalogInFiles } from "../../../support/catalog-in-files.ts";

const METERS = `meters:
  - { key: paid, eventType: payment, aggregation: sum, value: /data/amount, dimensions: { region: /data/region } }
  - { key: peak, eventType: payment, aggregation: max, value: /data/amount, dimensions: { region: /data/region } }
  - { key: stored, eventType: payment, aggregation: sum, value: /data/amount, dimensions: { region: /data/region }, recurring: true }
`;
const CREDITS = '    units: { credits: { rate: "0.01" } }\n';

function applied(price: string, units = ""): ApplyPlan {
  const cards = `rateCards:\n  - key: payg\n    currency: EUR\n${units}    prices:\n      - { key: p, ${price} }\n`;
  const { catalog, unread } = catalogInFiles({ "meters.yaml": METERS, "cards.yaml": cards });
  const now = instantOf("2026-11-20T12:00:00Z", "now");
  return planApply({ state: emptyJournalState(), files: catalog, unread, now, prune: false });
}

const cells = '[ { match: { region: eu }, unitAmount: "1" } ]';

describe("is taken", () => {
  test.each<[string, string, string?]>([
    [
      "a matrix over dimensions of a sum",
      `meter: paid, price: { model: matrix, dimensions: [region], cells: ${cells} }`,
    ],
    ["a percentage over single events", 'meter: paid, price: { model: percentage, rate: "1", fixedAmount: "0.3" }'],
    ["a price over a total that goes on", 'meter: stored, price: { model: per_unit, unitAmount: "1" }'],
    ["a credit that is meant", 'price: { model: flat, amount: "-5", allowNegative: true }'],
    ["a price in credits", 'unit: credits, price: { model: flat, amount: "100" }', CREDITS],
    [
      "a ramp",
      'meter: peak, price: { model: per_unit, unitAmount: "1" }, ramp: [ { fromMonth: 4, price: { model: per_unit, unitAmount: "2" } } ]',
    ],
  ])("%s", (_what, price, units) => {
    expect(applied(price, units).problems).toEqual([]);
  });
});

describe("is refused", () => {
  test.each<[string, string, RegExp, string?]>([
    [
      "a matrix over a dimension that the meter does not have",
      `meter: paid, price: { model: matrix, dimensions: [region, zone], cells: ${cells} }`,
      /price p: dimensions names the dimension zone, which meter paid does not have; it has region/,
    ],
    [
      "a matrix over what does not add up",
      `meter: peak, price: { model: matrix, dimensions: [region], cells: ${cells} }`,
      /matrix adds up cells, and max of meter peak does not add up; write one price with `where` for each cell/,
    ],
    [
      "a matrix over a total that goes on",
      `meter: stored, price: { model: matrix, dimensions: [region], cells: ${cells} }`,
      /matrix adds up cells, and recurring sum of meter stored does not add up; write one price with `where` for each cell/,
    ],
    [
      "hours of a total that goes on",
      'meter: stored, when: { from: "08:00", to: "20:00" }, price: { model: per_unit, unitAmount: "1" }',
      /when is .*, and recurring sum of meter stored does not add up over hours/,
    ],
    [
      "a fee per event of what has no single amounts",
      'meter: peak, price: { model: percentage, rate: "1", freeAmount: "3" }',
      /percentage adds up events, and max of meter peak does not add up/,
    ],
    [
      "units that roll over of a matrix",
      `meter: paid, price: { model: matrix, dimensions: [region], cells: ${cells}, usageDiscount: { freeUnits: "5", rollover: { periods: 1 } } }`,
      /price p: its free units can't roll over: matrix looks at cells, not at one quantity/,
    ],
    [
      "units that roll over of a flat price",
      'price: { model: flat, amount: "5", usageDiscount: { freeUnits: "1", rollover: { periods: 1 } } }',
      /price p: its free units can't roll over: a flat price has no usage/,
    ],
    ["a negative amount in silence", 'price: { model: flat, amount: "-5" }', /amount is "-5": it must not be negative/],
    [
      "a unit that the card does not have",
      'unit: credit, price: { model: flat, amount: "1" }',
      /unit credit is none of the rate card's units; did you mean credits\?/,
      CREDITS,
    ],
    [
      "a rate of zero",
      'price: { model: flat, amount: "1" }',
      /rate is "0": it must be greater than 0/,
      '    units: { credits: { rate: "0" } }\n',
    ],
    [
      "ramp steps out of order",
      'price: { model: flat, amount: "1" }, ramp: [ { fromMonth: 4, price: { model: flat, amount: "2" } }, { fromMonth: 4, price: { model: flat, amount: "3" } } ]',
      /ramp\[1\]\.fromMonth: is 4; it must be greater than 4 of the step before/,
    ],
    [
      "a ramp from a meter to none",
      'meter: paid, price: { model: per_unit, unitAmount: "1" }, ramp: [ { fromMonth: 2, price: { model: flat, amount: "2" } } ]',
      /ramp\[0\]\.price: is flat where the price is not/,
    ],
    [
      "a ramp's price that its meter cannot serve",
      'meter: peak, price: { model: per_unit, unitAmount: "1" }, ramp: [ { fromMonth: 2, price: { model: percentage, rate: "2", fixedAmount: "1" } } ]',
      /percentage adds up events, and max of meter peak does not add up/,
    ],
  ])("%s", (_what, price, message, units) => {
    const { problems } = applied(price, units);
    expect(problems.map(({ problem }) => problem)).toEqual([expect.stringMatching(message)]);
    expect(problems[0]?.at).toMatch(/cards\.yaml:\d+:\d+$/);
  });
});
