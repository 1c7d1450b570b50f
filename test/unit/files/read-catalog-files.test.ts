/** Catalog files: everything that is wrong with them, at once and in its place. */
import { expect, test } from "vitest";
import { planApply } from "../../../src/app/catalog/plan-apply.ts";
import { emptyJournalState } from "../../../src/app/catalog/fold-journal.ts";
import { readCatalogFiles } from "../../../src/files/read-catalog-files.ts";
import { catalogInFiles } from "../../support/catalog-in-files.ts";

/** `place problem` of each, as a person would read them. */
function problemsOf(files: Readonly<Record<string, string>>): string[] {
  const { catalog, unread } = catalogInFiles(files);
  const plan = planApply({ state: emptyJournalState(), files: catalog, unread, now: 0n, prune: false });
  return plan.problems.map(({ at, problem }) => `${at.slice(at.lastIndexOf("/") + 1)} ${problem}`);
}

const METER = "meters:\n  - { key: out, eventType: t, aggregation: sum, value: /data/out }\n";

test("files of any depth and of both kinds are read, others are not", () => {
  const { catalog, problems } = catalogInFiles({
    "a.yaml": METER,
    "deep/er/b.yml": "customers:\n  - { key: acme, name: Acme, currency: EUR, timeZone: UTC }\n",
    "c.json": '{ "meters": [ { "key": "calls", "eventType": "t", "aggregation": "count" } ] }',
    "empty.yaml": "# nothing yet\n",
    "notes.txt": "not read",
  });
  expect(problems).toEqual([]);
  expect(catalog.meters.map(({ value }) => value.key)).toEqual(["out", "calls"]);
  expect(catalog.customers.map(({ value }) => value)).toEqual([
    { key: "acme", name: "Acme", aliases: [], currency: "EUR", timeZone: "UTC" },
  ]);
});

// Guarantee: one look shows everything: fields, references and repeated keys of all files, each with its place, none as the consequence of another.
test("all problems come at once", () => {
  const found = problemsOf({
    "a.yaml": `meters:
  - { key: out, eventType: t, agregation: sum, value: data/x }
  - { key: 12, eventType: t, aggregation: som }
customers:
  - { key: acme, name: A, currency: EURO, timeZone: Berlin }
rateCards:
  - key: payg
    currency: EUR
    prices:
      - { key: p, meter: nowhere, price: { model: per_unit, unitAmount: 0.5 } }
      - { key: q, meter: out, price: { model: flat, amount: "1" } }
contracts:
  - key: c
    customer: acme
    rateCard: pagy
    effective: { from: "2026-01-01T00:07:00+01:00" }
    billing: { interval: month, anchorDay: 32 }
`,
    "b.json": '{ "meters": [ { "key": "out", "eventType": "x", "aggregation": "count" } ], "customer": [] }',
  });
  expect(found).toEqual([
    "a.yaml:2:5 meters[0].aggregation: is missing",
    expect.stringMatching(/^a\.yaml:2:48 meters\[0\]\.value: is "data\/x"; must be a JSON pointer/),
    expect.stringMatching(
      /^a\.yaml:2:31 meters\[0\]\.agregation: unknown field "agregation": .* did you mean "aggregation"\?$/,
    ),
    'a.yaml:3:7 meters[1].key: is the number 12; put it in quotes, "12"',
    expect.stringMatching(/^a\.yaml:3:30 meters\[1\]\.aggregation: is "som"; write one of count, sum, /),
    "a.yaml:3:5 meters[1].value: is missing: every aggregation but count needs a JSON pointer to its value",
    expect.stringMatching(/^a\.yaml:5:27 customers\[0\]\.currency: is "EURO"; must be an ISO 4217 code/),
    expect.stringMatching(/^a\.yaml:5:43 customers\[0\]\.timeZone: is "Berlin"; must be an IANA time zone/),
    expect.stringMatching(
      /^a\.yaml:10:61 rateCards\[0\]\.prices\[0\]\.price\.unitAmount: unitAmount is the number 0\.5: put it in quotes, "0\.5"/,
    ),
    "a.yaml:11:19 rateCards[0].prices[1].meter: must be absent: a flat price charges per period",
    expect.stringMatching(
      /^a\.yaml:16:18 contracts\[0\]\.effective\.from: is "2026-01-01T00:07:00\+01:00"; must be a time with offset on a full quarter/,
    ),
    "a.yaml:17:33 contracts[0].billing.anchorDay: is 32; write a day of the month from 1 to 31, without quotes",
    expect.stringMatching(/^b\.json:1:77 customer: unknown field "customer": .* did you mean "customers"\?$/),
    expect.stringMatching(/^b\.json:1:17 meters: the key out is already used at .*a\.yaml:2:7; choose another$/),
    "a.yaml:10:19 rateCards[0].prices[0].meter: nowhere does not exist; there are out",
    "a.yaml:15:5 contracts[0].rateCard: pagy does not exist; did you mean payg?",
  ]);
});

test.each([
  ["a file that is no YAML", "meters: [\n", /^a\.yaml:2:1 /],
  [
    "a field that is there twice",
    "meters:\n  - { key: a, key: b, eventType: t, aggregation: count }\n",
    /^a\.yaml:2:15 Map keys must be unique/,
  ],
  [
    "a list instead of an object",
    "- a\n",
    /^a\.yaml:1:1 the file: is \["a"\]; write an object with the sections meters, /,
  ],
  ["an object instead of a list", "meters: { key: a }\n", /^a\.yaml:1:1 meters: is \{"key":"a"\}; write a list/],
  [
    "a text instead of an entity",
    "meters: [a]\n",
    /^a\.yaml:1:10 meters\[0\]: is "a"; write an object with the fields key, /,
  ],
  [
    "a dimension's name",
    METER.replace("}", ", dimensions: { 'a b': /data/a } }"),
    /dimensions\.a b: the name is "a b"; must begin with a letter/,
  ],
  [
    "a name that no object can have",
    METER.replace("}", ", dimensions: { __proto__: /data/a } }"),
    /__proto__ cannot be a field or a name/,
  ],
  [
    "too many dimensions",
    METER.replace("}", `, dimensions: { ${Array.from({ length: 17 }, (_, i) => `d${i}: /d/${i}`).join(", ")} } }`),
    /dimensions: must be at most 16/,
  ],
  [
    "aliases without end",
    "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b]\nd: [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n",
    /^a\.yaml:1:1 /,
  ],
])("%s is told with its place", (_what, text, problem) => {
  expect(problemsOf({ "a.yaml": text })[0]).toMatch(problem);
});

// Guarantee: a file that cannot be read hides no other file's problems and invents none.
test("a broken file makes nothing unknown", () => {
  const found = problemsOf({
    "broken.yaml": "customers: [",
    "contracts.yaml":
      'contracts:\n  - { key: c, customer: acme, rateCard: payg, effective: { from: "2026-01-01T00:00:00Z" }, unpriced: maybe }\n  - { key: d, customer: acme, rateCard: payg, effective: { from: "2026-01-01T00:00:00Z" } }\n',
  });
  expect(found).toEqual([
    expect.stringMatching(/^broken\.yaml:/),
    'contracts.yaml:2:92 contracts[0].unpriced: is "maybe"; write one of error, free',
  ]);
});

test("bytes that are no UTF-8 are told, never replaced", () => {
  const found = problemsOf({ "a.yaml": Buffer.from("meters: [] # \xff", "latin1") as unknown as string });
  expect(found).toEqual(["a.yaml:1:1 the file is not valid UTF-8"]);
});

test.each([
  ["/nowhere-at-all", "CATALOG_DIRECTORY_MISSING"],
  [new URL(import.meta.url).pathname, "CATALOG_DIRECTORY_MISSING"],
  ["x".repeat(300), "CATALOG_DIRECTORY_MISSING"],
  [new URL("../../../docs/adr", import.meta.url).pathname, "CATALOG_FILES_MISSING"],
])("%s holds no catalog", (directory, code) => {
  expect(() => readCatalogFiles(directory)).toThrow(expect.objectContaining({ code, kind: "invalid" }));
});

// Guarantee: the example that the documentation shows is a catalog that can be applied.
test("the example catalog has no problem", () => {
  const { catalog, unread } = readCatalogFiles(new URL("../../../docs/examples/catalog", import.meta.url).pathname);
  const plan = planApply({ state: emptyJournalState(), files: catalog, unread, now: 0n, prune: true });
  expect(plan.problems).toEqual([]);
  expect(plan.versions.length).toBeGreaterThan(10);
});

// Guarantee: what takes usage back is no usage, so no price can rest on it.
test.each(["meterline.void", "meterline.amend"])("no meter may count %s", (type) => {
  const found = problemsOf({ "a.yaml": METER.replace("eventType: t", `eventType: ${type}`) });
  expect(found).toEqual([expect.stringContaining("not one of the types that take usage back")]);
});
