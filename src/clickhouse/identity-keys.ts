/**
 * The keys of accepted events, asked for and read as the engine keeps them: 16 bytes each. As decimal text, 25,000 of them among 10 million took
 * three times as long (1.2 s beside 0.4 s), nearly all of it for writing and parsing digits.
 */
import type { ClickHouseSettings } from "@clickhouse/client";
import type { KnownIdentity, SinkStore } from "../app/ports.ts";
import { AppError } from "../kernel/errors.ts";
import type { ClickHouse } from "./connect.ts";
import { nativeUInt64s } from "./native-column.ts";

/** A UInt128 in RowBinary. */
const KEY_BYTES = 16;
const HALF_BYTES = 8;
const HALF_BITS = 64n;
const KNOWN_BYTES = 2 * KEY_BYTES;
/** Keys of one look-up: 1.6 MB of SQL, for which the server's limit (256 kB) is raised. */
const KEYS_PER_QUERY = 50_000;
const QUERY_BYTES_BESIDE = 1_000;

export async function knownIdentities(
  clickhouse: ClickHouse,
  input: Parameters<SinkStore["knownIdentities"]>[0],
  settings: ClickHouseSettings,
): Promise<readonly KnownIdentity[]> {
  const { eventKeys, shard, before } = input;
  const { incarnation, seq } = before ?? { incarnation: "0", seq: 0 };
  // Each column more is read at thousands of places: without these two a look-up of 25,000 among 100 million takes 0.4 s instead of 0.6 s.
  const older = before === null ? "" : "AND (incarnation, seq) < ({incarnation: UInt64}, {seq: UInt64})";
  const known: KnownIdentity[] = [];
  for (let from = 0; from < eventKeys.length; from += KEYS_PER_QUERY) {
    const keys = hexOf(eventKeys.slice(from, from + KEYS_PER_QUERY));
    // Parameters travel in the URL, which holds a few hundred keys. These are our own bytes, in hexadecimal digits.
    const chunks = await clickhouse.bytes({
      sql: `SELECT event_key, body_hash FROM meterline.event_keys
        WHERE event_key IN (
            SELECT reinterpretAsUInt128(substring(keys, ${KEY_BYTES} * number + 1, ${KEY_BYTES}))
            FROM (SELECT number, unhex('${keys}') AS keys FROM numbers(${keys.length / 2 / KEY_BYTES})))
          AND shard = {shard: UInt16} ${older}
        FORMAT RowBinary`,
      params: { shard, incarnation, seq },
      // The whole answer or an error: a row that is missing would be an event that counts twice.
      settings: { ...settings, wait_end_of_query: 1, max_query_size: String(keys.length + QUERY_BYTES_BESIDE) },
      doing: "looking for known identities",
    });
    for await (const bytes of wholeRows(chunks, KNOWN_BYTES)) {
      for (let at = 0; at < bytes.length; at += KNOWN_BYTES)
        known.push({ eventKey: readKey(bytes, at), bodyHash: readKey(bytes, at + KEY_BYTES) });
    }
  }
  return known;
}

/** Little endian, as all machines are that Node runs on. */
function hexOf(keys: readonly bigint[]): string {
  const bytes = Buffer.allocUnsafe(keys.length * KEY_BYTES);
  keys.forEach((key, index) => {
    bytes.writeBigUInt64LE(BigInt.asUintN(64, key), index * KEY_BYTES);
    bytes.writeBigUInt64LE(key >> HALF_BITS, index * KEY_BYTES + HALF_BYTES);
  });
  return bytes.toString("hex");
}

function readKey(bytes: Buffer, at: number): bigint {
  return (bytes.readBigUInt64LE(at + HALF_BYTES) << HALF_BITS) | bytes.readBigUInt64LE(at);
}

const IN_ORDER: ClickHouseSettings = { max_threads: 1 };
/** The table is in the order of the keys, so these two columns are read as a whole: a start from a copy takes 0.34 s beside a hundred million, that included. */
const BEHIND = "(incarnation > {incarnation: UInt64} OR (incarnation = {incarnation: UInt64} AND seq > {seq: UInt64}))";

/**
 * The upper halves, which are all that the filter looks at: a hundred million are 0.8 GB instead of 1.6 GB on the way, and as texts they would be 4.5 GB.
 * Of all of them, one thread reads part after part, each in the order of its keys: with more of them the keys come mixed, and a filter that is larger than the processor's caches takes ten times as long to add them.
 */
export async function* identities(
  clickhouse: ClickHouse,
  { shard, behind }: Parameters<SinkStore["identities"]>[0],
  settings: ClickHouseSettings,
): AsyncGenerator<Uint32Array> {
  const chunks = await clickhouse.bytes({
    sql: `SELECT toUInt64(bitShiftRight(event_key, 64)) AS half FROM meterline.event_keys WHERE shard = {shard: UInt16} ${behind === undefined ? "" : `AND ${BEHIND}`} FORMAT Native`,
    params: { shard, ...behind },
    settings: { ...settings, ...(behind === undefined && IN_ORDER) },
    doing: "reading the identities for the filter",
  });
  for await (const { buffer, byteOffset, byteLength } of nativeUInt64s(chunks))
    yield new Uint32Array(buffer, byteOffset, byteLength / Uint32Array.BYTES_PER_ELEMENT);
}

/** Bytes come in chunks of any length. */
async function* wholeRows(chunks: AsyncIterable<Uint8Array>, rowBytes: number): AsyncGenerator<Buffer> {
  let rest: Uint8Array = new Uint8Array();
  for await (const chunk of chunks) {
    const bytes = Buffer.concat([rest, chunk]);
    const whole = bytes.length - (bytes.length % rowBytes);
    rest = bytes.subarray(whole);
    yield bytes.subarray(0, whole);
  }
  if (rest.length === 0) return;
  throw new AppError({
    code: "CLICKHOUSE_ANSWER_BROKEN",
    kind: "unavailable",
    message: "ClickHouse's answer broke off in the middle of a key",
  });
}

export async function countIdentities(
  clickhouse: ClickHouse,
  { shard, upTo }: Parameters<SinkStore["countIdentities"]>[0],
  settings: ClickHouseSettings,
): Promise<number> {
  const rows = await clickhouse.rows<{ identities: string }>({
    sql: `SELECT count() AS identities FROM meterline.event_keys WHERE shard = {shard: UInt16} ${upTo === undefined ? "" : `AND NOT ${BEHIND}`}`,
    params: { shard, ...upTo },
    settings,
    doing: "counting the identities",
  });
  return Number(rows[0]?.identities ?? 0);
}
