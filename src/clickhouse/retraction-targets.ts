/**
 * Events that are to be taken back, with what counts of them. Everything is read as of a place in the stream, from rows that were committed
 * before it and never change, so that the same batch finds the same whenever it is made again.
 */
import type { ClickHouseSettings } from "@clickhouse/client";
import type { SinkStore } from "../app/ports.ts";
import type { Contribution, RetractionTarget } from "../domain/usage-retraction.ts";
import { present } from "../kernel/assert.ts";
import type { ClickHouse } from "./connect.ts";

type TargetsInput = Parameters<SinkStore["retractionTargets"]>[0];
type Place = { readonly incarnation: string; readonly seq: string; readonly position: number };
type KeyRow = Place & { readonly event_key: string };
type RawRow = KeyRow & {
  readonly type: string;
  readonly customer: string;
  readonly subject: string;
  readonly ingested_at: string;
  readonly raw: string;
  readonly batch_first: string;
};
type BatchRow = { readonly incarnation: string; readonly first: string; readonly catalog_seq: string };
type LastRow = KeyRow & {
  readonly customer: string;
  readonly window_start: number;
  readonly meters: readonly string[];
};
type UsageRow = Place & { readonly meter: string; readonly customer: string; readonly window_start: number };

/** Of each of them the raw bytes are held in memory. */
const TARGETS_PER_QUERY = 2_000;
/** So many places of 50 digits are 100 kB of SQL; the server's own limit is 256 kB. */
const QUERY_BYTES_MAX = "1000000";
const PLACE = "toString(incarnation) AS incarnation, toString(seq) AS seq, position";
const WINDOW = "toDateTime(intDiv(toUnixTimestamp64Second(event_time), 900) * 900, 'UTC')";

export async function retractionTargets(
  clickhouse: ClickHouse,
  input: TargetsInput,
  settings: ClickHouseSettings,
): Promise<ReadonlyMap<bigint, RetractionTarget>> {
  const found = new Map<bigint, RetractionTarget>();
  for (let from = 0; from < input.eventKeys.length; from += TARGETS_PER_QUERY) {
    const eventKeys = input.eventKeys.slice(from, from + TARGETS_PER_QUERY);
    const part = { ...input, eventKeys };
    for (const [key, target] of await readTargets(questions(clickhouse, part, settings), part)) found.set(key, target);
  }
  return found;
}

type Ask = <T>(sql: string) => Promise<T[]>;

function questions(clickhouse: ClickHouse, input: TargetsInput, settings: ClickHouseSettings): Ask {
  const { shard, incarnation, beforeSeq } = input;
  return (sql) =>
    clickhouse.rows({
      sql,
      params: { shard, incarnation, beforeSeq },
      settings: { ...settings, max_query_size: QUERY_BYTES_MAX },
      doing: "reading what is to be taken back",
    });
}

async function readTargets(ask: Ask, { eventKeys }: TargetsInput): Promise<(readonly [bigint, RetractionTarget])[]> {
  // Our own integers, written out: so many parameters do not fit into a URL. In quotes, because a bare number beyond 64 bits is read as a float.
  const keys = eventKeys.map((key) => `'${key}'`).join(", ");
  const places = await ask<KeyRow>(`SELECT toString(event_key) AS event_key, ${PLACE} FROM meterline.event_keys
    WHERE event_keys.event_key IN (${keys}) AND shard = {shard: UInt16}
      AND (event_keys.incarnation, event_keys.seq) < ({incarnation: UInt64}, {beforeSeq: UInt64})`);
  if (places.length === 0) return [];
  const raws = await ask<RawRow>(rawSql(places));
  const catalogs = await catalogsOf(ask, raws);
  const live = await liveContributions(ask, { keys, places });
  return raws.map((row) => [
    BigInt(row.event_key),
    {
      type: row.type,
      customer: row.customer,
      subject: row.subject,
      ingestedAt: BigInt(row.ingested_at),
      raw: Buffer.from(row.raw),
      catalogSeq: present(catalogs.get(`${row.incarnation}/${row.batch_first}`), "the batch of an accepted event"),
      live: live.get(row.event_key) ?? [],
    },
  ]);
}

function rawSql(places: readonly Place[]): string {
  return `SELECT toString(event_key) AS event_key, ${PLACE}, type, customer, subject,
      toString(toUnixTimestamp64Nano(ingested_at)) AS ingested_at, raw, toString(batch_first) AS batch_first
    FROM meterline.usage_events_raw AS e
    WHERE shard = {shard: UInt16} AND verdict = 'accepted' AND (e.incarnation, e.seq, e.position) IN (${placeList(places)})`;
}

/** The journal sequence of each batch, by incarnation and first message. */
async function catalogsOf(ask: Ask, raws: readonly RawRow[]): Promise<ReadonlyMap<string, number>> {
  const firsts = [...new Set(raws.map((row) => `(${row.incarnation}, ${row.batch_first})`))].join(", ");
  const rows =
    await ask<BatchRow>(`SELECT toString(incarnation) AS incarnation, toString(first) AS first, toString(catalog_seq) AS catalog_seq
    FROM meterline.sink_batches AS b WHERE shard = {shard: UInt16} AND (b.incarnation, b.first) IN (${firsts})`);
  return new Map(rows.map((row) => [`${row.incarnation}/${row.first}`, Number(row.catalog_seq)]));
}

type LiveInput = { readonly keys: string; readonly places: readonly KeyRow[] };

/** By key: what the last void or amend before this place left, or where there was none what the event itself contributed. */
async function liveContributions(ask: Ask, input: LiveInput): Promise<ReadonlyMap<string, readonly Contribution[]>> {
  const last =
    await ask<LastRow>(`SELECT toString(target_key) AS event_key, customer, toUnixTimestamp(${WINDOW}) AS window_start,
      uses.meter AS meters, ${PLACE}
    FROM meterline.event_retractions AS r
    WHERE target_key IN (${input.keys}) AND shard = {shard: UInt16} AND (r.incarnation, r.seq) < ({incarnation: UInt64}, {beforeSeq: UInt64})
    ORDER BY target_key, r.incarnation DESC, r.seq DESC, r.position DESC LIMIT 1 BY target_key`);
  const live = new Map<string, Contribution[]>(
    last.map(({ meters, ...row }) => [row.event_key, meters.map((meter) => contribution({ ...row, meter }))]),
  );
  const own = input.places.filter((place) => !live.has(place.event_key));
  if (own.length === 0) return live;
  const keyOf = new Map(own.map((place) => [placeText(place), place.event_key]));
  for (const row of await ask<UsageRow>(usageSql(own))) {
    const key = keyOf.get(placeText(row)) ?? "";
    live.set(key, [...(live.get(key) ?? []), contribution(row)]);
  }
  return live;
}

/** The events' own times and customers lead to their rows by the key of usage_events. */
function usageSql(places: readonly Place[]): string {
  const list = placeList(places);
  return `SELECT meter, customer, toUnixTimestamp(u.window_start) AS window_start, ${PLACE}
    FROM meterline.usage_events AS u
    WHERE shard = {shard: UInt16} AND (u.incarnation, u.seq, u.position) IN (${list})
      AND (toYYYYMM(u.window_start), u.customer, u.window_start, u.event_time, u.source, u.id) IN
        (SELECT toYYYYMM(${WINDOW}), e.customer, ${WINDOW}, e.event_time, e.source, e.id FROM meterline.usage_events_raw AS e
        WHERE shard = {shard: UInt16} AND (e.incarnation, e.seq, e.position) IN (${list}))
    ORDER BY u.incarnation, u.seq, u.position, meter`;
}

function contribution(row: UsageRow): Contribution {
  return {
    meter: row.meter,
    customer: row.customer,
    windowStart: row.window_start,
    incarnation: BigInt(row.incarnation),
    seq: Number(row.seq),
    position: row.position,
  };
}

function placeList(places: readonly Place[]): string {
  return places.map(placeText).join(", ");
}

function placeText({ incarnation, seq, position }: Place): string {
  return `(${incarnation}, ${seq}, ${position})`;
}
