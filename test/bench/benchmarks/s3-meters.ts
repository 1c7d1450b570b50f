/**
 * S3: what an event costs in a catalog of 1, 10 and 100 meters, when each event feeds all of them (a cost of the meters: each stores a row and has its windows), and when it
 * feeds one of them (which should cost the same beside however many others).
 */
import { tempDir } from "../../support/temp-dir.ts";
import { writeBenchCatalog } from "../bench-catalog.ts";
import type { Benchmark } from "../benchmark.ts";
import type { ScaleCost, ScalePoint } from "../growth.ts";
import { shown } from "../interleave.ts";
import { PIPELINE, pipelineUse } from "../pipeline-use.ts";
import type { Worlds } from "../worlds.ts";

const METERS = [1, 10, 100] as const;
const CUSTOMERS = 1_000;
/** Of an event for all meters there are fewer the more meters there are, but never less than this share: a round has several batches still. */
const SHARE_MIN = 0.1;

export const meters: Benchmark = {
  id: "S3",
  title: "Events beside meters",
  events: 300_000,
  rounds: 1,
  minutes: 2,
  run: async ({ events, scale, worlds, say }) => {
    const points: ScalePoint[] = [];
    for (const size of METERS) {
      const share = Math.max(1 / size, SHARE_MIN);
      const forAll = await measured(worlds, {
        meters: size,
        eventTypes: 1,
        events: Math.round(events * scale * share),
      });
      const forOne = await measured(worlds, { meters: size, eventTypes: size, events: Math.round(events * scale) });
      points.push({
        size,
        costs: [
          ...forAll.map((cost) => ({ ...cost, name: `${cost.name}, for all meters`, of: "all" as const })),
          ...forOne.map((cost) => ({ ...cost, name: `${cost.name}, for one of them` })),
        ],
      });
      const first = (costs: readonly ScaleCost[]): string => shown(costs[0]?.values[0] ?? 0);
      say(`${size} meters: ${first(forAll)} µs of a core per event for all of them, ${first(forOne)} for one`);
    }
    return { measurements: [], ratios: [], facts: { customers: CUSTOMERS }, growth: { axis: "meters", points } };
  },
};

type MeasuredInput = { readonly meters: number; readonly eventTypes: number; readonly events: number };

async function measured(
  worlds: Worlds,
  { meters: size, eventTypes, events }: MeasuredInput,
): Promise<readonly ScaleCost[]> {
  const dir = await tempDir("bench-catalog");
  writeBenchCatalog(dir.path, { customers: CUSTOMERS, meters: size, eventTypes });
  const world = await worlds.fresh({ catalog: dir.path });
  await dir.remove();
  const use = await pipelineUse({
    ...{ world, events, round: "s3", customers: CUSTOMERS, eventTypes },
    metersPerEvent: size / eventTypes,
  });
  await world.stop();
  return use.costs.filter(({ name }) => name === PIPELINE);
}
