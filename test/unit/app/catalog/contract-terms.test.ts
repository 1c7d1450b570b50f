/** Terms over several prices, as catalog files say them: what is refused and where, and which versions they make. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { emptyJournalState, type JournalState } from "../../../../src/app/catalog/fold-journal.ts";
import { planApply, type ApplyPlan } from "../../../../src/app/catalog/plan-apply.ts";
import { canonicalJson } from "../../../../src/kernel/canonical-json.ts";
import { sha256Hex } from "../../../../src/kernel/hash.ts";
import { instantOf } from "../../../../src/kernel/instant.ts";
import { bodiesOfPlan, catalogInFiles, stateAfter } from "../../../support/catalog-in-files.ts";

const BASE = `meters:
  - { key: calls, eventType: llm, aggregation: count }
customers:
  - { key: acme, name: Acme, currency: EUR, timeZone: Europe/Berlin }
`;
const CARD = (terms = ""): string => `rateCards:
  - key: payg
    currency: EUR
    prices:
      - { key: base, price: { model: flat, amount: "10" } }
      - { key: calls, meter: calls, price: { model: per_unit, unitAmount: "1" } }
${terms}`;
const CONTRACT = (terms = ""): string => `contracts:
  - key: acme-2026
    customer: acme
    rateCard: payg
    effective: { from: "2026-01-01T00:00:00+01:00" }
${terms}`;
const TAXES = `    taxes: { rates: [ { key: vat, name: VAT, rate: "19" } ] }\n`;

function plan(files: { card?: string; contract?: string }, state: JournalState = emptyJournalState()): ApplyPlan {
  const { catalog, unread } = catalogInFiles({
    "base.yaml": BASE,
    "card.yaml": files.card ?? CARD(),
    "contract.yaml": files.contract ?? CONTRACT(),
  });
  return planApply({ state, files: catalog, unread, now: instantOf("2026-11-20T12:00:00Z", "now"), prune: false });
}

/** Without the directory, which differs from run to run. */
const fileAt = (at: string): string => at.slice(at.lastIndexOf("/") + 1);
const applied = (made: ApplyPlan, state = emptyJournalState()): JournalState =>
  stateAfter(bodiesOfPlan(made, `change-${state.head.seq}`), state);

describe("refused, with file and line", () => {
  test.each([
    [
      `taxes: { rates: [ { key: v, name: V, rate: "101" } ] }`,
      /:6:4\d contracts\[0\]\.taxes\.rates\[0\]\.rate: .*between "0" and "100"/,
    ],
    [`taxes: {}`, /:6:5 contracts\[0\]\.taxes: has neither rates nor exemptions/],
    [
      `taxes: { rates: [ { key: v, name: V, rate: "1", prices: [bsae] } ] }`,
      /:6:\d+ contract acme-2026: taxes\.rates v names bsae, .* did you mean base\?/,
    ],
    [`taxes: { rates: [ { key: v, name: V, rate: "1", prices: [base] } ] }`, /:6:5 .*say nothing about calls/],
    [
      `taxes: { rates: [ { key: v, name: V, rate: "1" } ], exemptions: [ { key: e, kind: exempt, reason: R, prices: [base] } ] }`,
      /taxes name base in v and e: an exemption stands alone/,
    ],
    [
      `taxes: { rates: [ { key: v, name: V, rate: "1", compoundOn: [w] }, { key: w, name: W, rate: "1" } ] }`,
      /taxes\.rates\[0\]\.compoundOn\[0\]: w is none of the rates before it \(none\); put it there/,
    ],
    [
      `taxes: { amounts: inclusive, exemptions: [ { key: e, kind: reverse_charge, reason: R } ] }`,
      /exemptions\[0\]\.kind: amounts that contain the tax/,
    ],
    [`discounts: [ { key: d } ]`, /:6:\d+ contracts\[0\]\.discounts\[0\]: must have exactly one of percent and amount/],
    [`discounts: [ { key: d, amount: "-1" } ]`, /amount is "-1": it must not be negative/],
    [`discounts: [ { key: d, amount: "0.001" } ]`, /:6:\d+ .*EUR has 2 decimal places/],
    [`discounts: [ { key: d, percent: "1", periods: 0 } ]`, /periods: is 0; write a number of billing periods/],
    [
      `discounts: [ { key: d, percent: "1" }, { key: d, percent: "2" } ]`,
      /discounts\[1\]\.key: the key d is there twice/,
    ],
    [`discounts: [ { key: d, percent: "1", prices: [cals] } ]`, /discounts d names cals, .* did you mean calls\?/],
    [
      `discounts: [ { key: d, percent: "1", from: "2026-02-01T00:00:00Z", until: "2026-02-01T00:00:00Z" } ]`,
      /until .* does not lie after from/,
    ],
    [`commitments: [ { key: c } ]`, /commits to nothing/],
    [`allowances: [ { key: a, quantity: "0", prices: [calls] } ]`, /allowances\[0\]\.quantity: .*"0"/],
    [`allowances: [ { key: a, quantity: "5", prices: [] } ]`, /allowances\[0\]\.prices: names no price/],
    [`allowances: [ { key: a, quantity: "5", prices: [cals] } ]`, /allowances a names cals, .* did you mean calls\?/],
    [
      `allowances: [ { key: a, quantity: "5", prices: [base] } ]`,
      /:6:\d+ .*allowance a: base can't share free units: a flat price has no usage/,
    ],
    [
      `allowances: [ { key: a, quantity: "5", prices: [calls] }, { key: b, quantity: "5", prices: [calls] } ]`,
      /:6:\d+ .*allowance b: calls shares allowance a too; name it in one/,
    ],
    [`proration: hour`, /:6:\d+ contracts\[0\]\.proration: .*none, day, second/],
    [
      `commitments: [ { key: c, minimumAmount: "2", maximumAmount: "1" } ]`,
      /minimumAmount is "2": it must not be above maximumAmount "1"/,
    ],
    [`commitments: [ { key: base, minimumAmount: "2" } ]`, /:6:\d+ .*commitment base: a price has this key too/],
    [
      `commitments: [ { key: c, minimumAmount: "2" }, { key: d, prices: [base, calls], maximumAmount: "3" } ]`,
      /d: is about the same prices as c/,
    ],
    [
      `commitments: [ { key: c, prices: [base], minimumAmount: "5" }, { key: d, maximumAmount: "4" } ]`,
      /d: maximumAmount is "4", but c within it ask for 5/,
    ],
    [
      `taxes: { rates: [ { key: v, name: V, rate: "1", prices: [base, calls] } ] }\n    commitments: [ { key: c, minimumAmount: "5" } ]`,
      /taxes say nothing about c: give it a rate or an exemption/,
    ],
  ])("%s", (terms, problem) => {
    const found = plan({ contract: CONTRACT(`    ${terms}\n`) }).problems.map(
      (each) => `${fileAt(each.at)} ${each.problem}`,
    );
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^contract\.yaml:/);
    expect(found[0]).toMatch(problem);
  });

  test("a commitment that shares some prices with another", () => {
    const prices = CARD().replace(
      "- { key: base",
      `- { key: more, price: { model: flat, amount: "1" } }\n      - { key: base`,
    );
    const commitments = `    commitments:
      - { key: c, prices: [base, calls], minimumAmount: "5" }
      - { key: d, prices: [base, more], minimumAmount: "5" }
`;
    const found = plan({ card: prices + commitments }).problems;
    expect(found.map(({ at, problem }) => ({ at: fileAt(at), problem }))).toEqual([
      {
        at: "card.yaml:10:19",
        problem: "rate card payg: commitment d: shares some prices with c; divide them, or put one within the other",
      },
    ]);
  });
});

describe("free units that prices of a card share", () => {
  const ALLOWANCE = `    allowances: [ { key: a, quantity: "1000", prices: [calls] } ]\n`;
  const problems = (files: { card?: string; contract?: string }): readonly string[] =>
    plan(files).problems.map(({ at, problem }) => `${fileAt(at)} ${problem}`);

  test("are refused where a price can't count them, and told once", () => {
    const card = CARD(ALLOWANCE).replace(`unitAmount: "1" }`, `unitAmount: "1", unitConversion: { divideBy: "10" } }`);
    expect(problems({ card })).toEqual([
      "card.yaml:7:56 rate card payg: allowance a: calls can't share free units: it has unitConversion; take that out, so that its units are the meter's",
    ]);
  });

  test("are refused where a contract puts such a price in", () => {
    const override = `{ key: calls, meter: calls, price: { model: percentage, rate: "1", freeEvents: "2" } }`;
    expect(problems({ card: CARD(ALLOWANCE), contract: CONTRACT(`    overrides: [ ${override} ]\n`) })).toEqual([
      "contract.yaml:2:5 contract acme-2026: allowance a: calls can't share free units: percentage looks at events, not at one quantity",
    ]);
  });

  test("are replaced by those of a contract with the same key", () => {
    const contract = CONTRACT(
      `    allowances: [ { key: a, name: Included calls, quantity: "5000", prices: [calls] } ]\n`,
    );
    const made = plan({ card: CARD(ALLOWANCE), contract });
    expect(made.problems).toEqual([]);
    const found = made.versions.find(({ entity }) => entity === "contract");
    expect(found?.definition).toHaveProperty("allowances.0.quantity", "5000");
  });
});

describe("versions", () => {
  // Guarantee: what was applied before there were such terms keeps its content hash.
  test("terms that nobody gave are no part of a definition", () => {
    const made = plan({});
    expect(made.versions.at(-1)?.definition).not.toHaveProperty("taxes");
    const flat = { additional: false, key: "base", price: { amount: "10", model: "flat" }, where: {} };
    const calls = {
      additional: false,
      key: "calls",
      meter: "calls",
      price: { model: "per_unit", unitAmount: "1" },
      where: {},
    };
    const card = made.versions.find(({ entity }) => entity === "rate_card");
    expect(card?.hash).toBe(sha256Hex(canonicalJson({ currency: "EUR", key: "payg", prices: [flat, calls] })));
  });

  test("a changed tax of the card reaches its contracts, and terms that are taken out make a version too", () => {
    const before = applied(plan({}));
    const taxed = plan({ card: CARD(TAXES) }, before);
    expect(taxed.changes.map(({ kind, version }) => `${kind} ${version}`)).toEqual(["rate_card 2", "contract 2"]);
    const own = plan({ contract: CONTRACT(TAXES) }, before);
    expect(own.changes).toMatchObject([{ kind: "contract", version: 2, effectiveFrom: "2026-11-30T23:00:00Z" }]);
    const back = plan({}, applied(own, before));
    expect(back.changes).toMatchObject([{ kind: "contract", version: 3 }]);
    expect(back.changes[0]?.fields[0]).toMatch(/^taxes: .* → nothing$/);
  });

  test("how a contract prorates changes with a billing period, not within one", () => {
    const before = applied(plan({ contract: CONTRACT("    proration: none\n") }));
    expect(plan({}, before).versions).toEqual([]);
    const byDay = (from: string): ApplyPlan =>
      plan({ contract: CONTRACT(`    proration: day\n    effectiveFrom: "${from}"\n`) }, before);
    expect(byDay("2026-12-15T00:00:00+01:00").problems.map(({ at, problem }) => `${fileAt(at)} ${problem}`)).toEqual([
      "contract.yaml:6:5 contract acme-2026: proration changes from none to day at 2026-12-14T23:00:00Z, within a billing period; let it take effect at 2026-12-31T23:00:00Z",
    ]);
    const inJanuary = byDay("2027-01-01T00:00:00+01:00");
    expect(inJanuary).toMatchObject({ problems: [], changes: [{ kind: "contract", version: 2 }] });
    expect(inJanuary.changes[0]?.fields).toContain('proration: nothing → "day"');
  });

  // 10.01 half up until the 16th of 30 days and half even from then on would be 5.01 and 5.01.
  test("nor does the rounding of what is prorated", () => {
    const terms = (proration: string, more = ""): string => CONTRACT(`    proration: ${proration}\n${more}`);
    const halfEven = (from: string): string => `    rounding: half_even\n    effectiveFrom: "${from}"\n`;
    const before = applied(plan({ contract: terms("day") }));
    const within = plan({ contract: terms("day", halfEven("2026-12-15T00:00:00+01:00")) }, before);
    expect(within.problems.map(({ at, problem }) => `${fileAt(at)} ${problem}`)).toEqual([
      "contract.yaml:7:5 contract acme-2026: rounding changes from half_up to half_even at 2026-12-14T23:00:00Z, within a billing period; let it take effect at 2026-12-31T23:00:00Z",
    ]);
    expect(plan({ contract: terms("day", halfEven("2027-01-01T00:00:00+01:00")) }, before).problems).toEqual([]);
    const whole = applied(plan({ contract: terms("none") }));
    expect(plan({ contract: terms("none", halfEven("2026-12-15T00:00:00+01:00")) }, whole).problems).toEqual([]);
  });

  test("the same instants in other words are no change", () => {
    const from = (text: string): string => CONTRACT(`    discounts: [ { key: d, percent: "5", from: "${text}" } ]\n`);
    const state = applied(plan({ contract: from("2026-02-01T00:00:00+01:00") }));
    expect(plan({ contract: from("2026-01-31T23:00:00Z") }, state).versions).toEqual([]);
  });
});

test("is applied as the page on catalogs shows it", () => {
  const page = readFileSync(resolve(import.meta.dirname, "../../../../docs/catalog.md"), "utf8");
  const shown = /```yaml\n( {4}discounts:[^`]*)```/.exec(page)?.[1] ?? "";
  const named = shown.replaceAll("platform", "base").replaceAll("output", "calls").replaceAll(", input]", "]");
  expect(plan({ contract: CONTRACT(named) }).problems).toEqual([]);
  expect(shown).toContain("commitments:");
});
