import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { planApply } from "../../src/app/catalog/plan-apply.ts";
import { ratePeriod } from "../../src/app/rating/rate-period.ts";
import { instantOf } from "../../src/kernel/instant.ts";
import { bodiesOfPlan, catalogInFiles, stateAfter } from "../support/catalog-in-files.ts";
import { memoryInvoicing } from "../support/memory-invoicing.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../../docs/prices/hours.md"), "utf8");

/** The cells of the table with this head. */
function tableUnder(head: string): readonly (readonly string[])[] {
  const rows = PAGE.slice(PAGE.indexOf(head)).split("\n\n")[0]?.split("\n").slice(2) ?? [];
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
}

// Guarantee: the figures that the page calculates by hand are what rating makes of its catalog and its events.
test("docs/prices/hours.md says what its example costs", async () => {
  const { catalog: files, unread } = catalogInFiles({ "page.yaml": /```yaml\n([^]*?)```/.exec(PAGE)?.[1] ?? "" });
  const plan = planApply({
    state: stateAfter([]),
    files,
    unread,
    now: instantOf("2026-09-01T00:00:00Z", "now"),
    prune: false,
  });
  expect(plan.problems).toEqual([]);
  const { deps, store } = memoryInvoicing(stateAfter(bodiesOfPlan(plan, "change-1")).catalog);
  const events = tableUnder("| event | local time |");
  expect(events.length).toBeGreaterThan(0);
  for (const [index, [time = "", , plug = "", value = ""]] of events.entries())
    store.events.push({
      meter: "energy",
      aggregation: "sum",
      customer: "acme",
      time: instantOf(time, "time"),
      id: String(index),
      value,
      dimensions: plug === "" ? {} : { plug },
      cut: 1,
      shard: 0,
      seq: index,
    });
  await ratePeriod(deps, { period: "2026-10", customers: [] });
  const rated = [...store.lines.values()].map(({ line }) => [
    line.description,
    line.quantity,
    Number(line.amountRounded),
  ]);
  const said = tableUnder("| line | quantity |").map(([line, quantity, amount]) => [line, quantity, Number(amount)]);
  expect(new Set(rated.map(String))).toEqual(new Set(said.map(String)));
});
