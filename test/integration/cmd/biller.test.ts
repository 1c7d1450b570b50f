import { afterAll, beforeAll, expect, test } from "vitest";
import {
  connectTo,
  endOf,
  instanceIn,
  runMeterline,
  startUp,
  type Instance,
  type Up,
} from "../../support/meterline-process.ts";
import { tempDir, type TempDir } from "../../support/temp-dir.ts";

const CONTRACTS = 3;

let dir: TempDir;
let instance: Instance;
let up: Up;

beforeAll(async () => {
  dir = await tempDir("biller");
  instance = await instanceIn(dir.path);
  up = await startUp(instance);
  expect((await runMeterline(instance, ["apply", "docs/examples/catalog", "--yes"])).code).toBe(0);
});

afterAll(async () => {
  up.signal("SIGTERM");
  await endOf(up);
  await dir.remove();
});

async function bill(...options: readonly string[]): Promise<void> {
  const { code, stderr } = await runMeterline(instance, ["biller", "--once", ...options]);
  expect(`${String(code)} ${code === 0 ? "" : stderr}`).toBe("0 ");
}

async function counts(): Promise<{ readonly runs: number; readonly drafts: number; readonly finalized: number }> {
  const { clickhouse, close } = await connectTo(up);
  const [row] = await clickhouse.rows<{ runs: string; drafts: string; finalized: string }>({
    sql: `SELECT toString(countIf(status = 'draft')) AS drafts, toString(countIf(status = 'finalized')) AS finalized,
      (SELECT toString(uniqExact(run_id)) FROM meterline.rating_runs) AS runs FROM finance.invoices`,
    doing: "counting invoices",
  });
  await close();
  return { runs: Number(row?.runs), drafts: Number(row?.drafts), finalized: Number(row?.finalized) };
}

// Guarantee: a month is drafted once when it has ended, again only when something changed, and finalized only when that was asked for.
test("the biller drafts ended months once, and finalizes when told to", async () => {
  await bill();
  const first = await counts();
  // The last month may still be within its grace.
  expect([2 * CONTRACTS, 3 * CONTRACTS]).toContain(first.drafts);
  expect(first.finalized).toBe(0);
  await bill();
  expect(await counts()).toEqual(first);
  await bill("--finalize");
  expect(await counts()).toMatchObject({ drafts: 0, finalized: first.drafts });
  await bill("--finalize");
  expect(await counts()).toMatchObject({ drafts: 0, finalized: first.drafts });
});
