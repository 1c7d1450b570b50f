/** One price of one contract version over one service period, rated as of a cut. Decimals are texts: a line is compared by its bytes. */
import type { Price } from "./price.ts";
import type { UsageLimits } from "./usage-limits.ts";

export type ShardRange = {
  readonly shard: number;
  readonly incarnation: string;
  readonly firstSeq: string;
  readonly lastSeq: string;
};

/** What the views said about a customer's usage of one price in [from, to) as of a cut. */
export type MeteredUsage = {
  readonly customer: string;
  /** Plain decimal notation. */
  readonly quantity: string;
  readonly eventCount: string;
  readonly shardRanges: readonly ShardRange[];
  /** Sum of the events' leaves modulo 2^256, decimal text. */
  readonly eventsDigest: string;
};

/** Everything the amount follows from; stored with the line, so that the line can be computed again without any other table. */
export type RatingInput = {
  readonly ratingRev: number;
  readonly currency: string;
  readonly rounding: string;
  readonly price: Price;
  /** The pricing unit of the price's amounts, and what one is in the currency. */
  readonly unit?: { readonly key: string; readonly rate: string };
  readonly quantity: string;
  /** Usage of earlier parts of the same billing period, when a contract version begins inside it. */
  readonly prior?: string;
  /** Free units that the price shares: what prices before it used up to the part's end, and up to its beginning. */
  readonly allowance?: {
    readonly key: string;
    readonly quantity: string;
    readonly used: readonly PriceUse[];
    readonly priorUsed?: readonly PriceUse[];
  };
  /** Where free units roll over: those that earlier billing periods left, and what this one leaves, told by the part that ends it. */
  readonly rollover?: {
    readonly rolledIn: readonly FreeUnitsGrant[];
    /** When the period before began, where what it leaves over was not known yet: its invoice was not finalized. */
    readonly awaits?: string;
    readonly left?: readonly FreeUnitsGrant[];
  };
  /** For a matrix: the quantities by the values of its dimensions. */
  readonly cells?: readonly UsedCell[];
  readonly priorCells?: readonly UsedCell[];
  /** For a price over single events: how many. Which ones, the line's meter, filter, period and cut say, and its digest proves. */
  readonly events?: string;
  readonly priorEvents?: string;
  /** Where amounts per billing period are prorated: days or seconds of it that have passed at the beginning and at the end, of how many. */
  readonly proration?: { readonly unit: string; readonly from: string; readonly to: string; readonly of: string };
};

export type FreeUnitsGrant = {
  /** The local date on which the billing period that granted them began. */
  readonly granted: string;
  readonly quantity: string;
  /** In how many billing periods after the one at hand they may still be used. */
  readonly periods: number;
};

export type PriceUse = { readonly price: string; readonly quantity: string };

export type UsedCell = { readonly match: Readonly<Record<string, string>>; readonly quantity: string };

export type RatedLine = {
  readonly runId: string;
  /** `<contract>/<contract version>/<period from>/<price>`. */
  readonly lineId: string;
  readonly customer: string;
  readonly contract: string;
  readonly contractVersion: number;
  readonly contractHash: string;
  readonly rateCard: string;
  readonly rateCardVersion: number;
  readonly price: string;
  /** Empty for a flat price. */
  readonly meter: string;
  readonly aggregation: string;
  readonly where: Readonly<Record<string, string>>;
  /** Absent without any. */
  readonly limits?: UsageLimits;
  readonly description: string;
  /** RFC 3339 UTC. The contract's billing period, and the part of it this version covers. */
  readonly billingFrom: string;
  readonly billingTo: string;
  readonly periodFrom: string;
  readonly periodTo: string;
  readonly quantity: string;
  /** Exact, before rounding to the currency. */
  readonly amount: string;
  readonly amountRounded: string;
  readonly currency: string;
  readonly eventCount: string;
  readonly shardRanges: readonly ShardRange[];
  readonly eventsDigest: string;
  readonly cut: number;
  readonly catalogSeq: number;
  readonly ratingRev: number;
  readonly input: RatingInput;
  readonly breakdown: readonly Readonly<Record<string, string>>[];
};
