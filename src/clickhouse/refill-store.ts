/** What ClickHouse knows of a shard beside its batches, for decisions after a restore. */
import type { BatchPlan } from "../domain/sink-plan.ts";
import type { ClickHouse } from "./connect.ts";

export type RefillStore = {
  /** The highest epoch that was ever fenced for the shard; 0 when none. */
  fencedEpoch(shard: number): Promise<number>;
  /** The highest cut of any batch; 0 when none. */
  greatestCut(): Promise<number>;
  isCommitted(input: { shard: number; plan: Pick<BatchPlan, "incarnation" | "first"> }): Promise<boolean>;
};

export function refillStore(clickhouse: ClickHouse): RefillStore {
  const number = async (input: { sql: string; params?: Readonly<Record<string, unknown>>; doing: string }) => {
    const rows = await clickhouse.rows<{ found: string | number }>(input);
    return Number(rows[0]?.found ?? 0);
  };
  return {
    fencedEpoch: (shard) =>
      number({
        sql: "SELECT max(epoch) AS found FROM meterline.sink_fence WHERE shard = {shard: UInt16}",
        params: { shard },
        doing: "reading the fence",
      }),
    greatestCut: () =>
      number({ sql: "SELECT max(cut) AS found FROM meterline.sink_batches", doing: "reading the highest cut" }),
    isCommitted: async ({ shard, plan: { incarnation, first } }) => {
      const sql = `SELECT count() AS found FROM meterline.sink_batches
        WHERE shard = {shard: UInt16} AND sink_batches.incarnation = {incarnation: UInt64} AND sink_batches.first = {first: UInt64}`;
      const params = { shard, incarnation, first };
      return (await number({ sql, params, doing: "looking for a committed batch" })) > 0;
    },
  };
}
