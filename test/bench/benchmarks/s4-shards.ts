/** S4: what an event costs with 1, 2 and 4 shards, all of them written by one process, and as many events for each: it has batches, inserts and parts of its own. */
import { tempDir } from "../../support/temp-dir.ts";
import { writeBenchCatalog } from "../bench-catalog.ts";
import type { Benchmark } from "../benchmark.ts";
import type { ScalePoint } from "../growth.ts";
import { shown } from "../interleave.ts";
import { pipelineUse } from "../pipeline-use.ts";

const SHARDS = [1, 2, 4] as const;
const CUSTOMERS = 1_000;

export const shards: Benchmark = {
  id: "S4",
  title: "Events beside shards",
  /** For each shard. */
  events: 300_000,
  rounds: 1,
  minutes: 2,
  run: async ({ events, scale, worlds, say }) => {
    const points: ScalePoint[] = [];
    for (const size of SHARDS) {
      const dir = await tempDir("bench-catalog");
      writeBenchCatalog(dir.path, { customers: CUSTOMERS, meters: 1 });
      const world = await worlds.fresh({ catalog: dir.path, shards: size });
      await dir.remove();
      const { costs } = await pipelineUse({
        ...{ world, events: Math.round(events * scale) * size, round: "s4", customers: CUSTOMERS },
        ...{ eventTypes: 1, metersPerEvent: 1 },
      });
      await world.stop();
      points.push({ size, costs });
      say(`${size} shards: ${shown(costs[0]?.values[0] ?? 0)} µs of a core per event`);
    }
    return {
      measurements: [],
      ratios: [],
      facts: { customers: CUSTOMERS, "events for each shard": Math.round(events * scale), "events per message": 100 },
      growth: { axis: "shards", points },
    };
  },
};
