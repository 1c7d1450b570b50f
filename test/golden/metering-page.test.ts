/** The worked examples of docs/metering.md: what the page says comes out is what comes out. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { quoteCases } from "../../src/app/quote-cases.ts";
import {
  AGGREGATIONS,
  BUCKETED_AGGREGATIONS,
  BUCKETS,
  RECURRING_AGGREGATIONS,
  type Measure,
} from "../../src/domain/meter.ts";

type Example = Measure & { readonly id: string; readonly expect: { readonly quantity: string } };

const PAGE = readFileSync(resolve(import.meta.dirname, "../../docs/metering.md"), "utf8");
const EXAMPLES = [...PAGE.matchAll(/^```json\n([^]*?)^```/gm)].flatMap(
  (match) => JSON.parse(match[1] ?? "") as readonly Example[],
);

it.each(EXAMPLES.map((example) => [example.id, example] as const))("%s comes to what the page says", (id, example) => {
  expect(quoteCases([example])).toEqual([{ id, quantity: example.expect.quantity }]);
});

it("has an example of every aggregation, with and without a bucket", () => {
  const shown = (bucketed: boolean) =>
    new Set(EXAMPLES.filter(({ bucket }) => (bucket !== undefined) === bucketed).map(({ aggregation }) => aggregation));
  expect(shown(false)).toEqual(new Set(AGGREGATIONS));
  expect(shown(true)).toEqual(new Set(BUCKETED_AGGREGATIONS));
  const goingOn = EXAMPLES.filter(({ recurring }) => recurring === true).map(({ aggregation }) => aggregation);
  expect(new Set(goingOn)).toEqual(new Set(RECURRING_AGGREGATIONS));
  expect(EXAMPLES.map(({ uniqueOver }) => uniqueOver)).toContain("ever");
  expect(new Set(EXAMPLES.flatMap(({ bucket, holdFor }) => (holdFor === undefined ? [] : [bucket])))).toEqual(
    new Set(BUCKETS),
  );
  expect(new Set(EXAMPLES.flatMap(({ bucket }) => bucket ?? []))).toEqual(new Set(BUCKETS));
});
