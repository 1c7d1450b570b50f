/** Meters in files: forms that mean the same become one, and what is wrong is told with the fix. */
import { expect, it } from "vitest";
import { meter } from "../../../src/domain/meter-schema.ts";

const BASE = { key: "m", eventType: "t", aggregation: "sum", value: "/data/n" };

function problemsOf(fields: object): string[] {
  const result = meter.safeParse({ ...BASE, ...fields });
  return (result.error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

// Guarantee: a field that came later changes no content hash of a catalog that does not use it.
it("has no field that was not given", () => {
  expect(meter.parse(BASE)).toEqual({ ...BASE, dimensions: {}, whenMissing: "reject" });
  expect(Object.keys(meter.parse(BASE)).sort()).toEqual([...Object.keys(BASE), "dimensions", "whenMissing"].sort());
});

it("takes one text for the only one, and lists in any order", () => {
  const where = {
    "/data/a": "x",
    "/data/b": { in: ["2", "1", "2"], not: "3" },
    "/data/c": { exists: false, gte: "1" },
  };
  expect(meter.parse({ ...BASE, where }).where).toEqual({
    "/data/a": { in: ["x"] },
    "/data/b": { in: ["1", "2"], not: ["3"] },
    "/data/c": { exists: false, gte: "1" },
  });
});

it.each([
  ["/data/n", { value: "/data/n" }],
  ["/data/input-tokens", { value: "/data/input-tokens" }],
  ['"/data/total (EUR)"', { value: "/data/total (EUR)" }],
  ["/data/a + 4 * /data/b", { expression: "/data/a + 4 * /data/b" }],
  ["max(/data/a, 1)", { expression: "max(/data/a, 1)" }],
])("takes the value %s for what it is", (value, read) => {
  expect(meter.parse({ ...BASE, value })).toEqual({
    ...BASE,
    value: undefined,
    ...read,
    dimensions: {},
    whenMissing: "reject",
  });
});

// Guarantee: what is so anyway has one content hash, written or not.
it("leaves out what is so anyway", () => {
  const plain = { ...BASE, aggregation: "unique_count" };
  expect(meter.parse({ ...plain, recurring: false, uniqueOver: "period" })).toEqual(meter.parse(plain));
  expect(Object.keys(meter.parse({ ...plain, recurring: false, uniqueOver: "period" })).sort()).toEqual(
    Object.keys(meter.parse(plain)).sort(),
  );
  expect(meter.parse({ ...plain, uniqueOver: "ever" }).uniqueOver).toBe("ever");
  expect(meter.parse({ ...BASE, recurring: true }).recurring).toBe(true);
});

it("holds a level for 1 to 744 hours or days", () => {
  const of = (holdFor: number) => meter.parse({ ...BASE, aggregation: "latest", bucket: "hour", holdFor }).holdFor;
  expect([of(1), of(744)]).toEqual([1, 744]);
});

it("takes a whole percentile without quotes", () => {
  const of = (percentile: unknown) => meter.parse({ ...BASE, aggregation: "percentile", percentile }).percentile;
  expect([of(95), of("95"), of("99.9"), of("0.001")]).toEqual(["95", "95", "99.9", "0.001"]);
});

it.each([
  [{ aggregation: "percentile" }, /^percentile: belongs to the aggregation percentile, which cannot do without/],
  [{ value: "/data/a + " }, /^value: is "\/data\/a \+ "; at character \d+ a number, a pointer, a function or/],
  [{ value: "data/n" }, /^value: is "data\/n"; must be a JSON pointer/],
  [{ aggregation: "unique_count", value: "/data/a + 1" }, /^value: must be a JSON pointer: unique_count/],
  [{ aggregation: "count" }, /^value: must be absent/],
  [{ value: undefined }, /^value: is missing/],
  [{ bucket: "hour" }, /^bucket: must be absent: only min, max, latest, unique_count are taken per hour or day$/],
  [{ aggregation: "max", bucket: "week" }, /^bucket: is "week"/],
  [
    { aggregation: "max", recurring: true },
    /^recurring: must be absent: only sum, unique_count, time_weighted_sum can go on from one period to the next$/,
  ],
  [{ recurring: "yes" }, /^recurring: is "yes"; write true or false$/],
  [{ uniqueOver: "ever" }, /^uniqueOver: must be absent: only unique_count tells values apart$/],
  [{ aggregation: "unique_count", uniqueOver: "always" }, /^uniqueOver: is "always"; write one of period, ever$/],
  [
    { aggregation: "unique_count", uniqueOver: "ever", recurring: true },
    /^uniqueOver: must not be ever beside recurring: true, .*; leave one of them out$/,
  ],
  ...[{ recurring: true }, { uniqueOver: "ever" }].map(
    (fields) => [{ aggregation: "unique_count", bucket: "day", ...fields }, /^bucket: must be absent beside /] as const,
  ),
  ...(["min", "max", "unique_count"] as const).map(
    (aggregation) =>
      [
        { aggregation, bucket: "hour", holdFor: 3 },
        /^holdFor: must be absent: only latest has a last stated level to hold; use aggregation: latest, or take holdFor out$/,
      ] as const,
  ),
  [{ holdFor: 3 }, /^holdFor: must be absent: only latest/],
  [{ aggregation: "latest", holdFor: 3 }, /^holdFor: counts hours or days: say bucket: hour or bucket: day beside it/],
  ...[0, 745, 1.5, -1, "3", null].map(
    (holdFor) =>
      [
        { aggregation: "latest", bucket: "day", holdFor },
        /^holdFor: is .*; write a whole number of hours or days from 1 to 744, without quotes$/,
      ] as const,
  ),
  [{ percentile: 95 }, /^percentile: belongs to the aggregation percentile/],
  ...[0, 100, "0", "0.0", "99.9999", 99.5, "-1", "05"].map(
    (percentile) => [{ aggregation: "percentile", percentile }, /^percentile: is .*/] as const,
  ),
  [{ where: { "data/a": "x" } }, /^where\.data\/a: /],
  [{ where: { "/data/a": 1 } }, /^where\.\/data\/a\.in\.0: is the number 1; put it in quotes, "1"$/],
  [
    { where: { "/data/a": {} } },
    /^where\.\/data\/a: is empty; write a text, or some of in, not, exists, gt, gte, lt, lte$/,
  ],
  [{ where: { "/data/a": { in: [] } } }, /^where\.\/data\/a\.in: is empty/],
  [{ where: { "/data/a": { above: "1" } } }, /above.*gt/],
  [{ where: { "/data/a": { gt: 1 } } }, /gt is the number 1: put it in quotes/],
] as const)("refuses %o", (fields, problem) => {
  expect(problemsOf(fields).join("\n")).toMatch(problem);
});
