import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { planApply } from "../../src/app/catalog/plan-apply.ts";
import { instantOf } from "../../src/kernel/instant.ts";
import { catalogInFiles, stateAfter } from "../support/catalog-in-files.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../../docs/coming-from.md"), "utf8");
const CATALOGS = [...PAGE.matchAll(/^```yaml\n([^]*?)^```/gm)].map(([, block = ""]) => block);
/** The customer that the page takes for granted. */
const ACME = "customers: [ { key: acme, name: Acme GmbH, currency: EUR, timeZone: Europe/Berlin } ]\n";

describe("docs/coming-from.md", () => {
  // Guarantee: whoever copies an example has a catalog that can be applied.
  test.each(CATALOGS)("holds a catalog that apply takes: %#", (block) => {
    const { catalog: files, unread } = catalogInFiles({ "page.yaml": block, "acme.yaml": ACME });
    const now = instantOf("2026-11-01T00:00:00Z", "now");
    const { problems, changes } = planApply({ state: stateAfter([]), files, unread, now, prune: false });
    expect(problems).toEqual([]);
    expect(changes.length).toBeGreaterThan(1);
  });

  test("has a column for each of them in every table", () => {
    const heads = PAGE.match(/^\|.*\| Lago \| OpenMeter \| Flexprice \| Stripe \| Orb \|$/gm) ?? [];
    expect(heads).toHaveLength(PAGE.match(/^\|(?:---\|)+$/gm)?.length ?? 0);
    for (const row of PAGE.match(/^\|.*\|$/gm) ?? []) expect(row.split("|"), row).toHaveLength(8);
  });
});
