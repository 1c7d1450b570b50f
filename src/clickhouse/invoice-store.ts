/**
 * Drafts into ClickHouse, and invoices out of it. A draft's revision is the cut of its run; the projection of a finalized invoice carries the
 * greatest revision there is, so a draft that is written late replaces nothing. Lines go first: an invoice never shows without them.
 */
import type { InvoiceLineSummary, InvoiceStore, InvoiceSummary } from "../app/ports.ts";
import type { Invoice } from "../domain/invoice.ts";
import { present } from "../kernel/assert.ts";
import { NS_PER_MILLISECOND, NS_PER_SECOND, instantText } from "../kernel/instant.ts";
import type { ClickHouse } from "./connect.ts";
import { insertRows } from "./insert-rows.ts";
import { draftRow, INVOICE_COLUMNS, INVOICE_LINE_COLUMNS, invoiceLineRow } from "./invoice-row.ts";
import { querySql } from "./load-sql.ts";
import { spanningTerms } from "./spanning-terms.ts";

type InvoiceRow = {
  readonly invoice_id: string;
  readonly number: string;
  readonly status: "draft" | "finalized";
  readonly customer: string;
  readonly contract: string;
  readonly currency: string;
  readonly subtotal: string;
  readonly net: string;
  readonly tax: string;
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
  const lines = drafts.flatMap((draft) =>
    draft.lines.map((line) => invoiceLineRow({ invoice: draft, revision: String(draft.cut), line })),
  );
  await insertRows(clickhouse, {
    sql: `INSERT INTO meterline.invoice_lines (${INVOICE_LINE_COLUMNS}) FORMAT JSONEachRow`,
    rows: lines,
    doing: "writing the lines of drafts",
  });
  await insertRows(clickhouse, {
    sql: `INSERT INTO meterline.invoices (${INVOICE_COLUMNS}) FORMAT JSONEachRow`,
    rows: drafts.map(draftRow),
    doing: "writing drafts",
  });
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
  const spanning = await spanningTerms(clickhouse, { invoiceId: summary.invoiceId, lineId: "" });
  return { invoice: summary, lines: rows.map((row) => lineSummaryOf(row)), ...spanning };
}

function summaryOf(row: InvoiceRow): InvoiceSummary {
  return {
    invoiceId: row.invoice_id,
    number: row.number,
    status: row.status,
    customer: row.customer,
    contract: row.contract,
    currency: row.currency,
    subtotal: row.subtotal,
    net: row.net,
    tax: row.tax,
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
