/** Invoices: a draft can be computed again at any time; a finalized one is a journal entry and never changes. Decimals are texts. */
import type { TAX_EXEMPTIONS } from "./contract-terms.ts";
import type { FreeUnitsGrant, ShardRange } from "./rated-line.ts";
import type { UsageLimits } from "./usage-limits.ts";

/** What terms that span several lines take off one of them: its exact share, below zero. */
export type LineAdjustment = {
  readonly kind: "discount" | "maximum";
  /** Of the terms in the contract. */
  readonly key: string;
  /** As the invoice shows it. */
  readonly name: string;
  /** In whole minor units. */
  readonly amount: string;
  /** How it came about. */
  readonly text: string;
};

/** One tax on one line. The shares of a tax that is rounded per invoice add up to it. */
export type LineTax = {
  readonly key: string;
  readonly name: string;
  readonly kind: "rate" | (typeof TAX_EXEMPTIONS)[number];
  /** In percent; 0 for an exemption. */
  readonly rate: string;
  /** Why there is no tax; empty where there is. */
  readonly reason: string;
  /** The line's amount contains it. */
  readonly included: boolean;
  /** What the rate is applied to: the line after adjustments, without taxes but those that a compound rate taxes too. */
  readonly base: string;
  readonly amount: string;
};

export type InvoiceLine = {
  /** `<invoice id>-<number of the line from 1>`. */
  readonly lineId: string;
  readonly lineNumber: number;
  readonly description: string;
  readonly runId: string;
  /** Empty for a line that no price gives: the shortfall of a commitment. */
  readonly ratedLineId: string;
  readonly contract: string;
  readonly contractVersion: number;
  readonly contractHash: string;
  /** Key of the price, or of the commitment. */
  readonly price: string;
  readonly meter: string;
  readonly where: Readonly<Record<string, string>>;
  /** Absent without any. */
  readonly limits?: UsageLimits;
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
  /** SHA-256 over the canonical JSON of the rated line, hex; empty without one. */
  readonly ratedLineHash: string;
  /** Free units that the billing period leaves over for the next one, as of its finalization; absent without any. */
  readonly leftOver?: readonly FreeUnitsGrant[];
  /** Only of a shortfall: the lines whose sum falls short, and how it came about. */
  readonly compares?: readonly string[];
  readonly explanation?: readonly string[];
  /** Absent without any. */
  readonly adjustments?: readonly LineAdjustment[];
  /** Absent where the contract says nothing about taxes. */
  readonly taxes?: readonly LineTax[];
  /** The amount after adjustments, without the taxes that it contains; absent where it is the amount. */
  readonly net?: string;
};

/** Over all lines. Follows from them; stands here so that the invoice can be read without adding up. */
export type InvoiceAdjustment = Pick<LineAdjustment, "kind" | "key" | "name" | "amount">;
export type InvoiceTax = LineTax;

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
  /** Sum of the lines' amounts. */
  readonly subtotal: string;
  /** Absent without any. */
  readonly adjustments?: readonly InvoiceAdjustment[];
  /** By tax, in the order in which the lines name them. */
  readonly taxes?: readonly InvoiceTax[];
  /** Before tax; absent where it is the subtotal. */
  readonly net?: string;
  readonly tax: string;
  /** Net plus tax. */
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
