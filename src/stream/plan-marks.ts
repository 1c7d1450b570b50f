/**
 * The marks of a shard's plans, one key each in the bucket METERLINE. The shard's key remembers the last plan alone; with the marks, batches that
 * ClickHouse has lost can be made again with the cut and the catalog that they had, so that no bill changes by a restore.
 */
import type { KV } from "@nats-io/kv";
import type { PlanMarks } from "../app/ports.ts";
import type { PlanMark } from "../domain/sink-plan.ts";
import { classifyNatsError } from "./classify-error.ts";
import { readRegister, writeRegister } from "./register.ts";

export function planMarks(bucket: KV): PlanMarks {
  return {
    put: async ({ shard, mark }) => {
      // Created, never changed: whoever writes this one later replays the same plan.
      await writeRegister(bucket, {
        name: `${prefix(shard, mark.incarnation)}.${mark.first}`,
        revision: 0,
        value: mark,
      });
    },
    list: async ({ shard, incarnation }) => {
      const marks: PlanMark[] = [];
      for (const name of await names(bucket, `${prefix(shard, incarnation)}.*`)) {
        const found = await readRegister<PlanMark>(bucket, name);
        if (found !== null) marks.push(found.value);
      }
      return marks.sort((a, b) => a.first - b.first);
    },
  };
}

function prefix(shard: number, incarnation: string): string {
  return `plans.${shard}.${incarnation}`;
}

async function names(bucket: KV, filter: string): Promise<string[]> {
  try {
    const found: string[] = [];
    for await (const name of await bucket.keys(filter)) found.push(name);
    return found;
  } catch (error) {
    throw classifyNatsError(error, `listing the keys ${filter}`);
  }
}
