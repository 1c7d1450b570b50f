/** What an apply takes and says of `when`, `in` and `not` in a price. */
import { describe, expect, test } from "vitest";
import { emptyJournalState } from "../../../../src/app/catalog/fold-journal.ts";
import { planApply } from "../../../../src/app/catalog/plan-apply.ts";
import { instantOf } from "../../../../src/kernel/instant.ts";
import { catalogInFiles } from "../../../support/catalog-in-files.ts";

const METERS = `meters:
  - { key: paid, eventType: payment, aggregation: sum, value: /data/amount, dimensions: { region: /data/region } }
  - { key: users, eventType: payment, aggregation: unique_count, value: /data/user }
`;
const DAY = '{ days: [mon, tue, wed, thu, fri], from: "08:00", to: "20:00" }';

function problemsOf(...limits: readonly string[]): readonly string[] {
  const prices = limits.map(
    (limit, index) =>
      `      - { key: p${String(index)}, meter: paid, price: { model: per_unit, unitAmount: "1" }, ${limit} }\n`,
  );
  const cards = `rateCards:\n  - key: payg\n    currency: EUR\n    prices:\n${prices.join("")}`;
  const { catalog, unread } = catalogInFiles({ "meters.yaml": METERS, "cards.yaml": cards });
  const now = instantOf("2026-11-20T12:00:00Z", "now");
  return planApply({ state: emptyJournalState(), files: catalog, unread, now, prune: false }).problems.map(
    ({ problem }) => problem,
  );
}

test.each<[string, readonly string[]]>([
  ["hours and the rest of the week", [`when: ${DAY}`, `when: { not: ${DAY} }`]],
  [
    "a night over midnight, and a day",
    ['when: { from: "22:00", to: "06:00" }', 'when: { from: "06:00", to: "22:00" }'],
  ],
  [
    "Sunday night and Monday noon",
    ['when: { days: sun, from: "22:00", to: "06:00" }', 'when: { days: mon, from: "06:00" }'],
  ],
  ["some regions and all others", ["where: { region: { in: [eu, us] } }", "where: { region: { not: [eu, us] } }"]],
  ["lists without a common value", ["where: { region: { in: [eu, us] } }", "where: { region: { in: [ap] } }"]],
  ["the same hours, one price additional", [`when: ${DAY}`, `when: ${DAY}, additional: true`]],
])("takes %s", (_what, limits) => {
  expect(problemsOf(...limits)).toEqual([]);
});

test.each<[string, readonly string[], RegExp]>([
  [
    "two prices that share a quarter of an hour",
    ['when: { from: "22:00", to: "06:15" }', 'when: { from: "06:00", to: "22:00" }'],
    /prices p0 and p1 would both charge usage of paid; part them with where or when/,
  ],
  [
    "Sunday night reaching into Monday",
    ['when: { days: sun, from: "22:00", to: "06:00" }', "when: { days: mon }"],
    /would both charge/,
  ],
  [
    "two lists with a common value",
    ["where: { region: { in: [eu, us] } }", "where: { region: us }"],
    /would both charge/,
  ],
  ["two exclusions", ["where: { region: { not: eu } }", "where: { region: { not: us } }"], /would both charge/],
  [
    "a time off the windows",
    ['when: { from: "08:10" }'],
    /from: is "08:10"; must be a local time on a quarter of an hour/,
  ],
  [
    "no time at all",
    ['when: { from: "08:00", to: "08:00" }'],
    /has no time between from and to; for whole days leave both out/,
  ],
  ["an unknown day", ["when: { days: [monday] }"], /is "monday"; write one of mon, tue/],
  [
    "the opposite of the whole week",
    ["when: { not: { from: '00:00' } }"],
    /when: leaves no hour of the week; take the price out/,
  ],
  ["in and not at once", ["where: { region: { in: eu, not: us } }"], /has both or neither of in and not/],
  ["a number as a value", ["where: { region: 5 }"], /region: is the number 5; put it in quotes, "5"/],
  ["a dimension that the meter does not have", ["where: { zone: { not: eu } }"], /names the dimension zone/],
])("refuses %s", (_what, limits, problem) => {
  expect(problemsOf(...limits).join("\n")).toMatch(problem);
});

test("refuses hours of what does not add up, and of a flat price", () => {
  const cards = `rateCards:
  - key: payg
    currency: EUR
    prices:
      - { key: u, meter: users, when: ${DAY}, price: { model: per_unit, unitAmount: "1" } }
`;
  const flat = cards.replace("meter: users, ", "").replace(/model: per_unit.*\}/, 'model: flat, amount: "1" } }');
  const told = [cards, flat].map((text) => {
    const { catalog, unread, ...read } = catalogInFiles({ "meters.yaml": METERS, "cards.yaml": text });
    const now = instantOf("2026-11-20T12:00:00Z", "now");
    const { problems } = planApply({ state: emptyJournalState(), files: catalog, unread, now, prune: false });
    return JSON.stringify([problems, read]);
  });
  expect(told[0]).toContain(
    "when is Mon–Fri 08:00–20:00, and unique_count of meter users does not add up over hours; take when out, or use a meter of count or sum",
  );
  expect(told[1]).toContain("when: must be absent: a flat price charges per period");
});

// Guarantee: hours that nobody charges are told before usage in them blocks an invoice; what another price or `unpriced: free` covers is not.
describe("an apply tells hours that no price charges", () => {
  const warningsOf = (limits: readonly string[], more = "", contracts = 1): readonly string[] => {
    const prices = limits.map(
      (limit, index) =>
        `      - { key: p${String(index)}, meter: paid, price: { model: per_unit, unitAmount: "1" }, ${limit} }\n`,
    );
    const card = `rateCards:\n  - key: payg\n    currency: EUR\n    prices:\n${prices.join("")}`;
    const each = (text: (name: string) => string): string =>
      Array.from({ length: contracts }, (_, index) => text(`c${String(index)}`)).join("");
    const customers = each((key) => `  - { key: ${key}, name: N, currency: EUR, timeZone: Europe/Berlin }\n`);
    const signed = each(
      (key) =>
        `  - { key: k-${key}, customer: ${key}, rateCard: payg, effective: { from: "2026-01-01T00:00:00+01:00" }${more} }\n`,
    );
    const { catalog, unread } = catalogInFiles({
      "meters.yaml": METERS,
      "cards.yaml": card,
      "contracts.yaml": `customers:\n${customers}contracts:\n${signed}`,
    });
    const now = instantOf("2026-11-20T12:00:00Z", "now");
    const plan = planApply({ state: emptyJournalState(), files: catalog, unread, now, prune: false });
    expect(plan.problems).toEqual([]);
    return plan.warnings;
  };

  test("by contract, meter and hours, once for all that have them", () => {
    const evening = ['when: { from: "08:00", to: "20:00" }', 'when: { from: "20:15", to: "08:00" }'];
    const says =
      "no price charges paid daily 20:00–20:15; usage then blocks the invoice, unless a price charges it or the contract says unpriced: free";
    expect(warningsOf(evening)).toEqual([`contract k-c0: ${says}`]);
    expect(warningsOf(evening, "", 3)).toEqual([`contract k-c0 and 2 more: ${says}`]);
  });

  test.each<[string, readonly string[], string?]>([
    ["the rest of the week", [`when: ${DAY}`, `when: { not: ${DAY} }`]],
    ["a price of all hours for some dimensions", [`when: ${DAY}, where: { region: eu }`, "where: { region: us }"]],
    ["unpriced: free", [`when: ${DAY}`], ", unpriced: free"],
    [
      "an override without hours",
      [`when: ${DAY}`],
      ', overrides: [ { key: p0, meter: paid, price: { model: per_unit, unitAmount: "2" } } ]',
    ],
  ])("but not with %s", (_what, limits, more) => {
    expect(warningsOf(limits, more)).toEqual([]);
  });
});
