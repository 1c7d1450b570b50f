import { expect, test } from "vitest";
import { verify } from "../../../../src/app/verify/verify.ts";
import type { VerifyDeps } from "../../../../src/app/verify/verify-types.ts";
import type { RecordedEntry } from "../../../../src/domain/journal-entry.ts";

const WRONG = { check: "projections", table: "rating_runs", key: "run", problem: "is in the table only" };

/** Of an entry only its number matters here. */
function entries(count: number): RecordedEntry[] {
  return Array.from({ length: count }, (_, index) => ({ seq: index + 1, entry: { body: { kind: "other" } } }) as never);
}

type Story = {
  /** How long the journal is, at each time that it is read. */
  readonly lengths: readonly number[];
  /** How many entries ClickHouse has. */
  readonly projected: number;
};

async function verified({ lengths, projected }: Story) {
  const left = [...lengths];
  const calls = { project: 0 };
  let projectedBeforeCheck = false;
  const deps: VerifyDeps = {
    store: {
      checks: () => [{ name: "decodes", scope: "once" }],
      runCheck: () => {
        projectedBeforeCheck = calls.project > 0;
        return Promise.resolve([]);
      },
      shardSpans: () => Promise.resolve([]),
      usageMonths: () => Promise.resolve([]),
      compareProjections: async (journal) => {
        let count = 0;
        for await (const _ of journal) count += 1;
        return count === projected ? [] : [WRONG];
      },
    },
    journal: {
      // eslint-disable-next-line @typescript-eslint/require-await -- an iterable that happens to be in memory
      entries: async function* () {
        yield* entries(left.length > 1 ? (left.shift() ?? 0) : (left[0] ?? 0));
      },
    },
    project: () => {
      calls.project += 1;
      return Promise.resolve();
    },
    streams: [],
    completeCut: () => Promise.resolve(1),
    repeatRun: () => Promise.reject(new Error("there is no run")),
    onProgress: () => undefined,
  };
  const { discrepancies } = await verify(deps);
  // Guarantee: the checks decode with the catalog of the projection, so it is brought up to date before them.
  expect(projectedBeforeCheck).toBe(true);
  return { discrepancies, ...calls };
}

// Guarantee: a run that somebody records while verification reads is no mismatch.
test("a journal that grows meanwhile is compared as it is then", async () => {
  expect(await verified({ lengths: [3, 4], projected: 4 })).toEqual({ discrepancies: [], project: 3 });
});

test("a row that no entry explains is found, once the journal stands still", async () => {
  expect(await verified({ lengths: [3, 4, 4], projected: 5 })).toMatchObject({ discrepancies: [WRONG] });
  expect(await verified({ lengths: [3], projected: 4 })).toEqual({ discrepancies: [WRONG], project: 2 });
});

test("a journal that never stands still does not keep verification for ever", async () => {
  const lengths = Array.from({ length: 50 }, (_, index) => index);
  expect(await verified({ lengths, projected: 100 })).toEqual({ discrepancies: [WRONG], project: 6 });
});
