/** The rejected rows that replays name, as the writer asks for them before it decides. */
import type { ClickHouseSettings } from "@clickhouse/client";
import type { SinkStore } from "../app/ports.ts";
import type { EventOrigin, QuarantinedRow } from "../domain/quarantine.ts";
import type { ClickHouse } from "./connect.ts";

/** Places of one look-up, each of up to 50 characters: 250 kB of SQL, just below the server's limit. */
const ORIGINS_PER_QUERY = 5_000;

type Row = {
  readonly incarnation: string;
  readonly seq: string;
  readonly position: number;
  readonly subject: string;
  readonly ingested_at: string;
  readonly raw_sha256: string;
};

export async function quarantinedRows(
  clickhouse: ClickHouse,
  input: Parameters<SinkStore["quarantinedRows"]>[0],
  settings: ClickHouseSettings,
): Promise<readonly QuarantinedRow[]> {
  const found: QuarantinedRow[] = [];
  for (let from = 0; from < input.origins.length; from += ORIGINS_PER_QUERY) {
    // Integers of our own, written out in digits: as parameters they would travel in the URL, which holds a few hundred.
    const places = input.origins.slice(from, from + ORIGINS_PER_QUERY).map(placeSql);
    const rows = await clickhouse.rows<Row>({
      sql: `SELECT toString(incarnation) AS incarnation, toString(seq) AS seq, position, subject,
          toString(toUnixTimestamp64Nano(ingested_at)) AS ingested_at, lower(hex(SHA256(raw))) AS raw_sha256
        FROM meterline.usage_events_raw AS e
        WHERE e.shard = {shard: UInt16} AND (e.incarnation, e.seq, e.position) IN (${places.join(", ")})
          AND (e.incarnation, e.seq) < ({incarnation: UInt64}, {beforeSeq: UInt64})
          AND e.verdict = 'rejected' AND e.reason != 'replay_invalid'`,
      params: { shard: input.shard, incarnation: input.incarnation, beforeSeq: input.beforeSeq },
      settings,
      doing: "looking for the events that are replayed",
    });
    for (const row of rows) found.push(quarantinedRow(row));
  }
  return found;
}

function placeSql({ incarnation, seq, position }: EventOrigin): string {
  return `(${incarnation}, ${seq}, ${position})`;
}

function quarantinedRow(row: Row): QuarantinedRow {
  return {
    origin: { incarnation: BigInt(row.incarnation), seq: Number(row.seq), position: row.position },
    subject: row.subject,
    ingestedAt: BigInt(row.ingested_at),
    rawSha256: row.raw_sha256,
  };
}
