/**
 * Taking usage back: an event of one of two reserved types says that an accepted event of the same source counts no longer, or counts as if it
 * had said something else. What the event contributed is never subtracted; it is named, and whoever adds up leaves it out.
 */
import type { Instant } from "../kernel/instant.ts";
import type { JsonObject } from "../kernel/json-tree.ts";
import type { MeterUse } from "./usage-event.ts";

const VOID_TYPE = "meterline.void";
export const AMEND_TYPE = "meterline.amend";

export function isRetractionType(type: string): boolean {
  return type === VOID_TYPE || type === AMEND_TYPE;
}

/** What a void or an amend asks for, as its message alone tells it. */
export type RetractionRequest = {
  readonly targetId: string;
  readonly targetKey: bigint;
  /** The new `data`, `time` and `subject` as far as they are given; undefined for a void. */
  readonly changes: JsonObject | undefined;
};

/** What an event contributed to one meter, as the place of its row: a window of a customer, and where the event stands in the stream. */
export type Contribution = {
  readonly meter: string;
  readonly customer: string;
  /** Seconds since the epoch. */
  readonly windowStart: number;
  readonly incarnation: bigint;
  readonly seq: number;
  readonly position: number;
};

/** An accepted event that is to be taken back, as of the retraction's place in the stream. */
export type RetractionTarget = {
  readonly type: string;
  readonly customer: string;
  /** NATS subject and time of arrival of its message. */
  readonly subject: string;
  readonly ingestedAt: Instant;
  readonly raw: Uint8Array;
  /** The journal sequence whose catalog decided it. */
  readonly catalogSeq: number;
  /** What counts of it now: its own contributions, or those of the last amend; none after a void. */
  readonly live: readonly Contribution[];
};

/** What an accepted void or amend does. */
export type Retraction = {
  readonly targetKey: bigint;
  readonly targetId: string;
  /** Of the replacement; empty for a void. */
  readonly customer: string;
  /** Of the replacement; 0 for a void. */
  readonly eventTime: Instant;
  /** What the event contributes from now on. */
  readonly uses: readonly MeterUse[];
  /** What counts no longer. */
  readonly retracts: readonly Contribution[];
};
