import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { planApply } from "../../src/app/catalog/plan-apply.ts";
import { finalizeInvoices } from "../../src/app/invoicing/finalize-invoices.ts";
import { present } from "../../src/kernel/assert.ts";
import { instantOf } from "../../src/kernel/instant.ts";
import { bodiesOfPlan, catalogInFiles, stateAfter } from "../support/catalog-in-files.ts";
import { memoryInvoicing } from "../support/memory-invoicing.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../../docs/prices/rollover.md"), "utf8");
const SETTINGS = { graceMs: 0, series: "INV" };

// Guarantee: the figures that the page calculates by hand are what finalizing month after month makes of its catalog and its usage.
test("docs/prices/rollover.md says what its example costs and leaves over", async () => {
  const { deps, store, world } = memoryInvoicing(pageCatalog());
  world.now = instantOf("2026-07-01T00:00:00Z", "now");
  const rows = pageRows();
  expect(rows).toHaveLength(5);
  for (const [index, [month = "", used = ""]] of rows.entries())
    store.events.push({
      meter: "messages",
      aggregation: "sum",
      customer: "acme",
      time: instantOf(`${month}-15T12:00:00Z`, "time"),
      id: String(index),
      value: used,
      dimensions: {},
      cut: 1,
      shard: 0,
      seq: index + 1,
    });
  for (const [month = "", used, free, charged, amount, left, lapsed] of rows) {
    await finalizeInvoices(deps, { period: month, customers: [], settings: SETTINGS });
    const line = lineOf([...store.lines.values()].map((stored) => stored.line).findLast(() => true));
    expect({ month, used: line.quantity, amount: Number(line.amountRounded) }).toEqual({
      month,
      used,
      amount: Number(amount),
    });
    expect(line.steps["free_units"]?.["units"]).toBe(free);
    expect(line.steps["usage_discount"]?.["after"]).toBe(charged);
    expect(line.steps["left_over"]).toMatchObject({ left, lapsed });
    if (month === "2026-03") expect(PAGE).toContain(line.texts.slice(0, 3).join("\n"));
  }
});

function pageCatalog() {
  const { catalog: files, unread } = catalogInFiles({ "page.yaml": /```yaml\n([^]*?)```/.exec(PAGE)?.[1] ?? "" });
  const now = instantOf("2026-01-01T00:00:00Z", "now");
  const plan = planApply({ state: stateAfter([]), files, unread, now, prune: false });
  expect(plan.problems).toEqual([]);
  return stateAfter(bodiesOfPlan(plan, "change-1")).catalog;
}

function pageRows(): readonly (readonly string[])[] {
  const rows = PAGE.slice(PAGE.indexOf("| period | used |")).split("\n\n")[0]?.split("\n").slice(2) ?? [];
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
}

type Line = { quantity: string; amountRounded: string; breakdown: readonly Readonly<Record<string, string>>[] };

function lineOf(found: Line | undefined) {
  const line = present(found, "the line of the month");
  const steps: Readonly<Record<string, Readonly<Record<string, string>>>> = Object.fromEntries(
    line.breakdown.map((step) => [step["kind"] ?? "", step]),
  );
  return { ...line, steps, texts: line.breakdown.map((step) => step["text"] ?? "") };
}
