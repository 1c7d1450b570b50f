/** Performing an apply: asked first, whole or not at all, planned again when somebody was faster. */
import { describe, expect, test } from "vitest";
import { applyCatalog, type ApplyCatalogDeps } from "../../../../src/app/catalog/apply-catalog.ts";
import { createJournalReader } from "../../../../src/app/catalog/journal-reader.ts";
import type { Journal } from "../../../../src/app/ports.ts";
import { AppError } from "../../../../src/kernel/errors.ts";
import { catalogInFiles } from "../../../support/catalog-in-files.ts";
import { memoryJournal } from "../../../support/memory-journal.ts";

const filesOf = (...keys: readonly string[]) => {
  const customers = keys.map((key) => `  - { key: ${key}, name: ${key}, currency: EUR, timeZone: UTC }\n`);
  const { catalog, unread } = catalogInFiles({ "a.yaml": `customers:\n${customers.join("")}` });
  return { files: catalog, unread, now: 0n, prune: false };
};
const yes = { confirm: () => Promise.resolve(true) };

function depsOf(journal: Journal) {
  let changes = 0;
  let projected = 0;
  const deps: ApplyCatalogDeps = {
    journal,
    reader: createJournalReader(journal),
    project: () => {
      projected += 1;
      return Promise.resolve();
    },
    newChangeId: () => `change-${(changes += 1)}`,
  };
  return { deps, projected: () => projected };
}

describe("applying", () => {
  test("appends versions and commit, projects, and then has nothing left to do", async () => {
    const journal = memoryJournal();
    const { deps, projected } = depsOf(journal);
    expect(await applyCatalog(deps, { ...filesOf("acme", "beta"), ...yes })).toMatchObject({
      applied: true,
      journalSeq: 3,
    });
    expect(journal.entries.map(({ entry }) => entry.body.kind)).toEqual([
      "catalog.version",
      "catalog.version",
      "catalog.commit",
    ]);
    expect(await applyCatalog(deps, { ...filesOf("acme", "beta"), ...yes })).toMatchObject({
      applied: false,
      journalSeq: 3,
    });
    expect(journal.entries).toHaveLength(3);
    // Also without a change: the process that made it may have died before.
    expect(projected()).toBe(2);
  });

  test("changes nothing without a yes, and nothing when there is a problem", async () => {
    const journal = memoryJournal();
    const { deps } = depsOf(journal);
    expect(await applyCatalog(deps, { ...filesOf("acme"), confirm: () => Promise.resolve(false) })).toMatchObject({
      applied: false,
    });
    await expect(applyCatalog(deps, { ...filesOf("acme", "acme"), ...yes })).rejects.toMatchObject({
      code: "CATALOG_INVALID",
      kind: "invalid",
    });
    expect(journal.entries).toEqual([]);
  });

  // Guarantee: of any number at once each change is made once, on top of what the others made.
  test("twenty at once, half of them with the same files", async () => {
    const journal = memoryJournal();
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        applyCatalog(depsOf(journal).deps, {
          ...filesOf("shared", ...(index % 2 === 0 ? [`own-${index}`] : [])),
          ...yes,
        }),
      ),
    );
    const { catalog } = await createJournalReader(journal).head();
    expect([...catalog.customers.values()].map((versions) => versions.length)).toEqual(
      Array.from({ length: 11 }, () => 1),
    );
  });

  // Guarantee: what was written of a change that was cut off is never committed by the next attempt, which has another name.
  test("a change that was cut off is made anew", async () => {
    const memory = memoryJournal();
    let cut = true;
    const journal: Journal = {
      ...memory,
      append: async ({ head, bodies }) => {
        if (!cut) return memory.append({ head, bodies });
        cut = false;
        await memory.append({ head, bodies: bodies.slice(0, 1) });
        throw new AppError({ code: "JOURNAL_APPEND_CUT", kind: "unavailable", message: "cut off" });
      },
    };
    await applyCatalog(depsOf(journal).deps, { ...filesOf("acme", "beta"), ...yes });
    const state = await createJournalReader(journal).head();
    expect(state.catalog.customers.size).toBe(2);
    expect([...state.pending.keys()]).toEqual(["change-1"]);
  });
});
