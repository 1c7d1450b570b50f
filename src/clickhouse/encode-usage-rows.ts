/**
 * Rows of the usage chain as RowBinary: the bytes that a plan's hash is over, so the same rows always give the same bytes. Binary rather than text,
 * because decimals and instants then reach the engine exactly and there is nothing to escape. Written field by field into one growing buffer.
 */
import {
  VERDICTS,
  type BatchPlace,
  type DecodedEvent,
  type MeterUse,
  type UsageRow,
  type Verdict,
} from "../domain/usage-event.ts";
import type { Contribution, Retraction } from "../domain/usage-retraction.ts";
import {
  createRowBinary,
  FIXED_BYTES_MAX,
  reserve,
  write128,
  writeByte,
  writeBytes,
  writeInt64,
  writeLength,
  writeSafeInteger,
  writeText,
  writeUInt16,
  writeUInt32,
  writeUInt64,
  type RowBinary,
} from "./row-binary.ts";

const USES =
  "Array(Tuple(meter String, aggregation String, quantity Decimal(38, 18), text String, dimensions Map(String, String)))";
const CONTRIBUTIONS =
  "Array(Tuple(meter String, customer String, window_start DateTime('UTC'), incarnation UInt64, seq UInt64, position UInt32))";

/** Columns of `usage_ingest_special` in the order of their encoding, which is the order of the table. */
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

/** `shard, incarnation, …`, for `INSERT INTO usage_ingest_special (…)`. */
export const USAGE_INGEST_COLUMN_LIST: string = USAGE_INGEST_COLUMNS.map(({ name }) => name).join(", ");
/** Those that `usage_ingest` has: all but the retraction, which an ordinary row has none of. */
export const ORDINARY_COLUMN_LIST: string = USAGE_INGEST_COLUMN_LIST.replace(/, retraction$/, "");
/** `shard UInt16, incarnation UInt64, …`, for `input()` and `file()`. */
export const USAGE_INGEST_STRUCTURE: string = USAGE_INGEST_COLUMNS.map(({ name, type }) => `${name} ${type}`).join(
  ", ",
);

/** What a row with two meters takes besides its raw bytes; a batch of such rows is written without growing the buffer. */
const ROW_BYTES_TYPICAL = 384;
/** The columns in front, in their order: shard and incarnation, sequence and position, the batch's first sequence and cut. */
const SHARD_BYTES = 10;
const EVENT_BYTES = 12;
const BATCH_BYTES = 12;

export function encodeUsageRows(rows: readonly UsageRow[]): Uint8Array {
  const output = createRowBinary(
    FIXED_BYTES_MAX + rows.reduce((bytes, { raw }) => bytes + raw.length + ROW_BYTES_TYPICAL, 0),
  );
  for (const row of rows) writeUsageRow(output, row);
  return output.buffer.subarray(0, output.at);
}

export function writeUsageRow(output: RowBinary, row: UsageRow): void {
  reserve(output, FIXED_BYTES_MAX);
  const start = output.at;
  writeEventPlace(output, row);
  writeBatchPlace(output, start, row);
  writeContent(output, row, row.verdict);
  writeUses(output, row.uses);
  if (row.retraction === undefined) writeNoRetraction(output);
  else writeRetraction(output, row.retraction);
}

/** Where the event stands in the stream; before and behind it is room for `writeBatchPlace`. */
export function writeEventPlace(output: RowBinary, event: Pick<DecodedEvent, "seq" | "position">): void {
  output.at += SHARD_BYTES;
  writeSafeInteger(output, event.seq);
  writeUInt32(output, event.position);
  output.at += BATCH_BYTES;
}

/** Puts the batch into the row that starts there, be it for the first time or again. */
export function writeBatchPlace(output: RowBinary, start: number, batch: BatchPlace): void {
  const end = output.at;
  output.at = start;
  writeUInt16(output, batch.shard);
  writeUInt64(output, batch.incarnation);
  output.at += EVENT_BYTES;
  writeSafeInteger(output, batch.batchFirst);
  writeUInt32(output, batch.cut);
  output.at = end;
}

type RowContent = Omit<DecodedEvent, "seq" | "position" | "rejected" | "uses" | "retraction">;

/** Everything between the place and the uses; gives where the verdict stands. */
export function writeContent(output: RowBinary, content: RowContent, verdict: Verdict): number {
  writeText(output, content.subject);
  writeInt64(output, content.ingestedAt);
  writeText(output, content.source);
  writeText(output, content.id);
  writeText(output, content.type);
  writeText(output, content.customer);
  writeInt64(output, content.eventTime);
  const verdictAt = output.at;
  writeVerdict(output, verdict);
  writeText(output, content.reason);
  writeText(output, content.detail);
  write128(output, content.eventKey);
  write128(output, content.bodyHash);
  writeBytes(output, content.raw);
  return verdictAt;
}

function writeVerdict(output: RowBinary, verdict: Verdict): void {
  writeByte(output, VERDICTS.indexOf(verdict) + 1);
}

export function rewriteVerdict(output: RowBinary, verdictAt: number, verdict: Verdict): void {
  const end = output.at;
  output.at = verdictAt;
  writeVerdict(output, verdict);
  output.at = end;
}

export function writeNoUses(output: RowBinary): void {
  writeLength(output, 0);
}

export function writeNoRetraction(output: RowBinary): void {
  writeByte(output, 0);
}

/** As an array of one, because ClickHouse has no nullable tuple. */
function writeRetraction(output: RowBinary, retraction: Retraction): void {
  writeByte(output, 1);
  write128(output, retraction.targetKey);
  writeText(output, retraction.targetId);
  writeText(output, retraction.customer);
  writeInt64(output, retraction.eventTime);
  writeUses(output, retraction.uses);
  writeLength(output, retraction.retracts.length);
  for (const contribution of retraction.retracts) writeContribution(output, contribution);
}

function writeContribution(output: RowBinary, contribution: Contribution): void {
  writeText(output, contribution.meter);
  writeText(output, contribution.customer);
  writeUInt32(output, contribution.windowStart);
  writeUInt64(output, contribution.incarnation);
  writeSafeInteger(output, contribution.seq);
  writeUInt32(output, contribution.position);
}

export function writeUses(output: RowBinary, uses: readonly MeterUse[]): void {
  writeLength(output, uses.length);
  for (const use of uses) writeUse(output, use);
}

function writeUse(output: RowBinary, use: MeterUse): void {
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
