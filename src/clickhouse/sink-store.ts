/**
 * ClickHouse as the writer needs it. The insert carries its token, its fence and the settings under which a repetition is recognised: each of
 * them was measured to double or lose rows when missing. Nothing else inserts into `usage_ingest` and `usage_ingest_special`.
 */
import type { ClickHouseSettings } from "@clickhouse/client";
import type { SinkStore } from "../app/ports.ts";
import { insertToken, type BatchPlan, type CommittedBatch } from "../domain/sink-plan.ts";
import { assert } from "../kernel/assert.ts";
import { AppError } from "../kernel/errors.ts";
import { instantText } from "../kernel/instant.ts";
import type { ClickHouse } from "./connect.ts";
import { ORDINARY_COLUMN_LIST, USAGE_INGEST_COLUMN_LIST, USAGE_INGEST_STRUCTURE } from "./encode-usage-rows.ts";
import { countIdentities, identities, knownIdentities } from "./identity-keys.ts";
import { quarantinedRows } from "./quarantined-rows.ts";
import { retractionTargets } from "./retraction-targets.ts";
import { storedBehind } from "./stored-behind.ts";

/** Rows of one block; more would make a second one, and a repetition with other block borders is not recognised. */
const INSERT_ROWS_MAX = 1_000_000;
const BLOCK_ROWS = 1_048_449;

const EXACTLY_ONCE: ClickHouseSettings = {
  async_insert: 0,
  insert_deduplicate: 1,
  deduplicate_blocks_in_dependent_materialized_views: 1,
  materialized_views_ignore_errors: 0,
  // The views group by the whole key of their tables, so nothing is left to be merged in a block, and looking for it costs a sixteenth of the insert.
  optimize_on_insert: 0,
  min_insert_block_size_rows: String(BLOCK_ROWS),
  min_insert_block_size_bytes: "0",
  max_insert_block_size: String(BLOCK_ROWS),
  max_block_size: String(BLOCK_ROWS),
  input_format_parallel_parsing: 0,
  max_insert_threads: "1",
  max_threads: 1,
  input_format_null_as_default: 0,
  input_format_skip_unknown_fields: 0,
};

/**
 * The views side by side: a batch is there a quarter earlier. Only where no table gets more than a block of it: of several, groups of two threads might come in another order
 * in a repetition, and would make other blocks.
 */
const VIEWS_IN_PARALLEL: ClickHouseSettings = { max_threads: 2, parallel_view_processing: 1 };

/** Tells the server whose statement it is; the embedded one keeps sessions free for the sink by it, so that no heavy query delays ingestion. */
const OF_SINK: ClickHouseSettings = { log_comment: "meterline sink" };

/**
 * The tables remember the tokens of their last 100,000 blocks, of all shards together, and a batch is at most one block in each of them. A batch
 * that may be stored already is not inserted again after half as many others: the rest is for clocks that disagree and for batches under way.
 */
export const OUTLIVED_BATCHES = 50_000;

const UNFENCED =
  `throwIf((SELECT max(epoch) FROM meterline.sink_fence WHERE shard = {shard: UInt16}) > {epoch: UInt64}, ` +
  `'a newer writer holds the shard') = 0`;

function insertSql(table: "usage_ingest" | "usage_ingest_special", columns: string): string {
  return (
    `INSERT INTO meterline.${table} (${columns}) SELECT ${columns} ` +
    `FROM input('${USAGE_INGEST_STRUCTURE.replaceAll("'", "\\'")}') WHERE ${UNFENCED} FORMAT RowBinary`
  );
}
const INSERT_SQL = insertSql("usage_ingest", ORDINARY_COLUMN_LIST);
const INSERT_SPECIAL_SQL = insertSql("usage_ingest_special", USAGE_INGEST_COLUMN_LIST);

const COMMIT_SQL =
  `INSERT INTO meterline.sink_batches SELECT * FROM input('shard UInt16, incarnation UInt64, first UInt64, last UInt64, cut UInt32, ` +
  `catalog_seq UInt64, decoder_rev UInt16, planned_at DateTime64(3, \\'UTC\\'), messages UInt64, rows UInt64, accepted UInt64, ` +
  `duplicate UInt64, conflict UInt64, rejected UInt64, sha256 String, last_message_at DateTime64(9, \\'UTC\\'), ` +
  `last_message_sha256 String, epoch UInt64, holder String, stored_at DateTime64(3, \\'UTC\\')') WHERE ${UNFENCED}`;
/**
 * A row that is there already is not written again: its token is forgotten some day, and a writer may wake later than that. Whoever sends its own commit for the
 * first time need not look: 5 of 22 ms of a core (2026-11-29).
 */
const NOT_THERE =
  `(SELECT count() FROM meterline.sink_batches WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} ` +
  `AND first = {first: UInt64}) = 0`;

const BATCH_COLUMNS = `shard, toString(incarnation) AS incarnation, toUInt64(first) AS first, last, cut, catalog_seq, decoder_rev,
  toUnixTimestamp64Milli(planned_at) AS planned_at, messages, rows, accepted, duplicate, conflict, rejected, sha256,
  toString(toUnixTimestamp64Nano(last_message_at)) AS last_message_at, last_message_sha256, epoch, holder,
  toUnixTimestamp64Milli(stored_at) AS stored_at`;

type BatchRow = Readonly<Record<string, string | number>>;

export function sinkStore(clickhouse: ClickHouse): SinkStore {
  return {
    lastBatch: ({ shard, incarnation }) => lastBatch(clickhouse, shard, incarnation),
    batchOf: ({ shard, plan }) => batchOf(clickhouse, shard, plan),
    fence: (input) => fence(clickhouse, input),
    insert: (input) => insert(clickhouse, input),
    commit: (input) => commit(clickhouse, input),
    storedBehind: (input) => storedBehind(clickhouse, input, OF_SINK),
    knownIdentities: (input) => knownIdentities(clickhouse, input, OF_SINK),
    quarantinedRows: (input) => quarantinedRows(clickhouse, input, OF_SINK),
    retractionTargets: (input) => retractionTargets(clickhouse, input, OF_SINK),
    identities: (input) => identities(clickhouse, input, OF_SINK),
    countIdentities: (input) => countIdentities(clickhouse, input, OF_SINK),
  };
}

async function lastBatch(clickhouse: ClickHouse, shard: number, incarnation?: string): Promise<CommittedBatch | null> {
  const rows = await clickhouse.rows<BatchRow>({
    sql: `SELECT ${BATCH_COLUMNS} FROM meterline.sink_batches
      WHERE shard = {shard: UInt16} AND ({incarnation: String} = '' OR toString(sink_batches.incarnation) = {incarnation: String})
      ORDER BY sink_batches.incarnation DESC, sink_batches.first DESC LIMIT 1`,
    params: { shard, incarnation: incarnation ?? "" },
    settings: OF_SINK,
    doing: "reading the last committed batch",
  });
  return rows[0] === undefined ? null : committedBatch(rows[0]);
}

async function batchOf(clickhouse: ClickHouse, shard: number, plan: BatchPlan): Promise<CommittedBatch | null> {
  const rows = await clickhouse.rows<BatchRow>({
    sql: `SELECT ${BATCH_COLUMNS} FROM meterline.sink_batches
      WHERE shard = {shard: UInt16} AND sink_batches.incarnation = {incarnation: UInt64} AND sink_batches.first = {first: UInt64} LIMIT 1`,
    params: { shard, incarnation: plan.incarnation, first: plan.first },
    settings: OF_SINK,
    doing: "looking for a committed batch",
  });
  return rows[0] === undefined ? null : committedBatch(rows[0]);
}

async function fence(clickhouse: ClickHouse, input: Parameters<SinkStore["fence"]>[0]): Promise<void> {
  await clickhouse.command({
    sql: `INSERT INTO meterline.sink_fence (shard, epoch, holder, taken_at)
      SELECT {shard: UInt16}, {epoch: UInt64}, {holder: String}, fromUnixTimestamp64Milli({takenAt: Int64}, 'UTC')`,
    params: input,
    settings: { ...OF_SINK, async_insert: 0 },
    doing: "raising the fence",
  });
}

async function insert(clickhouse: ClickHouse, input: Parameters<SinkStore["insert"]>[0]): Promise<void> {
  const { shard, plan, epoch, rows, again } = input;
  assert(plan.rows > 0 && plan.rows <= INSERT_ROWS_MAX, "a batch is one block", { rows: plan.rows });
  const token = insertToken(shard, plan);
  if (again) await refuseOutlived(clickhouse, shard, plan);
  try {
    await clickhouse.insert({
      sql: rows.special ? INSERT_SPECIAL_SQL : INSERT_SQL,
      body: rows.bytes,
      params: { shard, epoch },
      settings: {
        ...OF_SINK,
        ...EXACTLY_ONCE,
        ...(rows.uses <= BLOCK_ROWS && VIEWS_IN_PARALLEL),
        insert_deduplication_token: token,
      },
      doing: `inserting batch ${token}`,
    });
  } catch (error) {
    throw isThrowIf(error) && (await isFenced(clickhouse, shard, epoch)) ? fenced(shard, epoch, error) : withRow(error);
  }
  if (again) await requireOnce(clickhouse, shard, plan);
}

/** A backup by SQL keeps rows and no tokens: what it caught of a batch whose insert had begun is not recognised. */
async function requireOnce(clickhouse: ClickHouse, shard: number, plan: BatchPlan): Promise<void> {
  const { incarnation, first, last } = plan;
  const [stored] = await clickhouse.rows<{ rows: string }>({
    sql: `SELECT count() AS rows FROM meterline.usage_events_raw
      WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64}`,
    params: { shard, incarnation, first, last },
    settings: OF_SINK,
    doing: "counting the rows of a batch",
  });
  if (Number(stored?.rows) === plan.rows) return;
  throw new AppError({
    code: "BATCH_DOUBLED",
    kind: "conflict",
    message:
      `ClickHouse has ${stored?.rows ?? "no"} rows of messages ${first} to ${last} of shard ${shard}, and they are ${plan.rows}: it was restored from a backup that was ` +
      "made over an unfinished batch, without its token. Restore it again, from a backup that was made while no sink was running",
  });
}

/** A view of somebody's own may throw with the fence's code: only the table itself tells. */
async function isFenced(clickhouse: ClickHouse, shard: number, epoch: number): Promise<boolean> {
  const rows = await clickhouse.rows<{ fenced: number }>({
    sql: "SELECT toUInt8(max(epoch) > {epoch: UInt64}) AS fenced FROM meterline.sink_fence WHERE shard = {shard: UInt16}",
    params: { shard, epoch },
    settings: OF_SINK,
    doing: "reading the fence",
  });
  return rows[0]?.fenced === 1;
}

async function refuseOutlived(clickhouse: ClickHouse, shard: number, plan: BatchPlan): Promise<void> {
  const rows = await clickhouse.rows<{ batches: string }>({
    sql: "SELECT count() AS batches FROM meterline.sink_batches WHERE stored_at >= fromUnixTimestamp64Milli({plannedAt: Int64}, 'UTC')",
    params: { plannedAt: plan.plannedAt },
    settings: OF_SINK,
    doing: "counting the batches since a plan",
  });
  const batches = Number(rows[0]?.batches ?? 0);
  if (batches < OUTLIVED_BATCHES) return;
  const { incarnation, first } = plan;
  const stored = await storedBehind(clickhouse, { shard, incarnation, after: first - 1 }, OF_SINK);
  if (stored !== null) throw outlived(insertToken(shard, plan), batches);
}

/** The row's own token makes a repeated commit one row also while two of them are under way, whatever time they carry. */
async function commit(clickhouse: ClickHouse, { batch, again }: Parameters<SinkStore["commit"]>[0]): Promise<void> {
  const { shard, plan, epoch } = batch;
  const token = `batch/${insertToken(shard, plan)}`;
  try {
    await clickhouse.insert({
      sql: `${COMMIT_SQL}${again ? ` AND ${NOT_THERE}` : ""} FORMAT JSONEachRow`,
      body: `${JSON.stringify(batchRow(batch))}\n`,
      params: { shard, epoch, incarnation: plan.incarnation, first: plan.first },
      settings: {
        ...OF_SINK,
        ...EXACTLY_ONCE,
        insert_deduplication_token: token,
        date_time_input_format: "best_effort",
      },
      doing: `committing batch ${token}`,
    });
  } catch (error) {
    throw isThrowIf(error) && (await isFenced(clickhouse, shard, epoch)) ? fenced(shard, epoch, error) : error;
  }
}

function committedBatch(row: BatchRow): CommittedBatch {
  const number = (name: string): number => Number(row[name]);
  const text = (name: string): string => String(row[name]);
  const plan: BatchPlan = {
    incarnation: text("incarnation"),
    first: number("first"),
    last: number("last"),
    catalogSeq: number("catalog_seq"),
    decoderRev: number("decoder_rev"),
    cut: number("cut"),
    plannedAt: number("planned_at"),
    rows: number("rows"),
    sha256: text("sha256"),
  };
  return {
    shard: number("shard"),
    plan,
    messages: number("messages"),
    counts: {
      accepted: number("accepted"),
      duplicate: number("duplicate"),
      conflict: number("conflict"),
      rejected: number("rejected"),
    },
    lastMessageAt: BigInt(text("last_message_at")),
    lastMessageSha256: text("last_message_sha256"),
    epoch: number("epoch"),
    holder: text("holder"),
    storedAt: number("stored_at"),
  };
}

function batchRow(batch: CommittedBatch): Readonly<Record<string, unknown>> {
  const { plan, counts } = batch;
  return {
    shard: batch.shard,
    incarnation: plan.incarnation,
    first: plan.first,
    last: plan.last,
    cut: plan.cut,
    catalog_seq: plan.catalogSeq,
    decoder_rev: plan.decoderRev,
    planned_at: new Date(plan.plannedAt).toISOString(),
    messages: batch.messages,
    rows: plan.rows,
    ...counts,
    sha256: plan.sha256,
    last_message_at: instantText(batch.lastMessageAt),
    last_message_sha256: batch.lastMessageSha256,
    epoch: batch.epoch,
    holder: batch.holder,
    stored_at: new Date(batch.storedAt).toISOString(),
  };
}

function isThrowIf(error: unknown): boolean {
  return error instanceof AppError && error.code === "CLICKHOUSE_THROW_IF";
}

/** The engine says which row it could not take, counted from 1: kept as a detail, so that people can be shown the message behind it. */
function withRow(error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  const row = /\(at row (\d+)\)/.exec(error.message)?.[1];
  if (row === undefined) return error;
  const { code, kind, message } = error;
  return new AppError({ code, kind, message, details: { ...error.details, row: Number(row) }, cause: error });
}

function outlived(token: string, batches: number): AppError {
  return new AppError({
    code: "PLAN_OUTLIVED",
    kind: "conflict",
    message:
      `batch ${token} is planned and may be stored in part, but ${batches} batches of all shards were stored since, and ClickHouse forgets a ` +
      "batch after 100000 others: inserting it again could count it twice. Restore ClickHouse and NATS from backups of one moment before the plan",
  });
}

function fenced(shard: number, epoch: number, cause: unknown): AppError {
  return new AppError({
    code: "SINK_FENCED",
    kind: "conflict",
    message: `A writer with a newer epoch than ${epoch} holds shard ${shard}: this one stops`,
    cause,
  });
}
