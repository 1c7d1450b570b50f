/**
 * Rows of `usage_ingest` as RowBinary: the bytes that a plan's hash is over, so the same rows always give the same bytes. Binary rather than text,
 * because decimals and instants then reach the engine exactly and there is nothing to escape. Written field by field into one growing buffer.
 */
import { VERDICTS, type MeterUse, type UsageRow } from "../domain/usage-event.ts";
import type { Contribution, Retraction } from "../domain/usage-retraction.ts";

const USES =
  "Array(Tuple(meter String, aggregation String, quantity Decimal(38, 18), text String, dimensions Map(String, String)))";
const CONTRIBUTIONS =
  "Array(Tuple(meter String, customer String, window_start DateTime('UTC'), incarnation UInt64, seq UInt64, position UInt32))";

/** Columns of `usage_ingest` in the order of their encoding, which is the order of the table. */
export const USAGE_INGEST_COLUMNS = [
  { name: "shard", type: "UInt16" },
  { name: "incarnation", type: "UInt64" },
  { name: "seq", type: "UInt64" },
  { name: "position", type: "UInt32" },
  { name: "batch_first", type: "UInt64" },
  { name: "cut", type: "UInt32" },
  { name: "subject", type: "String" },
  { name: "ingested_at", type: "DateTime64(9, 'UTC')" },
  { name: "source", type: "String" },
  { name: "id", type: "String" },
  { name: "type", type: "String" },
  { name: "customer", type: "String" },
  { name: "event_time", type: "DateTime64(9, 'UTC')" },
  { name: "verdict", type: "Enum8('accepted' = 1, 'duplicate' = 2, 'conflict' = 3, 'rejected' = 4)" },
  { name: "reason", type: "LowCardinality(String)" },
  { name: "detail", type: "String" },
  { name: "event_key", type: "UInt128" },
  { name: "body_hash", type: "UInt128" },
  { name: "raw", type: "String" },
  { name: "uses", type: USES },
  {
    name: "retraction",
    type: `Array(Tuple(target_key UInt128, target_id String, customer String, event_time DateTime64(9, 'UTC'), uses ${USES}, retracts ${CONTRIBUTIONS}))`,
  },
] as const;

/** `shard, incarnation, …`, for `INSERT INTO usage_ingest (…)`. */
export const USAGE_INGEST_COLUMN_LIST: string = USAGE_INGEST_COLUMNS.map(({ name }) => name).join(", ");
/** `shard UInt16, incarnation UInt64, …`, for `input()` and `file()`. */
export const USAGE_INGEST_STRUCTURE: string = USAGE_INGEST_COLUMNS.map(({ name, type }) => `${name} ${type}`).join(
  ", ",
);

/** What a row with two meters takes besides its raw bytes; a batch of such rows is written without growing the buffer. */
const ROW_BYTES_TYPICAL = 384;
/** Numbers of a row and of a use, with the longest length prefixes: all fixed parts fit without looking again. */
const FIXED_BYTES_MAX = 256;
/** Up to here writing single bytes is faster than calling into the runtime. */
const SHORT_TEXT = 48;
const BYTES_PER_UNIT_MAX = 3;

type Output = { buffer: Buffer; view: DataView; at: number };

export function encodeUsageRows(rows: readonly UsageRow[]): Uint8Array {
  const output = createOutput(
    FIXED_BYTES_MAX + rows.reduce((bytes, { raw }) => bytes + raw.length + ROW_BYTES_TYPICAL, 0),
  );
  for (const row of rows) writeRow(output, row);
  return output.buffer.subarray(0, output.at);
}

function writeRow(output: Output, row: UsageRow): void {
  reserve(output, FIXED_BYTES_MAX);
  writeUInt16(output, row.shard);
  writeUInt64(output, row.incarnation);
  writeSafeInteger(output, row.seq);
  writeUInt32(output, row.position);
  writeSafeInteger(output, row.batchFirst);
  writeUInt32(output, row.cut);
  writeText(output, row.subject);
  writeInt64(output, row.ingestedAt);
  writeText(output, row.source);
  writeText(output, row.id);
  writeText(output, row.type);
  writeText(output, row.customer);
  writeInt64(output, row.eventTime);
  writeByte(output, VERDICTS.indexOf(row.verdict) + 1);
  writeText(output, row.reason);
  writeText(output, row.detail);
  write128(output, row.eventKey);
  write128(output, row.bodyHash);
  writeBytes(output, row.raw);
  writeUses(output, row.uses);
  if (row.retraction === undefined) writeByte(output, 0);
  else writeRetraction(output, row.retraction);
}

/** As an array of one, because ClickHouse has no nullable tuple. */
function writeRetraction(output: Output, retraction: Retraction): void {
  writeByte(output, 1);
  write128(output, retraction.targetKey);
  writeText(output, retraction.targetId);
  writeText(output, retraction.customer);
  writeInt64(output, retraction.eventTime);
  writeUses(output, retraction.uses);
  writeLength(output, retraction.retracts.length);
  for (const contribution of retraction.retracts) writeContribution(output, contribution);
}

function writeContribution(output: Output, contribution: Contribution): void {
  writeText(output, contribution.meter);
  writeText(output, contribution.customer);
  writeUInt32(output, contribution.windowStart);
  writeUInt64(output, contribution.incarnation);
  writeSafeInteger(output, contribution.seq);
  writeUInt32(output, contribution.position);
}

function writeUses(output: Output, uses: readonly MeterUse[]): void {
  writeLength(output, uses.length);
  for (const use of uses) writeUse(output, use);
}

function writeUse(output: Output, use: MeterUse): void {
  writeText(output, use.meter);
  writeText(output, use.aggregation);
  write128(output, use.quantity);
  writeText(output, use.text);
  writeLength(output, use.dimensions.length);
  for (const { name, value } of use.dimensions) {
    writeText(output, name);
    writeText(output, value);
  }
}

function createOutput(bytes: number): Output {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  return { buffer, view: new DataView(buffer.buffer), at: 0 };
}

/** Makes room for so many bytes and for the fixed part that follows them. */
function reserve(output: Output, bytes: number): void {
  const needed = output.at + bytes + FIXED_BYTES_MAX;
  if (needed <= output.buffer.length) return;
  const larger = createOutput(Math.max(needed, output.buffer.length * 2));
  output.buffer.copy(larger.buffer, 0, 0, output.at);
  output.buffer = larger.buffer;
  output.view = larger.view;
}

function writeByte(output: Output, value: number): void {
  output.buffer[output.at] = value;
  output.at += 1;
}

function writeUInt16(output: Output, value: number): void {
  output.view.setUint16(output.at, value, true);
  output.at += 2;
}

function writeUInt32(output: Output, value: number): void {
  output.view.setUint32(output.at, value, true);
  output.at += 4;
}

/** A UInt64 whose value is a safe integer, without a bigint. */
function writeSafeInteger(output: Output, value: number): void {
  output.view.setUint32(output.at, value >>> 0, true);
  output.view.setUint32(output.at + 4, Math.floor(value / 2 ** 32), true);
  output.at += 8;
}

function writeUInt64(output: Output, value: bigint): void {
  output.view.setBigUint64(output.at, value, true);
  output.at += 8;
}

function writeInt64(output: Output, value: bigint): void {
  output.view.setBigInt64(output.at, value, true);
  output.at += 8;
}

/** 128 bits, little endian, two's complement for negative ones: UInt128, and Decimal(38, 18) as its scaled integer. */
function write128(output: Output, value: bigint): void {
  output.view.setBigUint64(output.at, BigInt.asUintN(64, value), true);
  output.view.setBigInt64(output.at + 8, BigInt.asIntN(64, value >> 64n), true);
  output.at += 16;
}

/** LEB128, as RowBinary writes lengths. */
function writeLength(output: Output, length: number): void {
  let rest = length;
  while (rest > 127) {
    writeByte(output, (rest & 127) | 128);
    rest >>>= 7;
  }
  writeByte(output, rest);
}

function writeBytes(output: Output, bytes: Uint8Array): void {
  reserve(output, bytes.length);
  writeLength(output, bytes.length);
  output.buffer.set(bytes, output.at);
  output.at += bytes.length;
}

function writeText(output: Output, text: string): void {
  reserve(output, text.length * BYTES_PER_UNIT_MAX);
  if (text.length <= SHORT_TEXT && writeShortAscii(output, text)) return;
  writeLength(output, Buffer.byteLength(text));
  output.at += output.buffer.write(text, output.at, "utf8");
}

/** Writes the text if it is ASCII. Its length then fits into one byte. */
function writeShortAscii(output: Output, text: string): boolean {
  const { buffer, at } = output;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 127) return false;
    buffer[at + 1 + index] = code;
  }
  buffer[at] = text.length;
  output.at = at + 1 + text.length;
  return true;
}
