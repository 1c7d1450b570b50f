import { afterEach, beforeEach, expect, test } from "vitest";
import { newInstanceIn, runMeterline } from "../../support/meterline-process.ts";
import { tempDir, type TempDir } from "../../support/temp-dir.ts";

type DemoResult = {
  readonly verdicts: readonly { readonly verdict: string; readonly events: number }[];
  readonly usage: readonly { readonly aggregation: string }[];
  readonly invoices: readonly { readonly number: string; readonly currency: string }[];
  readonly late: readonly { readonly events: number }[];
  readonly verified: boolean;
};

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir("demo");
});
afterEach(() => dir.remove());

// Guarantee: the demo goes the whole way and ends; everything it promises to show is in its result, and a second one starts afresh.
test("the demo ends with verified invoices in three currencies, twice", async () => {
  const instance = await newInstanceIn(dir.path);
  for (const round of [1, 2]) {
    const { code, stdout, stderr } = await runMeterline(instance, ["demo", "--events", "3000", "--json"]);
    expect(`${String(round)}: ${String(code)} ${code === 0 ? "" : stderr}`).toBe(`${String(round)}: 0 `);
    const result = JSON.parse(stdout) as DemoResult;
    const byVerdict = Map.groupBy(result.verdicts, (row) => row.verdict);
    expect([...byVerdict.keys()].sort()).toEqual(["accepted", "conflict", "duplicate", "rejected"]);
    expect(byVerdict.get("rejected")?.length).toBeGreaterThan(5);
    expect(byVerdict.get("accepted")?.[0]?.events).toBe(3_000);
    expect(new Set(result.usage.map((row) => row.aggregation)).size).toBe(7);
    expect(result.invoices.map((invoice) => invoice.currency).sort()).toEqual(["EUR", "JPY", "USD"]);
    expect(result.invoices.map((invoice) => invoice.number).sort()).toEqual(["INV-000001", "INV-000002", "INV-000003"]);
    expect(result.late.length).toBe(3);
    expect(result.verified).toBe(true);
  }
});
