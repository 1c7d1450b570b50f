/** What the journal's entries mean, and how readers keep up with them. */
import { describe, expect, test } from "vitest";
import { contractSpans } from "../../../../src/app/catalog/contract-spans.ts";
import { emptyJournalState, foldJournal, withVersions } from "../../../../src/app/catalog/fold-journal.ts";
import { createJournalReader } from "../../../../src/app/catalog/journal-reader.ts";
import type { Journal } from "../../../../src/app/ports.ts";
import type { ContractVersion, EntityVersion } from "../../../../src/domain/catalog.ts";
import type { JournalBody } from "../../../../src/domain/journal-entry.ts";
import { instantText } from "../../../../src/kernel/instant.ts";
import { entriesOf, finalizedInvoice, stateAfter } from "../../../support/catalog-in-files.ts";
import { versionOf } from "../../../support/catalog-of.ts";
import { memoryJournal } from "../../../support/memory-journal.ts";

const customer = (key: string, change: string, version = 1, removed = false): JournalBody => ({
  kind: "catalog.version",
  change,
  entity: "customer",
  key,
  version,
  hash: `${key} ${version}`,
  removed,
  definition: { key, name: `${key} ${version}`, aliases: [], currency: "EUR", timeZone: "UTC" },
});
const commit = (change: string, versions: number): JournalBody => ({ kind: "catalog.commit", change, versions });
const invoice = (position: number, contract = `k-${position}`): JournalBody => ({
  kind: "invoice.finalized",
  invoice: finalizedInvoice({
    contract,
    periodFrom: "2026-10-01T00:00:00Z",
    periodTo: "2026-11-01T00:00:00Z",
    position,
  }),
});

describe("folding", () => {
  // Guarantee: a change takes effect whole, by its commit, or not at all.
  test("versions wait for their commit; those of a change that died wait for ever", () => {
    const before = stateAfter([customer("acme", "dead"), customer("beta", "a"), customer("gamma", "a")]);
    expect(before.catalog.customers.size).toBe(0);
    const after = stateAfter([commit("a", 2), customer("acme", "b"), commit("b", 1)], before);
    expect([...after.catalog.customers.values()].map(([version]) => [version?.key, version?.journalSeq])).toEqual([
      ["beta", 4],
      ["gamma", 4],
      ["acme", 6],
    ]);
    expect(after.catalogSeq).toBe(6);
    expect([...after.pending.keys()]).toEqual(["dead"]);
  });

  test("the given state stays as it is", () => {
    const first = stateAfter([customer("acme", "a"), commit("a", 1), customer("beta", "b")]);
    const seen = JSON.stringify([first.catalog.customers.get("acme"), [...first.pending], first.head]);
    stateAfter([customer("gamma", "b"), commit("b", 2), customer("acme", "c", 2), commit("c", 1), invoice(1)], first);
    expect(JSON.stringify([first.catalog.customers.get("acme"), [...first.pending], first.head])).toBe(seen);
    expect([first.catalog.customers.size, first.finalized.size, first.positions.size]).toEqual([1, 0, 0]);
  });

  test("numbers follow each other", () => {
    const state = stateAfter([invoice(1), invoice(2)]);
    expect(state.positions).toEqual(new Map([["INV", 2]]));
    expect([...state.finalized.values()].map(({ number }) => number)).toEqual(["INV-000001", "INV-000002"]);
  });

  test.each([
    [
      "a commit of more versions than there are",
      [customer("acme", "a"), commit("a", 2)],
      /commits 2 versions, 1 are there/,
    ],
    ["a version out of turn", [customer("acme", "a", 2), commit("a", 1)], /makes version 2 of customer acme after 0/],
    ["a gap in a series", [invoice(1), invoice(3)], /leaves a gap in series INV before 3/],
    [
      "an invoice that is finalized again",
      [invoice(1, "k"), invoice(2, "k")],
      /finalizes inv_k_2026-10-01T00:00:00Z again/,
    ],
    [
      "a decision of a later release",
      [{ kind: "invoice.voided" } as unknown as JournalBody],
      /of the kind "invoice.voided", which this release does not know/,
    ],
  ])("%s is refused", (_what, bodies, message) => {
    expect(() => stateAfter(bodies)).toThrow(message);
  });

  test("entries that do not follow are refused", () => {
    const [, second] = entriesOf([commit("a", 0), commit("b", 0)]);
    expect(() => foldJournal(emptyJournalState(), second === undefined ? [] : [second])).toThrow(
      /does not follow entry 0/,
    );
  });

  test("a large change costs what its entries cost", () => {
    const bodies = Array.from({ length: 50_000 }, (_, index) => customer(`c-${index}`, "big"));
    const entries = entriesOf([...bodies, commit("big", bodies.length)]);
    const started = performance.now();
    let state = emptyJournalState();
    for (let from = 0; from < entries.length; from += 1_000)
      state = foldJournal(state, entries.slice(from, from + 1_000));
    expect(state.catalog.customers.size).toBe(bodies.length);
    // Copying the waiting versions for each one more of them would take a minute.
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe("the reader", () => {
  const BODIES = [
    customer("acme", "a"),
    commit("a", 1),
    customer("acme", "b", 2),
    commit("b", 1),
    customer("beta", "c"),
    commit("c", 1),
  ];

  async function counted(): Promise<{
    readonly journal: Journal;
    readonly read: () => number;
    readonly grow: (bodies: readonly JournalBody[]) => Promise<void>;
  }> {
    const memory = memoryJournal();
    let read = 0;
    const journal: Journal = {
      ...memory,
      read: async function* (input) {
        for await (const entry of memory.read(input)) {
          read += 1;
          yield entry;
        }
      },
    };
    const grow = async (bodies: readonly JournalBody[]): Promise<void> => {
      await memory.append({ head: await memory.head(), bodies });
    };
    await grow(BODIES);
    return { journal, read: () => read, grow };
  }

  // Guarantee: as of a sequence the catalog is what it was then, whatever has been read before.
  test("gives every state as it was, in any order", async () => {
    const { journal } = await counted();
    const reader = createJournalReader(journal);
    for (const seq of [6, 2, 4, 1, 3, 5, 2, 6, 0]) {
      expect(await reader.at(seq)).toEqual(stateAfter(BODIES.slice(0, seq)));
    }
    expect(await reader.head()).toEqual(stateAfter(BODIES));
  });

  test("reads each entry once while it goes on, and from the nearest state when it goes back", async () => {
    const { journal, read, grow } = await counted();
    const reader = createJournalReader(journal);
    await Promise.all([reader.head(), reader.head(), reader.at(6)]);
    expect(read()).toBe(6);
    await grow([commit("d", 0)]);
    await reader.head();
    expect(read()).toBe(7);
    await reader.at(2);
    await reader.at(4);
    await reader.at(5);
    expect(read()).toBe(7 + 2 + 2 + 1);
  });

  test("says so when the journal ends before", async () => {
    const { journal } = await counted();
    await expect(createJournalReader(journal).at(7)).rejects.toMatchObject({ code: "JOURNAL_TOO_SHORT" });
  });
});

describe("spans of a contract", () => {
  const TERMS: ContractVersion = {
    key: "k",
    customer: "acme",
    rateCard: "payg",
    rateCardVersion: 1,
    rateCardHash: "",
    currency: "EUR",
    timeZone: "UTC",
    billing: { interval: "month", anchorDay: 1 },
    effective: { from: "2026-01-01T00:00:00Z", to: null },
    effectiveFrom: "2026-01-01T00:00:00Z",
    overrides: [],
    unpriced: "error",
    rounding: "half_up",
  };
  type Part = { readonly from: string; readonly to?: string; readonly removed?: boolean };

  function spansOf(parts: readonly Part[]): (readonly [number, string, string | null])[] {
    const versions = parts.map(({ from, to, removed }, index): EntityVersion<"contract"> => {
      const effective = { ...TERMS.effective, to: to === undefined ? null : `${to}T00:00:00Z` };
      const definition = { ...TERMS, effective, effectiveFrom: `${from}T00:00:00Z` };
      return { ...versionOf("contract", definition), version: index + 1, removed: removed ?? false };
    });
    const day = (instant: bigint): string => instantText(instant).slice(0, 10);
    return contractSpans(versions).map((span) => [
      span.version.version,
      day(span.from),
      span.to === null ? null : day(span.to),
    ]);
  }

  test.each<readonly [string, readonly Part[], unknown]>([
    [
      "each until the next",
      [{ from: "2026-01-01" }, { from: "2026-03-01" }],
      [
        [1, "2026-01-01", "2026-03-01"],
        [2, "2026-03-01", null],
      ],
    ],
    [
      "an earlier one replaces what was to come",
      [{ from: "2026-01-01" }, { from: "2026-06-01" }, { from: "2026-03-01" }],
      [
        [1, "2026-01-01", "2026-03-01"],
        [3, "2026-03-01", null],
      ],
    ],
    ["the same instant replaces", [{ from: "2026-01-01" }, { from: "2026-01-01" }], [[2, "2026-01-01", null]]],
    [
      "the newest end counts",
      [{ from: "2026-01-01" }, { from: "2026-09-01", to: "2026-05-01" }],
      [[1, "2026-01-01", "2026-05-01"]],
    ],
    ["taken out", [{ from: "2026-01-01" }, { from: "2026-04-01", removed: true }], [[1, "2026-01-01", "2026-04-01"]]],
    [
      "taken out and back later",
      [{ from: "2026-01-01" }, { from: "2026-04-01", removed: true }, { from: "2026-06-01" }],
      [
        [1, "2026-01-01", "2026-04-01"],
        [3, "2026-06-01", null],
      ],
    ],
    [
      "taken out and back at once",
      [{ from: "2026-01-01" }, { from: "2026-04-01", removed: true }, { from: "2026-04-01" }],
      [
        [1, "2026-01-01", "2026-04-01"],
        [3, "2026-04-01", null],
      ],
    ],
    ["none", [], []],
  ])("%s", (_what, parts, spans) => {
    expect(spansOf(parts)).toEqual(spans);
  });

  test("further versions leave the given catalog as it is", () => {
    const { catalog } = stateAfter([customer("acme", "a"), commit("a", 1)]);
    const more = withVersions(
      catalog,
      [
        {
          kind: "catalog.version",
          entity: "contract",
          key: "k",
          version: 1,
          hash: "",
          removed: false,
          definition: TERMS,
        },
      ],
      9,
    );
    expect([catalog.contracts.size, more.contracts.get("k")?.[0]?.journalSeq, more.seq]).toEqual([0, 9, 9]);
  });
});
