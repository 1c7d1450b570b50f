/**
 * Drafts into ClickHouse, and invoices out of it. A draft's revision is the cut of its run; the projection of a finalized invoice carries the
 * greatest revision there is, so a draft that is written late replaces nothing. Lines go first: an invoice never shows without them.
 */
import type { InvoiceLineSummary, InvoiceStore, InvoiceSummary } from "../app/ports.ts";
import type { Invoice, InvoiceLine } from "../domain/invoice.ts";
import { invoiceLineHash } from "../domain/invoice-hash.ts";
import { present } from "../kernel/assert.ts";
import { NS_PER_MILLISECOND, NS_PER_SECOND, instantText } from "../kernel/instant.ts";
import type { ClickHouse } from "./connect.ts";
import { querySql } from "./load-sql.ts";
import { epochSeconds, shardRangeRows } from "./rated-line-row.ts";

const INSERT_SETTINGS = {
  async_insert: 0,
  input_format_null_as_default: 0,
  input_format_skip_unknown_fields: 0,
  input_format_parallel_parsing: 0,
} as const;

const INVOICE_COLUMNS =
  "invoice_id, revision, number, series, status, customer, contract, run_id, cut, currency, subtotal, tax, total, period_from, period_to, " +
  "finalized_at, merkle_root, journal_seq";
const LINE_COLUMNS =
  "invoice_id, revision, line_id, line_number, description, run_id, rated_line_id, customer, contract, contract_version, contract_hash, price, " +
  "meter, filter, period_from, period_to, quantity, amount, amount_exact, currency, event_count, shard_ranges, events_digest, cut, rating_rev, " +
  "rated_line_hash, line_hash";

type InvoiceRow = {
  readonly invoice_id: string;
  readonly number: string;
  readonly status: "draft" | "finalized";
  readonly customer: string;
  readonly contract: string;
  readonly currency: string;
  readonly total: string;
  readonly period_from: number;
  readonly period_to: number;
  readonly finalized_ms: string;
  readonly run_id: string;
  readonly cut: number;
  readonly merkle_root: string;
};
type LineRow = {
  readonly line_id: string;
  readonly description: string;
  readonly quantity: string;
  readonly amount: string;
  readonly event_count: string;
};

export function invoiceStore(clickhouse: ClickHouse): InvoiceStore {
  return {
    writeDrafts: (invoices) => writeDrafts(clickhouse, invoices),
    invoices: (input) => invoices(clickhouse, { customers: input.customers, invoice: "" }),
    invoice: (idOrNumber) => invoice(clickhouse, idOrNumber),
  };
}

async function writeDrafts(clickhouse: ClickHouse, drafts: readonly Invoice[]): Promise<void> {
  if (drafts.length === 0) return;
  const lines = drafts.flatMap((draft) => draft.lines.map((line) => lineRow(draft, line)));
  await insertRows(clickhouse, {
    sql: `INSERT INTO meterline.invoice_lines (${LINE_COLUMNS}) FORMAT JSONEachRow`,
    rows: lines,
  });
  await insertRows(clickhouse, {
    sql: `INSERT INTO meterline.invoices (${INVOICE_COLUMNS}) FORMAT JSONEachRow`,
    rows: drafts.map((draft) => draftRow(draft)),
  });
}

async function insertRows(
  clickhouse: ClickHouse,
  input: { readonly sql: string; readonly rows: readonly object[] },
): Promise<void> {
  if (input.rows.length === 0) return;
  const body = input.rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  await clickhouse.insert({ sql: input.sql, body, settings: INSERT_SETTINGS, doing: "writing drafts" });
}

function draftRow(draft: Invoice): object {
  return {
    invoice_id: draft.invoiceId,
    revision: String(draft.cut),
    number: "",
    series: "",
    status: "draft",
    customer: draft.customer,
    contract: draft.contract,
    run_id: draft.runId,
    cut: draft.cut,
    currency: draft.currency,
    subtotal: draft.subtotal,
    tax: draft.tax,
    total: draft.total,
    period_from: epochSeconds(draft.periodFrom),
    period_to: epochSeconds(draft.periodTo),
    finalized_at: "1970-01-01 00:00:00.000",
    merkle_root: draft.merkleRoot,
    journal_seq: "0",
  };
}

function lineRow(draft: Invoice, line: InvoiceLine): object {
  return {
    invoice_id: draft.invoiceId,
    revision: String(draft.cut),
    line_id: line.lineId,
    line_number: line.lineNumber,
    description: line.description,
    run_id: line.runId,
    rated_line_id: line.ratedLineId,
    customer: draft.customer,
    contract: line.contract,
    contract_version: line.contractVersion,
    contract_hash: line.contractHash,
    price: line.price,
    meter: line.meter,
    filter: line.where,
    period_from: epochSeconds(line.periodFrom),
    period_to: epochSeconds(line.periodTo),
    quantity: line.quantity,
    amount: line.amount,
    amount_exact: line.amountExact,
    currency: draft.currency,
    event_count: line.eventCount,
    shard_ranges: shardRangeRows(line.shardRanges),
    events_digest: line.eventsDigest,
    cut: line.cut,
    rating_rev: line.ratingRev,
    rated_line_hash: line.ratedLineHash,
    line_hash: invoiceLineHash(line),
  };
}

async function* invoices(
  clickhouse: ClickHouse,
  params: { readonly customers: readonly string[]; readonly invoice: string },
): AsyncGenerator<InvoiceSummary> {
  const sql = querySql("invoices");
  for await (const rows of clickhouse.stream<InvoiceRow>({ sql, params, doing: "reading invoices" })) {
    yield* rows.map((row) => summaryOf(row));
  }
}

async function invoice(clickhouse: ClickHouse, idOrNumber: string): ReturnType<InvoiceStore["invoice"]> {
  const found: InvoiceSummary[] = [];
  for await (const summary of invoices(clickhouse, { customers: [], invoice: idOrNumber })) found.push(summary);
  if (idOrNumber === "" || found.length === 0) return null;
  const summary = present(found[0], "the invoice");
  const rows = await clickhouse.rows<LineRow>({
    sql: querySql("invoice-lines"),
    params: { invoice_id: summary.invoiceId },
    doing: `reading the lines of ${summary.invoiceId}`,
  });
  return { invoice: summary, lines: rows.map((row) => lineSummaryOf(row)) };
}

function summaryOf(row: InvoiceRow): InvoiceSummary {
  return {
    invoiceId: row.invoice_id,
    number: row.number,
    status: row.status,
    customer: row.customer,
    contract: row.contract,
    currency: row.currency,
    total: row.total,
    periodFrom: instantText(BigInt(row.period_from) * NS_PER_SECOND),
    periodTo: instantText(BigInt(row.period_to) * NS_PER_SECOND),
    finalizedAt: row.status === "draft" ? "" : instantText(BigInt(row.finalized_ms) * NS_PER_MILLISECOND),
    runId: row.run_id,
    cut: row.cut,
    merkleRoot: row.merkle_root,
  };
}

function lineSummaryOf(row: LineRow): InvoiceLineSummary {
  return {
    lineId: row.line_id,
    description: row.description,
    quantity: row.quantity,
    amount: row.amount,
    eventCount: row.event_count,
  };
}
