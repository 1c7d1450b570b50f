/** Meters that point to what their event type's schema does not have. */
import { expect, test } from "vitest";
import { emptyJournalState } from "../../../../src/app/catalog/fold-journal.ts";
import { planApply } from "../../../../src/app/catalog/plan-apply.ts";
import { bodiesOfPlan, catalogInFiles, stateAfter } from "../../../support/catalog-in-files.ts";

const CLOSED = `eventTypes:
  - key: t
    schema:
      type: object
      additionalProperties: false
      properties:
        n: { type: number }
        tags: { type: object, additionalProperties: { type: string } }
        list: { type: array }
        open: { type: object }
        free: true
`;
const meters = (fields: string): string => `meters:\n  - { key: m, eventType: t, aggregation: sum, ${fields} }\n`;

function plan(files: Readonly<Record<string, string>>, state = emptyJournalState()) {
  const { catalog, unread } = catalogInFiles(files);
  return planApply({ state, files: catalog, unread, now: 0n, prune: false });
}

test.each([
  ["value: /data/n", []],
  ["value: /data/tags/any", []],
  ["value: /data/list/0/n", []],
  ["value: /data/open/a/b", []],
  ["value: /data/free/a", []],
  ["value: /subject", []],
  ["value: /data/m", ["/data/m; correct the pointer /data/m,"]],
  ["value: /data/n/unit", ["/data/n/unit; correct"]],
  ["value: /data/tags/a/b", ["/data/tags/a/b; correct"]],
  ["value: /data/n + 2 * /data/k", ["/data/k; correct the pointer /data/k,"]],
  ["value: /data/n, where: { /data/x: y }", ["/data/x; correct"]],
  ["value: /data/n, dimensions: { d: /data/y }", ["/data/y; correct"]],
])("%s", (fields, problems) => {
  const found = plan({ "types.yaml": CLOSED, "meters.yaml": meters(fields) }).problems;
  expect(found.map(({ at, problem }) => `${at.slice(at.lastIndexOf("/") + 1)} ${problem}`)).toEqual(
    problems.map(
      (problem) =>
        expect.stringMatching(
          new RegExp(`^meters\\.yaml:2:\\d+ meter m: the schema of t lets no event have ${problem}`),
        ) as unknown,
    ),
  );
});

test("a schema that comes later is told of the meters that it makes impossible", () => {
  const first = plan({ "meters.yaml": meters("value: /data/m") });
  const state = stateAfter(bodiesOfPlan(first, "change-1"), emptyJournalState());
  const { problems } = plan({ "types.yaml": CLOSED }, state);
  expect(problems.map(({ at }) => at.slice(at.lastIndexOf("/") + 1))).toEqual(["types.yaml:2:5"]);
});
