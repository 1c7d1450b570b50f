/** Reads what stands behind an invoice line, through the queries `sql/queries/explain-*.sql`. */
import type {
  ExplainedEvent,
  ExplainedRetraction,
  ExplainedWindow,
  ExplainStore,
  LineFacts,
} from "../app/explain/explain-line.ts";
import type { Meter } from "../domain/meter.ts";
import { instantText, NS_PER_SECOND } from "../kernel/instant.ts";
import type { ClickHouse } from "./connect.ts";
import { querySql } from "./load-sql.ts";
import { spanningTerms } from "./spanning-terms.ts";

type LineRow = {
  readonly invoice_id: string;
  readonly line_id: string;
  readonly line_number: number;
  readonly number: string;
  readonly status: string;
  readonly description: string;
  readonly customer: string;
  readonly contract: string;
  readonly contract_version: number;
  readonly contract_hash: string;
  readonly price: string;
  readonly meter: string;
  readonly filter: Readonly<Record<string, string>>;
  readonly quantity: string;
  readonly amount: string;
  readonly amount_exact: string;
  readonly currency: string;
  readonly period_from: number;
  readonly period_to: number;
  readonly cut: number;
  readonly rating_rev: number;
  readonly run_id: string;
  readonly rated_line_id: string;
  readonly line_hash: string;
  readonly event_count: string;
  readonly events_digest: string;
  readonly shard_ranges: readonly string[];
  readonly merkle_root: string;
  readonly journal_seq: number;
  readonly net: string;
  readonly tax: string;
  readonly compares: readonly string[];
  readonly explanation: readonly string[];
  readonly limits: string;
  readonly counts_earlier: number;
};
type RatedRow = {
  readonly input: string;
  readonly breakdown: string;
  readonly rate_card: string;
  readonly rate_card_version: number;
  readonly aggregation: string;
  readonly catalog_seq: number;
};
type MeterRow = { readonly definition: string };
type WindowRow = {
  readonly window_start: number;
  readonly event_count: string;
  readonly quantity: string;
  readonly events_digest: string;
};
type EventRow = Omit<ExplainedEvent, "eventTime" | "amendedBy"> & {
  readonly event_time: string;
  readonly amended_by: string;
};
type RetractionRow = Pick<ExplainedRetraction, "source" | "id" | "value" | "kind" | "shard"> & {
  readonly event_time: string;
  readonly retracted_by: string;
  readonly retraction_seq: string;
};

export function createExplainStore(clickhouse: ClickHouse): ExplainStore {
  const query = <T>(name: string, params: Readonly<Record<string, unknown>>): Promise<T[]> =>
    clickhouse.rows<T>({ sql: querySql(name), params, doing: `reading ${name.replace("explain-", "a line's ")}` });
  return {
    line: async (lineId) => {
      const row = (await query<LineRow>("explain-line", { line_id: lineId }))[0];
      if (row === undefined) return null;
      const rated = await query<RatedRow>("explain-rated-line", {
        run_id: row.run_id,
        rated_line_id: row.rated_line_id,
      });
      const meters = await query<MeterRow>("explain-meter", { meter: row.meter });
      const terms = await spanningTerms(clickhouse, { invoiceId: row.invoice_id, lineId });
      return { ...lineFacts(row, rated[0]), ...bucketFacts(meters[0]), ...terms };
    },
    contractVersion: async (line) => {
      type Row = { readonly definition: string; readonly hash: string; readonly journal_seq: number };
      const row = (await query<Row>("explain-contract", { contract: line.contract, version: line.contractVersion }))[0];
      return row === undefined
        ? null
        : { definition: JSON.parse(row.definition) as unknown, hash: row.hash, journalSeq: row.journal_seq };
    },
    windows: async (line) => (await query<WindowRow>("explain-windows", usageParams(line))).map(explainedWindow),
    events: async (line, limit) =>
      (await query<EventRow>("explain-events", { line_id: line.lineId, limit })).map(
        ({ event_time, amended_by, ...event }) => ({
          ...event,
          eventTime: instantText(BigInt(event_time)),
          amendedBy: amended_by,
        }),
      ),
    retractions: async (line, limit) =>
      (await query<RetractionRow>("explain-retractions", { line_id: line.lineId, limit })).map(explainedRetraction),
    digest: async (line) => {
      const row = (await query<{ event_count: string; events_digest: string }>("explain-digest", usageParams(line)))[0];
      return { eventCount: row?.event_count ?? "0", eventsDigest: row?.events_digest ?? "" };
    },
    leaves: async (invoiceId) =>
      (await query<{ line_hash: string }>("explain-leaves", { invoice_id: invoiceId })).map((row) => row.line_hash),
  };
}

function usageParams(line: LineFacts): Record<string, unknown> {
  return {
    meter: line.meter,
    aggregation: line.aggregation,
    customer: line.customer,
    cut: line.cut,
    counted_from: line.countsEarlier ? 0 : Date.parse(line.periodFrom) / 1000,
    period_from: Date.parse(line.periodFrom) / 1000,
    period_to: Date.parse(line.periodTo) / 1000,
    where_names: Object.keys(line.filter),
    where_values: Object.values(line.filter),
    limits: line.limits,
  };
}

function lineFacts(row: LineRow, rated: RatedRow | undefined): Omit<LineFacts, "adjustments" | "taxes"> {
  return {
    lineId: row.line_id,
    invoiceId: row.invoice_id,
    number: row.number,
    status: row.status,
    lineNumber: row.line_number,
    description: row.description,
    customer: row.customer,
    contract: row.contract,
    contractVersion: row.contract_version,
    contractHash: row.contract_hash,
    price: row.price,
    meter: row.meter,
    aggregation: rated?.aggregation ?? "",
    filter: row.filter,
    limits: row.limits,
    countsEarlier: row.counts_earlier === 1,
    quantity: row.quantity,
    amount: row.amount,
    amountExact: row.amount_exact,
    currency: row.currency,
    periodFrom: secondsText(row.period_from),
    periodTo: secondsText(row.period_to),
    cut: row.cut,
    catalogSeq: rated?.catalog_seq ?? 0,
    ratingRev: row.rating_rev,
    runId: row.run_id,
    ratedLineId: row.rated_line_id,
    rateCard: rated?.rate_card ?? "",
    rateCardVersion: rated?.rate_card_version ?? 0,
    input: rated === undefined ? null : (JSON.parse(rated.input) as unknown),
    breakdown: rated === undefined ? [] : (JSON.parse(rated.breakdown) as readonly Readonly<Record<string, string>>[]),
    eventCount: row.event_count,
    eventsDigest: row.events_digest,
    shardRanges: row.shard_ranges,
    lineHash: row.line_hash,
    merkleRoot: row.merkle_root,
    journalSeq: row.journal_seq,
    net: row.net,
    tax: row.tax,
    compares: row.compares,
    explanation: row.explanation,
  };
}

/** A line without a meter has no row. */
function bucketFacts(row: MeterRow | undefined): Pick<LineFacts, "bucket" | "holdFor"> {
  if (row === undefined) return {};
  const { bucket, holdFor } = JSON.parse(row.definition) as Meter;
  return { ...(bucket !== undefined && { bucket }), ...(holdFor !== undefined && { holdFor }) };
}

function explainedRetraction(row: RetractionRow): ExplainedRetraction {
  const { event_time, retracted_by, retraction_seq, ...rest } = row;
  return {
    ...rest,
    eventTime: instantText(BigInt(event_time)),
    retractedBy: retracted_by,
    retractionSeq: retraction_seq,
  };
}

function explainedWindow(row: WindowRow): ExplainedWindow {
  return {
    windowStart: row.window_start === 0 ? "" : secondsText(row.window_start),
    eventCount: row.event_count,
    quantity: row.quantity,
    eventsDigest: row.events_digest,
  };
}

function secondsText(seconds: number): string {
  return instantText(BigInt(seconds) * NS_PER_SECOND);
}
