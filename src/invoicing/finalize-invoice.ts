/** The step from draft to finalized: when it may be taken, and what it adds. There is no step back. */
import type { FinalizedInvoice, Invoice } from "../domain/invoice.ts";
import { NS_PER_MILLISECOND, instantOf, instantText, type Instant } from "../kernel/instant.ts";
import { intersectPeriods, type Period } from "../kernel/period.ts";
import { invoiceNumber } from "./invoice-number.ts";

export type InvoicePeriod = Pick<Invoice, "invoiceId" | "contract" | "periodFrom" | "periodTo">;

/** When the invoice's usage counts as complete: the period's end and the grace for late usage. */
export function finalizableFrom(invoice: Pick<Invoice, "periodTo">, graceMs: number): Instant {
  return instantOf(invoice.periodTo, "periodTo") + BigInt(graceMs) * NS_PER_MILLISECOND;
}

/** Two invoices of one contract whose periods overlap would charge the same usage twice. */
export function overlaps(a: InvoicePeriod, b: InvoicePeriod): boolean {
  return (
    a.contract === b.contract && a.invoiceId !== b.invoiceId && intersectPeriods(periodOf(a), periodOf(b)) !== undefined
  );
}

export function finalizeInvoice(
  invoice: Invoice,
  place: { readonly series: string; readonly position: number; readonly finalizedAt: Instant },
): FinalizedInvoice {
  const { series, position } = place;
  return {
    ...invoice,
    series,
    position,
    number: invoiceNumber(series, position),
    finalizedAt: instantText(place.finalizedAt),
  };
}

function periodOf(invoice: InvoicePeriod): Period {
  return { from: instantOf(invoice.periodFrom, "periodFrom"), to: instantOf(invoice.periodTo, "periodTo") };
}
