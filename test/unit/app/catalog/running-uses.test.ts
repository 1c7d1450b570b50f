/** What `--prune` may take out while contracts still charge usage. */
import { describe, expect, test } from "vitest";
import { emptyJournalState, type JournalState } from "../../../../src/app/catalog/fold-journal.ts";
import { planApply, type ApplyPlan } from "../../../../src/app/catalog/plan-apply.ts";
import { instantOf } from "../../../../src/kernel/instant.ts";
import { bodiesOfPlan, catalogInFiles, stateAfter } from "../../../support/catalog-in-files.ts";

const NOW = "2026-11-20T12:00:00Z";
const AFTER_THE_PERIOD = "2026-11-30T23:00:00Z";
const OUT = "  - { key: out, eventType: llm, aggregation: sum, value: /data/out }\n";
const CALLS = "  - { key: calls, eventType: llm, aggregation: count }\n";
const METERS = `meters:\n${OUT}${CALLS}`;
const CUSTOMER = "customers:\n  - { key: acme, name: Acme, currency: EUR, timeZone: Europe/Berlin }\n";
const PRICES = {
  out: '      - { key: output, meter: out, price: { model: per_unit, unitAmount: "2" } }\n',
  calls: '      - { key: calls, meter: calls, price: { model: per_unit, unitAmount: "1" } }\n',
};
const card = (prices: string): string => `rateCards:\n  - key: payg\n    currency: EUR\n    prices:\n${prices}`;
const CARD = card(PRICES.out + PRICES.calls);
const CONTRACT = `contracts:
  - { key: acme-2026, customer: acme, rateCard: payg, effective: { from: "2026-01-01T00:00:00+01:00" } }
`;
const ALL = METERS + CUSTOMER + CARD + CONTRACT;

function plan(state: JournalState, text: string, now = NOW): ApplyPlan {
  const { catalog, unread } = catalogInFiles({ "catalog.yaml": text });
  return planApply({ state, files: catalog, unread, now: instantOf(now, "now"), prune: true });
}

function applied(state: JournalState, text: string, now = NOW): JournalState {
  const made = plan(state, text, now);
  expect(made.problems).toEqual([]);
  return stateAfter(bodiesOfPlan(made, `change-${state.head.seq}`), state);
}

const problemsOf = (made: ApplyPlan): string[] => made.problems.map(({ problem }) => problem);
const kept = (what: string): unknown =>
  expect.stringContaining(
    `${what} is not in the files and would be taken out, but contract acme-2026 charges its usage`,
  );

describe("--prune with a contract that still runs", () => {
  // Guarantee: usage that a contract charges is counted until the contract's end, also when everything is taken out at once.
  test("its customer and meters stay until it ends", () => {
    const state = applied(emptyJournalState(), ALL);
    const made = plan(state, "meters: []\n");
    expect(problemsOf(made)).toEqual([kept("customer acme"), kept("meter out"), kept("meter calls")]);
    expect(problemsOf(made)[0]).toContain(`until ${AFTER_THE_PERIOD}: keep it in the files as long as that`);
    expect(made.problems.map(({ at }) => at)).toEqual(["--prune", "--prune", "--prune"]);
  });

  test("a contract that was taken out earlier counts until its end, and no longer", () => {
    const state = applied(applied(emptyJournalState(), ALL), METERS + CUSTOMER);
    expect(problemsOf(plan(state, METERS))).toEqual([kept("customer acme")]);
    const ended = plan(state, "meters: []\n", AFTER_THE_PERIOD);
    expect(ended.problems).toEqual([]);
    expect(ended.changes.map(({ action, kind, key }) => `${action} ${kind} ${key}`)).toEqual([
      "remove customer acme",
      "remove meter out",
      "remove meter calls",
    ]);
  });

  // Guarantee: a price that was dropped charges until the contract's next period, and so long its meter counts.
  test("the meter of a dropped price stays until the card's change reaches the contract", () => {
    const state = applied(emptyJournalState(), ALL);
    const without = `meters:\n${OUT}${CUSTOMER}${card(PRICES.out)}${CONTRACT}`;
    expect(problemsOf(plan(state, without))).toEqual([kept("meter calls")]);
    const dropped = applied(state, METERS + CUSTOMER + card(PRICES.out) + CONTRACT);
    expect(problemsOf(plan(dropped, without))).toEqual([kept("meter calls")]);
    expect(plan(dropped, without, AFTER_THE_PERIOD).problems).toEqual([]);
  });

  test("the rate card may go with the contract: it stays pinned", () => {
    const state = applied(emptyJournalState(), ALL);
    expect(plan(state, METERS + CUSTOMER).problems).toEqual([]);
  });
});
