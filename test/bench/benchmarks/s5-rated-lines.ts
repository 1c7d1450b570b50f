/**
 * S5: rating 10 thousand, 100 thousand and 1 million lines with their lineage (a tenth as many customers, ten graduated prices each) by the rating job in a process of its own: its time
 * and its peak memory. The largest is also killed half-way and gone on with: the lines have to be those of the run that nobody disturbed. Applying the catalog is measured on the way.
 */
import { tempDir } from "../../support/temp-dir.ts";
import { writeBenchCatalog } from "../bench-catalog.ts";
import type { BenchWorld } from "../bench-world.ts";
import { requireEqual, type Benchmark } from "../benchmark.ts";
import { killWhileRating, rateByChild, type RatedByChild } from "../child-rating.ts";
import { generateUsage, GENERATED_MONTH } from "../generated-usage.ts";
import type { ScaleCost, ScalePoint } from "../growth.ts";
import { shown } from "../interleave.ts";
import type { Worlds } from "../worlds.ts";

const SHARES = [0.01, 0.1, 1] as const;
const METERS = 10;
const WINDOWS_PER_LINE = 4;
const MIB = 1024 ** 2;

export const ratedLines: Benchmark = {
  id: "S5",
  title: "Rated lines, and a rating run killed half-way",
  /** Lines. */
  events: 1_000_000,
  rounds: 1,
  minutes: 9,
  run: async ({ events: lines, scale, worlds, say }) => {
    const points: ScalePoint[] = [];
    let rest = 0;
    for (const share of SHARES) {
      const customers = Math.max(Math.round((lines * scale * share) / METERS), 1);
      const world = await worldOf(worlds, customers);
      say(`a catalog of ${shown(customers)} customers and contracts was applied in ${shown(world.applySeconds)} s`);
      await generate(world, customers);
      const size = customers * METERS;
      const rated = await rateByChild(world, { period: GENERATED_MONTH.name });
      requireEqual("lines", rated.lines, size);
      say(`${shown(size)} lines in ${shown(rated.seconds)} s, ${shown(rated.peakBytes / MIB)} MiB at most`);
      if (share === 1) rest = (await killAndResume(world, { undisturbed: rated, size, say })).seconds;
      await world.stop();
      points.push({ size, costs: costsOf(rated, world.applySeconds) });
    }
    const last = points.at(-1);
    return {
      measurements: [],
      ratios: [],
      facts: {
        "prices of a customer": METERS,
        "windows of a line": WINDOWS_PER_LINE,
        "lines/s at the largest size": (last?.size ?? 0) / (last?.costs[0]?.values[0] ?? Number.NaN),
        "going on after the kill half-way, s": rest,
      },
      growth: { axis: "rated lines", points },
    };
  },
};

function costsOf({ seconds, peakBytes }: RatedByChild, applySeconds: number): readonly ScaleCost[] {
  return [
    { name: "rating run", unit: "s", of: "all", values: [seconds] },
    { name: "peak memory of the rating run", unit: "MiB", of: "all", values: [peakBytes / MIB] },
    { name: "applying the catalog", unit: "s", of: "all", values: [applySeconds] },
  ];
}

async function worldOf(worlds: Worlds, customers: number): Promise<BenchWorld> {
  const dir = await tempDir("bench-catalog");
  writeBenchCatalog(dir.path, { customers, meters: METERS });
  const world = await worlds.fresh({ catalog: dir.path });
  await dir.remove();
  return world;
}

async function generate({ clickhouse }: BenchWorld, customers: number): Promise<void> {
  for (let meter = 0; meter < METERS; meter += 1)
    await generateUsage(clickhouse, {
      ...{ meter: `m${meter}`, aggregation: "sum", customers, eventsPerCustomer: WINDOWS_PER_LINE, eventsPerWindow: 1 },
      merge: meter === METERS - 1,
    });
}

type KillInput = { readonly undisturbed: RatedByChild; readonly size: number; readonly say: (text: string) => void };

async function killAndResume(world: BenchWorld, { undisturbed, size, say }: KillInput): Promise<RatedByChild> {
  const period = GENERATED_MONTH.name;
  await killWhileRating(world, { period, atLines: size / 2 });
  const [killed] = await world.clickhouse.rows<{ runId: string; lines: string }>({
    sql: "SELECT run_id AS runId, count() AS lines FROM meterline.rated_lines FINAL WHERE run_id != {undisturbed: String} GROUP BY run_id",
    params: { undisturbed: undisturbed.runId },
    doing: "counting what the killed run has left",
  });
  const resumed = await rateByChild(world, { period, resume: true });
  requireEqual("resumed run", resumed.runId, killed?.runId ?? "none");
  requireEqual("lines after resuming", resumed.lines, size);
  await requireSameLines(world, { runs: [undisturbed.runId, resumed.runId], size });
  say(
    `killed with ${shown(Number(killed?.lines))} lines stored, gone on with in ${shown(resumed.seconds)} s: the same lines`,
  );
  return resumed;
}

/** All that a line says but what it was rated as of (run, cut, place in the journal) and the hash that covers this too. */
const LINE = `tuple(customer, line_id, contract_hash, price, meter, period_from, period_to, quantity, amount, amount_rounded, event_count, shard_ranges, events_digest, breakdown)`;

async function requireSameLines(
  { clickhouse }: BenchWorld,
  { runs, size }: { readonly runs: readonly string[]; readonly size: number },
): Promise<void> {
  const found = await clickhouse.rows<{ runId: string; lines: string; different: string; content: string }>({
    sql: `SELECT run_id AS runId, count() AS lines, uniqExact(line_id) AS different, toString(sum(reinterpretAsUInt128(sipHash128(${LINE})))) AS content
      FROM meterline.rated_lines FINAL WHERE run_id IN {runs: Array(String)} GROUP BY run_id`,
    params: { runs },
    doing: "comparing the lines of both runs",
  });
  requireEqual("runs with lines", found.length, runs.length);
  for (const { lines, different } of found) requireEqual("different lines", `${lines} ${different}`, `${size} ${size}`);
  requireEqual("content of the lines", found[1]?.content ?? "", found[0]?.content ?? "none");
}
