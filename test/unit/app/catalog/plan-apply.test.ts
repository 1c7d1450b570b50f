/** What an apply would do: versions, when they take effect, and what is refused. */
import { describe, expect, test } from "vitest";
import { contractSpans } from "../../../../src/app/catalog/contract-spans.ts";
import { emptyJournalState, type JournalState } from "../../../../src/app/catalog/fold-journal.ts";
import { planApply, type ApplyPlan } from "../../../../src/app/catalog/plan-apply.ts";
import { instantOf, instantText } from "../../../../src/kernel/instant.ts";
import { bodiesOfPlan, catalogInFiles, finalizedInvoice, stateAfter } from "../../../support/catalog-in-files.ts";

const NOW = "2026-11-20T12:00:00Z";
const METERS = `meters:
  - { key: out, eventType: llm, aggregation: sum, value: /data/out, dimensions: { model: /data/model } }
  - { key: calls, eventType: llm, aggregation: count }
`;
const CUSTOMERS = `customers:
  - { key: acme, name: Acme, aliases: [acme-eu], currency: EUR, timeZone: Europe/Berlin }
`;
const card = (amount = "2", more = ""): string => `rateCards:
  - key: payg
    currency: EUR
${more}    prices:
      - { key: output, meter: out, price: { model: per_unit, unitAmount: "${amount}" } }
      - { key: calls, meter: calls, price: { model: per_unit, unitAmount: "1" } }
`;
const contract = (more = "", key = "acme-2026"): string => `contracts:
  - key: ${key}
    customer: acme
    rateCard: payg
    effective: { from: "2026-01-01T00:00:00+01:00" }
${more}`;
const BASE = { "meters.yaml": METERS, "customers.yaml": CUSTOMERS, "cards.yaml": card(), "contracts.yaml": contract() };

type Options = { readonly now?: string; readonly prune?: boolean };

function plan(state: JournalState, files: Readonly<Record<string, string>>, options: Options = {}): ApplyPlan {
  const { catalog, unread } = catalogInFiles(files);
  return planApply({
    state,
    files: catalog,
    unread,
    now: instantOf(options.now ?? NOW, "now"),
    prune: options.prune ?? false,
  });
}

let changes = 0;
function applied(state: JournalState, files: Readonly<Record<string, string>>, options: Options = {}): JournalState {
  const made = plan(state, files, options);
  expect(made.problems).toEqual([]);
  changes += 1;
  return stateAfter(bodiesOfPlan(made, `change-${changes}`), state);
}

const problemsOf = (made: ApplyPlan): string[] => made.problems.map(({ problem }) => problem);
const linesOf = (made: ApplyPlan): string[] =>
  made.changes.map((change) => `${change.action} ${change.kind} ${change.key} v${change.version}`);

describe("versions", () => {
  test("a first apply adds every entity, a contract from its own beginning and with its card pinned", () => {
    const made = plan(emptyJournalState(), BASE);
    expect(made.problems).toEqual([]);
    expect(linesOf(made)).toEqual([
      "add meter out v1",
      "add meter calls v1",
      "add customer acme v1",
      "add rate_card payg v1",
      "add contract acme-2026 v1",
    ]);
    const version = made.versions.at(-1);
    expect(version?.definition).toMatchObject({
      rateCardVersion: 1,
      rateCardHash: made.versions[3]?.hash,
      effectiveFrom: "2025-12-31T23:00:00Z",
      timeZone: "Europe/Berlin",
    });
  });

  // Guarantee: applying the same files again changes nothing, also when they say the same in other words.
  test("the same files twice give no entry", () => {
    const state = applied(emptyJournalState(), BASE);
    expect(plan(state, BASE).versions).toEqual([]);
    const reworded = {
      ...BASE,
      "contracts.yaml": contract(`    billing: { anchorDay: 1 }\n    unpriced: error\n`).replace(
        "2026-01-01T00:00:00+01:00",
        "2025-12-31T23:00:00Z",
      ),
    };
    expect(plan(state, reworded).versions).toEqual([]);
  });

  test("a changed card reaches its contract with the next period of the contract's zone, and the diff says which amount", () => {
    const state = applied(emptyJournalState(), BASE);
    const made = plan(state, { ...BASE, "cards.yaml": card("3") });
    expect(linesOf(made)).toEqual(["change rate_card payg v2", "change contract acme-2026 v2"]);
    expect(made.changes[0]?.fields).toEqual(['prices.output.price.unitAmount: "2" → "3"']);
    expect(made.changes[1]?.effectiveFrom).toBe("2026-11-30T23:00:00Z");
    expect(made.changes[1]?.fields).toContain("rateCardVersion: 1 → 2");
  });

  // Guarantee: a contract follows its card also when its own file is not at hand.
  test("a changed card reaches contracts that the files do not mention", () => {
    const state = applied(emptyJournalState(), BASE);
    expect(linesOf(plan(state, { "cards.yaml": card("3") }))).toEqual([
      "change rate_card payg v2",
      "change contract acme-2026 v2",
    ]);
  });

  test("a card's effectiveFrom says when its change reaches the contracts, and is past only for all to see", () => {
    const state = applied(emptyJournalState(), BASE);
    const made = plan(state, { ...BASE, "cards.yaml": card("3", '    effectiveFrom: "2026-11-16T19:00:00Z"\n') });
    expect(made.changes[1]).toMatchObject({ effectiveFrom: "2026-11-16T19:00:00Z", retroactive: true });
  });

  // Guarantee: nothing re-prices the past by accident: an effectiveFrom that a change has left behind in the card moves no later change of the contract.
  test("an effectiveFrom left in the card does not move another change", () => {
    const dated = { ...BASE, "cards.yaml": card("3", '    effectiveFrom: "2026-11-16T19:00:00Z"\n') };
    const state = applied(applied(emptyJournalState(), BASE), dated);
    const made = plan(state, { ...dated, "contracts.yaml": contract("    unpriced: free\n") });
    expect(made.changes).toMatchObject([{ kind: "contract", version: 3, effectiveFrom: "2026-11-30T23:00:00Z" }]);
  });

  test("an effectiveFrom left in the contract does not move a change of its card", () => {
    const dated = {
      ...BASE,
      "contracts.yaml": contract('    unpriced: free\n    effectiveFrom: "2026-11-16T19:00:00Z"\n'),
    };
    const state = applied(applied(emptyJournalState(), BASE), dated);
    const made = plan(state, { ...dated, "cards.yaml": card("3") });
    expect(made.changes.at(-1)).toMatchObject({ kind: "contract", version: 3, effectiveFrom: "2026-11-30T23:00:00Z" });
  });

  test("a change to come can be moved earlier, but not later", () => {
    const state = applied(applied(emptyJournalState(), BASE), { ...BASE, "cards.yaml": card("3") });
    const at = (instant: string) =>
      plan(state, {
        ...BASE,
        "cards.yaml": card("3"),
        "contracts.yaml": contract(`    effectiveFrom: "${instant}"\n`),
      });
    expect(at("2026-11-25T00:00:00Z").changes).toMatchObject([{ version: 3, effectiveFrom: "2026-11-25T00:00:00Z" }]);
    expect(problemsOf(at("2027-01-01T00:00:00Z"))).toEqual([
      expect.stringContaining("takes effect at 2026-11-30T23:00:00Z and never changes"),
    ]);
  });

  test("overrides replace prices by key and are part of the version", () => {
    const state = applied(emptyJournalState(), BASE);
    const override = `    overrides: [ { key: calls, meter: calls, price: { model: per_unit, unitAmount: "0.5" } } ]\n`;
    const made = plan(state, { ...BASE, "contracts.yaml": contract(override) });
    expect(made.problems).toEqual([]);
    expect(made.changes[0]?.fields[0]).toMatch(/^overrides\.calls: nothing → /);
  });

  test("the order of prices is told when it is all that changed", () => {
    const state = applied(emptyJournalState(), BASE);
    const [head, first, second] = card().split(/(?= {6}- )/);
    const made = plan(state, { ...BASE, "cards.yaml": `${head ?? ""}${second ?? ""}${first ?? ""}` });
    expect(made.changes[0]?.fields).toEqual(["prices: order output, calls → calls, output"]);
  });

  test("an ended contract is left alone when its card changes", () => {
    const ended = {
      ...BASE,
      "contracts.yaml": contract().replace('+01:00" }', '+01:00", to: "2026-07-01T00:00:00+02:00" }'),
    };
    const state = applied(emptyJournalState(), ended);
    const changed = { ...ended, "cards.yaml": card("3") };
    expect(linesOf(plan(state, changed))).toEqual(["change rate_card payg v2"]);
    expect(plan(applied(state, changed), changed).versions).toEqual([]);
  });
});

describe("what is refused", () => {
  const base = (): JournalState => applied(emptyJournalState(), BASE);

  test.each([
    [
      "a meter's aggregation",
      METERS.replace("aggregation: sum", "aggregation: max"),
      "meter out: aggregation never changes",
    ],
    ["a meter's event type", METERS.replace("eventType: llm", "eventType: chat"), "meter out: eventType never changes"],
    ["a meter's value", METERS.replace("/data/out", "/data/other"), "meter out: value never changes"],
    [
      "whether a meter is recurring",
      METERS.replace("value: /data/out", "value: /data/out, recurring: true"),
      "meter out: recurring never changes",
    ],
    ["a meter's dimensions", METERS.replace("{ model: /data/model }", "{}"), "meter out: dimensions never changes"],
  ])("%s changes", (_what, meters, message) => {
    expect(problemsOf(plan(base(), { ...BASE, "meters.yaml": meters }))).toEqual([expect.stringContaining(message)]);
  });

  test("for how many hours a meter holds a level changes", () => {
    const held = (more: string) => ({
      "meters.yaml": `meters: [ { key: disk, eventType: d, aggregation: latest, value: /data/gb, bucket: hour${more} } ]`,
    });
    const state = applied(emptyJournalState(), held(", holdFor: 3"));
    expect(plan(state, held(", holdFor: 3")).problems).toEqual([]);
    for (const more of ["", ", holdFor: 4"])
      expect(problemsOf(plan(state, held(more)))).toEqual([
        expect.stringContaining("meter disk: holdFor never changes"),
      ]);
  });

  // Guarantee: usage of a meter keeps its meaning: taking the meter out and putting another one in its place is the same as changing it.
  test("a meter that was taken out comes back with another definition", () => {
    const bare = { "meters.yaml": METERS };
    const without = {
      "meters.yaml": METERS.split("\n")
        .filter((line) => !line.includes("key: calls"))
        .join("\n"),
    };
    const state = applied(applied(emptyJournalState(), bare), without, { prune: true });
    const back = plan(state, {
      "meters.yaml": METERS.replace("aggregation: count", "aggregation: sum, value: /data/out"),
    });
    expect(problemsOf(back)).toEqual([
      expect.stringContaining("meter calls: aggregation never changes"),
      expect.stringContaining("meter calls: value never changes"),
    ]);
    expect(plan(state, bare).problems).toEqual([]);
  });

  test("whenMissing may change: it gives no number another meaning", () => {
    const meters = METERS.replace("aggregation: sum", "whenMissing: skip, aggregation: sum");
    expect(plan(base(), { ...BASE, "meters.yaml": meters })).toMatchObject({
      problems: [],
      changes: [{ key: "out", version: 2 }],
    });
  });

  test("currencies disagree, also of a contract that the files do not mention", () => {
    const customers = CUSTOMERS.replace("EUR", "USD");
    const message = "contract acme-2026: rate card payg is in EUR, customer acme is billed in USD; they must agree";
    expect(problemsOf(plan(emptyJournalState(), { ...BASE, "customers.yaml": customers }))).toEqual([message]);
    const made = plan(base(), { "customers.yaml": customers });
    expect(made.problems.map(({ problem }) => problem)).toEqual([message]);
    expect(made.problems[0]?.at).toMatch(/customers\.yaml:2:5$/);
  });

  test.each([
    ["the same meter", "", true],
    ["a part of it", ", where: { model: small }", true],
    ["the same usage, but said to be additional", ", additional: true", false],
  ])("two prices charge %s", (_what, more, refused) => {
    const cards = `${card()}      - { key: second, meter: out${more}, price: { model: per_unit, unitAmount: "1" } }\n`;
    const found = problemsOf(plan(emptyJournalState(), { ...BASE, "cards.yaml": cards }));
    expect(found).toEqual(
      refused ? [expect.stringContaining("prices output and second would both charge usage of out")] : [],
    );
  });

  test("prices are apart when a dimension must differ, and only then", () => {
    const prices = (a: string, b: string): string =>
      `rateCards:\n  - key: payg\n    currency: EUR\n    prices:\n` +
      [a, b]
        .map(
          (where, index) =>
            `      - { key: p${index}, meter: out, where: ${where}, price: { model: per_unit, unitAmount: "1" } }\n`,
        )
        .join("");
    const meters = METERS.replace(
      "{ model: /data/model }",
      "{ model: /data/model, region: /data/region, constructor: /data/c }",
    );
    const found = (a: string, b: string): number =>
      plan(emptyJournalState(), { "meters.yaml": meters, "cards.yaml": prices(a, b) }).problems.length;
    expect(found("{ model: small }", "{ model: large }")).toBe(0);
    expect(found("{ model: small }", "{ region: eu }")).toBe(1);
    expect(found("{ model: small, region: eu }", "{ model: small, region: us }")).toBe(0);
    expect(found("{ constructor: a }", "{ model: small }")).toBe(1);
  });

  test("two contracts of one customer charge the same usage at the same time", () => {
    const second = contract().replace("contracts:\n", "").replace("acme-2026", "acme-extra");
    const both = { ...BASE, "contracts.yaml": contract() + second };
    expect(problemsOf(plan(emptyJournalState(), both))).toEqual([
      expect.stringMatching(/^contract acme-extra: from 2025-12-31T23:00:00Z on its price output/),
    ]);
    const ended = {
      ...BASE,
      "contracts.yaml":
        contract().replace('+01:00" }', '+01:00", to: "2026-07-01T00:00:00+02:00" }') +
        second.replace("2026-01-01T00:00:00+01:00", "2026-07-01T00:00:00+02:00"),
    };
    expect(plan(emptyJournalState(), ended).problems).toEqual([]);
  });

  test("references lead nowhere, with the name that was meant", () => {
    const files = {
      ...BASE,
      "cards.yaml": card().replace("meter: calls", "meter: cals"),
      "contracts.yaml": contract().replace("customer: acme", "customer: acne"),
    };
    const made = plan(emptyJournalState(), files);
    expect(problemsOf(made)).toEqual([
      "rate card payg, price calls: meter cals does not exist; did you mean calls?",
      "contract acme-2026: customer acne does not exist; did you mean acme?",
    ]);
    expect(made.problems.map(({ at }) => at.slice(at.lastIndexOf("/") + 1))).toEqual([
      "cards.yaml:6:9",
      "contracts.yaml:3:5",
    ]);
  });

  test("where names a dimension that the meter does not have", () => {
    const cards = card().replace("meter: out,", "meter: out, where: { modle: small },");
    expect(problemsOf(plan(emptyJournalState(), { ...BASE, "cards.yaml": cards }))).toEqual([
      "rate card payg, price output: where names the dimension modle, which meter out does not have; did you mean model?",
    ]);
  });

  test("an alias belongs to somebody else", () => {
    const customers = `${CUSTOMERS}  - { key: beta, name: Beta, aliases: [acme-eu, acme], currency: EUR, timeZone: UTC }\n`;
    expect(problemsOf(plan(emptyJournalState(), { ...BASE, "customers.yaml": customers }))).toEqual([
      expect.stringContaining("customer beta: the alias acme-eu is already the key or an alias of acme"),
      expect.stringContaining("customer beta: the alias acme is already the key or an alias of acme"),
    ]);
  });

  test.each([
    ["timeZone", "    timeZone: UTC\n"],
    ["billing", "    billing: { interval: month, anchorDay: 15 }\n"],
  ])("a contract's %s changes", (field, more) => {
    expect(problemsOf(plan(base(), { ...BASE, "contracts.yaml": contract(more) }))).toEqual([
      expect.stringContaining(`contract acme-2026: ${field} never changes`),
    ]);
  });

  test("a new contract states another beginning than its own", () => {
    const made = plan(emptyJournalState(), {
      ...BASE,
      "contracts.yaml": contract('    effectiveFrom: "2026-05-01T00:00:00Z"\n'),
    });
    expect(problemsOf(made)).toEqual([
      expect.stringContaining("a new contract begins at effective.from (2025-12-31T23:00:00Z)"),
    ]);
  });
});

describe("finalized periods", () => {
  const finalized = (): JournalState =>
    stateAfter(
      [
        {
          kind: "invoice.finalized",
          invoice: finalizedInvoice({
            contract: "acme-2026",
            periodFrom: "2026-09-30T22:00:00Z",
            periodTo: "2026-10-31T23:00:00Z",
            position: 1,
          }),
        },
      ],
      applied(emptyJournalState(), BASE),
    );

  test.each([
    ["2026-10-31T22:45:00Z", false],
    ["2026-10-31T23:00:00Z", true],
  ])("a change from %s on", (instant, allowed) => {
    const made = plan(finalized(), { ...BASE, "cards.yaml": card("3", `    effectiveFrom: "${instant}"\n`) });
    expect(problemsOf(made)).toEqual(
      allowed
        ? []
        : [expect.stringContaining("lies before 2026-10-31T23:00:00Z, the end of the finalized invoice INV-000001")],
    );
  });

  // Guarantee: the end of a contract is a change as well: it must not cut a period that was invoiced.
  test("an end within an invoiced period", () => {
    const ends = (to: string): ApplyPlan =>
      plan(finalized(), { ...BASE, "contracts.yaml": contract().replace('+01:00" }', `+01:00", to: "${to}" }`) });
    expect(problemsOf(ends("2026-10-15T00:00:00Z"))).toEqual([
      expect.stringContaining("effective.to 2026-10-15T00:00:00Z lies before"),
    ]);
    expect(problemsOf(ends("2026-10-31T23:00:00Z"))).toEqual([]);
  });

  test("a contract that was taken out and comes back does not begin anew", () => {
    const { "contracts.yaml": _gone, ...rest } = BASE;
    const state = applied(finalized(), rest, { prune: true });
    const made = plan(state, BASE, { now: "2027-03-05T00:00:00Z" });
    expect(made.problems).toEqual([]);
    expect(made.changes).toMatchObject([{ action: "add", version: 3, effectiveFrom: "2027-03-31T22:00:00Z" }]);
  });
});

describe("--prune", () => {
  test("without it nothing is taken out", () => {
    const state = applied(emptyJournalState(), BASE);
    expect(plan(state, { "meters.yaml": METERS }).versions).toEqual([]);
  });

  test("a contract ends with its period, and its spans say so", () => {
    const state = applied(emptyJournalState(), BASE);
    const { "contracts.yaml": _gone, ...rest } = BASE;
    const after = applied(state, rest, { prune: true });
    const spans = contractSpans(after.catalog.contracts.get("acme-2026") ?? []);
    expect(spans.map(({ from, to }) => [instantText(from), to === null ? null : instantText(to)])).toEqual([
      ["2025-12-31T23:00:00Z", "2026-11-30T23:00:00Z"],
    ]);
  });

  test("what is still used stays", () => {
    const state = applied(emptyJournalState(), BASE);
    const made = plan(state, { "contracts.yaml": contract() }, { prune: true });
    expect(problemsOf(made)).toEqual(
      expect.arrayContaining([
        expect.stringContaining(
          "rate card payg is not in the files and would be taken out, but is used by contract acme-2026",
        ),
        expect.stringContaining(
          "customer acme is not in the files and would be taken out, but is used by contract acme-2026",
        ),
      ]),
    );
  });

  // Guarantee: an entity that could not be read is never taken for one that was taken out.
  test("nothing is taken out while a file cannot be read", () => {
    const state = applied(emptyJournalState(), BASE);
    const made = plan(
      state,
      { ...BASE, "meters.yaml": "meters: [", "contracts.yaml": contract().replace("acme-2026", "other") },
      { prune: true },
    );
    expect(made.changes.filter((change) => change.action === "remove")).toEqual([]);
    expect(made.problems.length).toBeGreaterThan(0);
  });
});
