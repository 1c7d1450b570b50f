/** What an insert that never came to its batch has left behind, in whichever of the tables. */
import type { ClickHouseSettings } from "@clickhouse/client";
import type { SinkStore, UnfinishedBatch } from "../app/ports.ts";
import type { ClickHouse } from "./connect.ts";

/** Every table of the chain whose rows count; which view stores its rows first is up to the engine. */
const SEQ_OF = {
  event_keys: "seq",
  usage_events: "seq",
  usage_windows: "last_seq",
  usage_window_extremes: "last_seq",
  usage_window_latest: "last_seq",
  usage_window_levels: "last_seq",
  usage_unique_values: "last_seq",
  event_retractions: "seq",
  usage_retractions: "seq",
  usage_replacements: "seq",
  usage_replays: "seq",
} as const;

/** The raw rows are asked by their key; the other tables have none of a message's place, and are looked through: once per taking of a shard. */
export async function storedBehind(
  clickhouse: ClickHouse,
  params: Parameters<SinkStore["storedBehind"]>[0],
  settings: ClickHouseSettings,
): Promise<UnfinishedBatch | null> {
  const found = (select: string) =>
    clickhouse.rows<{ last: string | number }>({
      sql: select,
      params,
      settings,
      doing: "looking for rows of no batch",
    });
  const [raw] = await found(`SELECT max(seq) AS last FROM meterline.usage_events_raw ${behind("seq")}`);
  const last = Number(raw?.last ?? 0);
  if (last > 0) return { last };
  for (const [table, seq] of Object.entries(SEQ_OF)) {
    const rows = await found(`SELECT 1 AS last FROM meterline.${table} ${behind(seq)} LIMIT 1`);
    if (rows.length > 0) return { last: null };
  }
  return null;
}

function behind(seq: string): string {
  return `WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND ${seq} > {after: UInt64}`;
}
