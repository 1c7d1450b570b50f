/** Event types with a schema: as files have them, as versions, and as the diff shows a change. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { emptyJournalState, type JournalState } from "../../../../src/app/catalog/fold-journal.ts";
import { planApply, type ApplyPlan } from "../../../../src/app/catalog/plan-apply.ts";
import { compileMeteringCatalog } from "../../../../src/metering/metering-catalog.ts";
import { bodiesOfPlan, catalogInFiles, stateAfter } from "../../../support/catalog-in-files.ts";

const yaml = (maximum: string): string => `eventTypes:
  - key: llm.completion
    schema:
      type: object
      required: [tokens]
      properties:
        tokens: { type: integer, maximum: ${maximum} }
        share: { multipleOf: 0.1 }
`;
const OTHER = "customers:\n  - { key: acme, name: Acme, currency: EUR, timeZone: UTC }\n";

function plan(state: JournalState, text: string, prune = false): ApplyPlan {
  const { catalog, unread } = catalogInFiles({ "a.yaml": text });
  return planApply({ state, files: catalog, unread, now: 0n, prune });
}

function applied(state: JournalState, text: string, prune = false): JournalState {
  const made = plan(state, text, prune);
  expect(made.problems).toEqual([]);
  return stateAfter(bodiesOfPlan(made, `change-${String(state.head.seq)}`), state);
}

const problemsOf = (text: string): string[] =>
  plan(emptyJournalState(), text).problems.map(({ at, problem }) => `${at} ${problem}`);

describe("a schema", () => {
  // Guarantee: the numbers of a schema are those of the file, which JavaScript's numbers could not hold.
  test("keeps its numbers as they are written, in YAML and in JSON", () => {
    const state = applied(emptyJournalState(), yaml("10000000000000000000001"));
    const [version] = state.catalog.eventTypes.get("llm.completion") ?? [];
    expect(version?.definition.schema).toBe(
      '{"properties":{"share":{"multipleOf":0.1},"tokens":{"maximum":10000000000000000000001,"type":"integer"}},"required":["tokens"],"type":"object"}',
    );
    const json = `{"eventTypes":[{"key":"llm.completion","schema":${version?.definition.schema ?? ""}}]}`;
    expect(plan(state, json).changes).toEqual([]);
  });

  test("changed is a new version, and the diff shows what changed in it", () => {
    const state = applied(emptyJournalState(), yaml("5"));
    const made = plan(state, yaml("5.5"));
    expect(made.changes).toMatchObject([
      {
        action: "change",
        kind: "event_type",
        key: "llm.completion",
        version: 2,
        fields: ['schema.properties.tokens.maximum: 5 → "number 5.5"'],
      },
    ]);
  });

  test("guards events of its type until it is taken out", () => {
    const state = applied(emptyJournalState(), `${yaml("5")}${OTHER}`);
    expect([...compileMeteringCatalog(state.catalog).schemaByType.keys()]).toEqual(["llm.completion"]);
    expect(plan(state, OTHER).changes).toEqual([]);
    const pruned = applied(state, OTHER, true);
    expect(compileMeteringCatalog(pruned.catalog).schemaByType.size).toBe(0);
  });

  test("is applied as the page on catalogs shows it", () => {
    const page = readFileSync(resolve(import.meta.dirname, "../../../../docs/catalog.md"), "utf8");
    const shown = /```yaml\n(eventTypes:[^`]*)```/.exec(page)?.[1] ?? "";
    expect(plan(emptyJournalState(), shown)).toMatchObject({ problems: [], changes: [{ key: "llm.completion" }] });
  });

  test.each([
    ["schema: { type: text }", /^a\.yaml:3:15 eventTypes\[0\]\.schema\.type: must be one or a list of/],
    [
      "schema: { properties: { n: { minimum: .5 } } }",
      /^a\.yaml:3:43 eventTypes\[0\]\.schema: is \.5; write the number as JSON does/,
    ],
    [
      "schema: { properties: { n: { minimun: 1 } } }",
      /eventTypes\[0\]\.schema\.properties\.n\.minimun: is no keyword .* did you mean minimum\?$/,
    ],
    ["schema: [1]", /^a\.yaml:3:5 eventTypes\[0\]\.schema: must be a schema/],
    ["schema: null", /eventTypes\[0\]\.schema: must be a schema/],
    ["name: x", /eventTypes\[0\]\.schema: is missing/],
  ])("that is wrong is refused with its place: %s", (line, problem) => {
    expect(problemsOf(`eventTypes:\n  - key: t\n    ${line}\n`)).toContainEqual(expect.stringMatching(problem));
  });
});
