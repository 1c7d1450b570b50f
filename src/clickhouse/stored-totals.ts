/**
 * Totals over all batches ever committed, for metrics. Only the rows after the last look are read, by the primary key: the first look of a
 * process costs the whole table (one row per batch), every later one nothing to speak of.
 */
import { VERDICTS, type Verdict } from "../domain/usage-event.ts";
import type { ClickHouse } from "./connect.ts";

export type ShardTotals = {
  readonly batches: number;
  readonly events: Readonly<Record<Verdict, number>>;
};

export type StoredTotals = { readonly read: () => Promise<readonly ShardTotals[]> };

type Known = { readonly totals: ShardTotals; readonly incarnation: string; readonly first: number };
type Row = Readonly<Record<Verdict | "batches" | "incarnation" | "first", string>>;

const SQL = `SELECT toString(count()) AS batches, ${VERDICTS.map((verdict) => `toString(sum(b.${verdict})) AS ${verdict}`).join(", ")},
    toString(max((b.incarnation, b.first)).1) AS incarnation, toString(max((b.incarnation, b.first)).2) AS first
  FROM meterline.sink_batches AS b
  WHERE b.shard = {shard: UInt16} AND (b.incarnation, b.first) > ({incarnation: UInt64}, {first: UInt64})
  HAVING count() > 0`;
const NONE: Known = {
  totals: { batches: 0, events: { accepted: 0, duplicate: 0, conflict: 0, rejected: 0 } },
  incarnation: "0",
  first: 0,
};

/** The totals by shard, in their order. */
export function storedTotals(clickhouse: ClickHouse, shards: number): StoredTotals {
  const known = Array.from({ length: shards }, () => NONE);
  return {
    read: async () => {
      for (const [shard, before] of known.entries()) known[shard] = await readOn(clickhouse, shard, before);
      return known.map(({ totals }) => totals);
    },
  };
}

async function readOn(clickhouse: ClickHouse, shard: number, before: Known): Promise<Known> {
  const { totals, incarnation, first } = before;
  const [row] = await clickhouse.rows<Row>({
    sql: SQL,
    params: { shard, incarnation, first },
    doing: "adding up the stored batches",
  });
  if (row === undefined) return before;
  const events = { ...totals.events };
  for (const verdict of VERDICTS) events[verdict] += Number(row[verdict]);
  return {
    totals: { batches: totals.batches + Number(row.batches), events },
    incarnation: row.incarnation,
    first: Number(row.first),
  };
}
