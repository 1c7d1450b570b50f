/** Invoices: a draft can be computed again at any time; a finalized one is a journal entry and never changes. Decimals are texts. */
import type { ShardRange } from "./rated-line.ts";

export type InvoiceLine = {
  /** `<invoice id>-<number of the line from 1>`. */
  readonly lineId: string;
  readonly lineNumber: number;
  readonly description: string;
  readonly runId: string;
  readonly ratedLineId: string;
  readonly contract: string;
  readonly contractVersion: number;
  readonly contractHash: string;
  readonly price: string;
  readonly meter: string;
  readonly where: Readonly<Record<string, string>>;
  readonly periodFrom: string;
  readonly periodTo: string;
  readonly quantity: string;
  /** Rounded to the currency's minor unit. */
  readonly amount: string;
  readonly amountExact: string;
  readonly eventCount: string;
  readonly shardRanges: readonly ShardRange[];
  readonly eventsDigest: string;
  readonly cut: number;
  readonly ratingRev: number;
  /** SHA-256 over the canonical JSON of the rated line, hex. */
  readonly ratedLineHash: string;
};

export type Invoice = {
  /** Follows from contract and billing period, so that a second draft is the same invoice: `inv_` and 20 hex digits. */
  readonly invoiceId: string;
  readonly customer: string;
  readonly contract: string;
  readonly currency: string;
  readonly periodFrom: string;
  readonly periodTo: string;
  readonly runId: string;
  readonly cut: number;
  readonly lines: readonly InvoiceLine[];
  readonly subtotal: string;
  readonly tax: string;
  readonly total: string;
  /** Root over the SHA-256 of each line's canonical JSON, hex. */
  readonly merkleRoot: string;
};

export type FinalizedInvoice = Invoice & {
  readonly series: string;
  /** Position in the series from 1, without a gap; the number is the series and the position: `INV-000042`. */
  readonly position: number;
  readonly number: string;
  readonly finalizedAt: string;
};
