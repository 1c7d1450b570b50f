/** `simulate` as CI runs it beside a billed month: the same amounts as the rating, and nothing touched. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBilledWorld, type BilledWorld } from "../../support/billed-world.ts";
import { runMeterline, type Ended } from "../../support/meterline-process.ts";

const EXAMPLES = resolve(import.meta.dirname, "../../../docs/examples/catalog");

let world: BilledWorld;
let directory: string;

beforeAll(async () => {
  world = await startBilledWorld(["acme"]);
  directory = mkdtempSync(join(tmpdir(), "meterline-simulate-"));
  cpSync(EXAMPLES, directory, { recursive: true });
});

afterAll(async () => {
  await world.stop();
  rmSync(directory, { recursive: true });
});

function simulate(catalog: string, ...options: readonly string[]): Promise<Ended> {
  return runMeterline(world, ["simulate", "--catalog", catalog, "--period", world.month, ...options]);
}

type Result = {
  readonly cut: number;
  readonly totals: readonly { readonly currency: string; readonly difference: string }[];
  readonly customers: readonly Readonly<Record<"customer" | "old" | "new" | "difference", string>>[];
};

/** Where everything stands that a command could have changed. */
async function state(): Promise<readonly unknown[]> {
  const { journal, cuts } = world.services;
  const rows = await world.value("SELECT sum(total_rows) FROM system.tables WHERE database = 'meterline'");
  return [await journal.head(), (await cuts.read()).revision, rows];
}

// Guarantee: the old side is what rating and drafting come to, to the cent, also for a customer whose invoice is finalized.
test("says what everybody pays now, and that the applied files change nothing", async () => {
  const before = await state();
  const ended = await simulate(EXAMPLES, "--json", "--max-increase", "0%");
  expect([ended.code, ended.stderr]).toEqual([0, expect.not.stringContaining("meterline:")]);
  const { customers } = JSON.parse(ended.stdout) as Result;
  expect(customers.map(({ customer, difference }) => [customer, difference])).toEqual([
    ["acme", "0"],
    ["globex", "0"],
    ["initech", "0"],
  ]);
  for (const { customer, old } of customers) {
    const drafted = await world.value(`SELECT toString(total) FROM finance.invoices WHERE customer = '${customer}'`);
    expect(Number(old)).toBe(Number(drafted));
  }
  expect(await state()).toEqual(before);
});

// Guarantee: a merge that makes somebody pay too much more is stopped by the exit code, and the answer is the same bytes each time.
test("shows what a changed price does, and ends with 1 above the limit", async () => {
  const cards = join(directory, "rate-cards.yaml");
  writeFileSync(cards, readFileSync(cards, "utf8").replace('amount: "49.00"', 'amount: "100049.00"'));
  const first = await simulate(directory, "--json");
  expect([first.code, first.stderr]).toEqual([0, expect.not.stringContaining("meterline:")]);
  const result = JSON.parse(first.stdout) as Result;
  expect(result.customers[0]).toMatchObject({ customer: "acme", difference: "100000" });
  expect(result.totals).toContainEqual(expect.objectContaining({ currency: "EUR", difference: "100000" }));
  const again = await simulate(directory, "--json", "--cut", String(result.cut));
  expect(again.stdout).toBe(first.stdout);

  const limited = await simulate(directory, "--max-increase", "20%");
  expect([limited.code, limited.stderr]).toEqual([1, expect.stringContaining("1 customer would pay more than 20 %")]);
  expect(limited.stdout).toMatch(/^acme .*\+100000\.00 .* EUR {2}above the limit$/m);
  const other = await simulate(directory, "--customer", "globex", "--max-increase", "20%");
  expect(other.code).toBe(0);
});

test("refuses a limit that is none, and a cut that is not closed", async () => {
  expect((await simulate(directory, "--max-increase", "a lot")).code).toBe(64);
  expect((await simulate(directory, "--cut", "999999")).code).toBe(69);
});
