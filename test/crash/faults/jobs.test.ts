/**
 * Jobs that die between their steps while usage streams in, the catalog changes and others do the same job: one invoice per contract and period,
 * numbers without a gap, and every invoice follows from a run that anybody can repeat.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { generateUsage, type DemoMessage } from "../../../cmd/demo/generate-events.ts";
import { publishUsage, untilCounted } from "../../../cmd/demo/publish-usage.ts";
import { lastCompleteMonth } from "../../../cmd/demo/last-complete-month.ts";
import { systemClock } from "../../../cmd/system-clock.ts";
import { loadSettings } from "../../../src/config/settings.ts";
import { startBilledWorld, type BilledWorld } from "../../support/billed-world.ts";
import { seededRandom, type Random } from "../../support/faults/random.ts";
import { endOf, runMeterline, startMeterline } from "../../support/meterline-process.ts";
import { tempDir, type TempDir } from "../../support/temp-dir.ts";

const SEED = 20_261_112;
const ROUNDS = 6;
/** A command is at work from about half a second after its start on; a killed one dies anywhere in it. */
const DIES_AFTER_MS = 300;
const DIES_WITHIN_MS = 1_200;
const LATE_EVENTS = 200;

let world: BilledWorld;
let dir: TempDir;
const random: Random = seededRandom(SEED);

beforeAll(async () => {
  dir = await tempDir("jobs");
  world = await startBilledWorld([]);
});

afterAll(async () => {
  await world?.stop();
  await dir?.remove();
});

/** Commands of processes of their own; each is killed at a moment that the seed gives, or not at all. */
async function atOnce(commands: readonly (readonly string[])[]): Promise<void> {
  await Promise.all(
    commands.map(async (args) => {
      const command = startMeterline(world, args);
      if (random(3) > 0) {
        await Promise.race([delay(DIES_AFTER_MS + random(DIES_WITHIN_MS)), command.ended]);
        command.signal("SIGKILL");
      }
      await endOf(command);
    }),
  );
}

/** A change of the catalog that takes effect: one customer more. */
async function changedCatalog(round: number): Promise<string> {
  const path = join(dir.path, `catalog-${round}`);
  await mkdir(path, { recursive: true });
  const customer = { key: `newcomer-${round}`, name: "Newcomer", currency: "EUR", timeZone: "UTC" };
  await writeFile(join(path, "customers.yaml"), JSON.stringify({ customers: [customer] }));
  return path;
}

// Guarantee: whenever a job dies, and however often it is started, nothing is billed twice and no number is left out.
test(
  "one invoice per contract and gapless numbers, whichever jobs die in the middle",
  { timeout: 300_000 },
  async () => {
    const { month, services } = world;
    const sink = startMeterline(world, ["sink"]);
    const jobs = [
      ["rate", "--period", month],
      ["invoice", "draft", "--period", month],
      ["invoice", "finalize", "--period", month, "--yes"],
    ];
    for (let round = 0; round < ROUNDS; round += 1) {
      const catalog = await changedCatalog(round);
      const late = publishUsage(services, lateUsage(round));
      await atOnce([jobs[random(jobs.length)] ?? [], jobs[random(jobs.length)] ?? [], ["apply", catalog, "--yes"]]);
      await late;
    }
    await untilCounted(services);
    const finalize = await runMeterline(world, ["invoice", "finalize", "--period", month, "--yes"]);
    expect(finalize.stderr + String(finalize.code)).toMatch(/0$/);
    sink.signal("SIGTERM");
    expect((await endOf(sink)).code).toBe(0);

    const { finalized, catalog } = await services.reader.head();
    const invoices = [...finalized.values()].toSorted((a, b) => a.position - b.position);
    expect(invoices.map(({ position }) => position)).toEqual(invoices.map((_, index) => index + 1));
    expect(new Set(invoices.map(({ contract }) => contract)).size).toBe(invoices.length);
    expect(invoices.length).toBe([...catalog.contracts.keys()].length);
    expect(await world.value("SELECT count() FROM finance.invoices WHERE status = 'finalized'")).toBe(
      String(invoices.length),
    );
    expect(await world.verify()).toEqual([]);
  },
);

/** New identities in a period that an invoice may have counted already. */
function lateUsage(round: number): readonly DemoMessage[] {
  const { period } = lastCompleteMonth({
    contracts: [],
    now: systemClock.now(),
    graceHours: loadSettings({}).graceHours,
  });
  return generateUsage({ events: LATE_EVENTS, period }).messages.map(({ source, body }) => {
    const renamed = `${source}-${round}`;
    return { source: renamed, body: body.replaceAll(JSON.stringify(source), JSON.stringify(renamed)) };
  });
}
