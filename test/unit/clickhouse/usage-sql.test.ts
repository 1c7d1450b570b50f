import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { ClickHouse } from "../../../src/clickhouse/connect.ts";
import { querySql } from "../../../src/clickhouse/load-sql.ts";
import { usageSqls, type UsageScope } from "../../../src/clickhouse/usage-sql.ts";
import { unreachable } from "../../../src/kernel/assert.ts";

const CUT = 7;
const EVERYTHING: UsageScope = {
  meter: "tokens",
  cut: CUT,
  customers: [],
  customer_from: "",
  customer_to: "~",
  where_names: [],
};
const USAGE_QUERIES = readdirSync(new URL("../../../sql/queries/", import.meta.url))
  .filter((name) => name.startsWith("metered-"))
  .map((name) => name.replace(/\.sql$/, ""));

type Retracted = { readonly meter: string; readonly first: string; readonly last: string };

/** Answers the question about what was taken back, and counts how often it is asked. */
function knowing(retracted: readonly Retracted[]): { readonly clickhouse: ClickHouse; readonly asked: () => number } {
  let asked = 0;
  const rows = <T>(): Promise<T[]> => {
    asked += 1;
    return Promise.resolve(retracted as readonly unknown[] as T[]);
  };
  const other = (): never => unreachable("only rows are asked for" as never);
  const clickhouse = { rows, stream: other, bytes: other, command: other, insert: other, ping: other, close: other };
  return { clickhouse, asked: () => asked };
}

describe("the text of a usage query", () => {
  test.each(USAGE_QUERIES)("%s has its place for what is asked, and reads one view of usage", (name) => {
    expect(querySql(name).split("{{asked}}")).toHaveLength(2);
    expect(querySql(name).split("_as_of(cut = {cut:UInt32})")).toHaveLength(2);
  });

  // Guarantee: whichever way it is read, no row above the cut and no placeholder is left.
  test.each(USAGE_QUERIES)("%s reads up to the cut, from the table where nothing was taken back", async (name) => {
    const [stored, asOf] = await Promise.all(
      [[], [{ meter: "tokens", first: "a", last: "b" }]].map(async (retracted) =>
        (await usageSqls(knowing(retracted).clickhouse)(EVERYTHING, undefined))(name),
      ),
    );
    expect(stored).toContain("cut <= {cut:UInt32}");
    expect(stored).not.toMatch(/_as_of|\{\{/);
    expect(asOf).toContain("_as_of(cut = {cut:UInt32})");
    expect(asOf).not.toMatch(/\{\{/);
  });

  test("has a condition for each thing that is asked for, and no other", async () => {
    const sqls = usageSqls(knowing([]).clickhouse);
    const text = async (change: Partial<UsageScope>, limits?: Parameters<typeof sqls>[1]): Promise<string> =>
      (await sqls({ ...EVERYTHING, ...change }, limits))("metered-cells");
    const conditions = ["arrayAll(", "usage_dimensions_fit(", "usage_hours_fit(", "customer IN ", "customer = "];
    const found = async (...input: Parameters<typeof text>): Promise<readonly string[]> => {
      const sql = await text(...input);
      return conditions.filter((condition) => sql.includes(condition));
    };
    expect(await found({})).toEqual([]);
    expect(await found({ where_names: ["region"] })).toEqual(["arrayAll("]);
    expect(await found({}, { conditions: [["region", "in", ["eu"]]] })).toEqual(["usage_dimensions_fit("]);
    expect(await found({}, { week: [[0, 60]], clock: [[0, 0]] })).toEqual(["usage_hours_fit("]);
    expect(await found({ customers: ["a", "c"], customer_from: "a", customer_to: "c" })).toEqual(["customer IN "]);
    // Too many to be named in a request: a range is read, and the reader leaves the others out.
    expect(await found({ customers: [], customer_from: "a", customer_to: "c" })).toEqual([]);
    expect(await found({ customers: ["a"], customer_from: "a", customer_to: "a" })).toEqual(["customer = "]);
  });

  test.each([
    ["of the customer", { customer_from: "b", customer_to: "b" }, true],
    ["of customers before", { customer_from: "d", customer_to: "z" }, false],
    ["of customers behind", { customer_from: "A", customer_to: "a" }, false],
    ["of another meter", { meter: "bytes", customer_from: "b", customer_to: "b" }, false],
  ])("leaves out what was taken back %s", async (_, change, isLeftOut) => {
    const { clickhouse } = knowing([{ meter: "tokens", first: "b", last: "c" }]);
    const sql = (await usageSqls(clickhouse)({ ...EVERYTHING, ...change }, undefined))("metered-windows");
    expect(sql.includes("_as_of(")).toBe(isLeftOut);
  });

  test("is asked about what was taken back once for a cut, and each time for all that is known by now", async () => {
    const { clickhouse, asked } = knowing([]);
    const sqls = usageSqls(clickhouse);
    for (let time = 0; time < 3; time += 1) await sqls(EVERYTHING, undefined);
    expect(asked()).toBe(1);
    await sqls({ ...EVERYTHING, cut: CUT + 1 }, undefined);
    expect(asked()).toBe(2);
    for (let time = 0; time < 3; time += 1) await sqls({ ...EVERYTHING, cut: 4_294_967_295 }, undefined);
    expect(asked()).toBe(5);
  });
});
