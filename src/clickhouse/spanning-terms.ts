/** What discounts, commitments and taxes make of an invoice or of one of its lines. */
import type { InvoiceAdjustmentSummary, StoredInvoice } from "../app/ports.ts";
import type { InvoiceTax } from "../domain/invoice.ts";
import { decimal, decimalText } from "../kernel/decimal.ts";
import type { ClickHouse } from "./connect.ts";
import { querySql } from "./load-sql.ts";

/** Of all lines when `lineId` is empty. */
export async function spanningTerms(
  clickhouse: ClickHouse,
  { invoiceId, lineId }: { readonly invoiceId: string; readonly lineId: string },
): Promise<Pick<StoredInvoice, "adjustments" | "taxes">> {
  const params = { invoice_id: invoiceId, line_id: lineId };
  const adjustments = await clickhouse.rows<InvoiceAdjustmentSummary>({
    sql: querySql("invoice-adjustments"),
    params,
    doing: `reading the adjustments of ${invoiceId}`,
  });
  const taxes = await clickhouse.rows<InvoiceTax>({
    sql: querySql("invoice-taxes"),
    params,
    doing: `reading the taxes of ${invoiceId}`,
  });
  return {
    adjustments: adjustments.map((row) => ({ ...row, amount: plain(row.amount) })),
    taxes: taxes.map((row) => ({ ...row, rate: plain(row.rate), base: plain(row.base), amount: plain(row.amount) })),
  };
}

function plain(text: string): string {
  return decimalText(decimal(text));
}
