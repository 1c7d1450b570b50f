/**
 * The catalog as of one journal sequence: every version of every entity that was committed by then.
 * A version is immutable; its hash is the SHA-256 of the canonical JSON of its definition.
 */
import type { Instant } from "../kernel/instant.ts";
import type { ContractTerms, SharedTerms } from "./contract-terms.ts";
import type { EventType } from "./event-type.ts";
import type { Meter } from "./meter.ts";
import type { Price } from "./price.ts";
import type { PriceHours } from "./price-hours.ts";
import type { PriceWhere } from "./price-where.ts";

export const ENTITY_KINDS = ["event_type", "meter", "customer", "rate_card", "contract"] as const;
export type EntityKind = (typeof ENTITY_KINDS)[number];

export type Customer = {
  readonly key: string;
  readonly name: string;
  readonly aliases: readonly string[];
  readonly currency: string;
  readonly timeZone: string;
};

export type RateCardPrice = {
  readonly key: string;
  /** Absent only for a flat price. */
  readonly meter?: string;
  readonly where: PriceWhere;
  /** In the local time of the contract's zone; absent: always. */
  readonly when?: PriceHours;
  readonly description?: string;
  /** May charge usage that another price of the card charges too. */
  readonly additional: boolean;
  /** A pricing unit of the rate card, in which the price's amounts are; absent: its currency. */
  readonly unit?: string;
  readonly price: Price;
  /** The prices from later months of the contract on, in their order; `price` holds before the first. */
  readonly ramp?: readonly RampStep[];
};

/** From the contract's billing period of this number on; the one in which the contract begins is 1. */
export type RampStep = { readonly fromMonth: number; readonly price: Price };

export type RateCard = SharedTerms & {
  readonly key: string;
  readonly currency: string;
  /** Custom units, such as credits, with what one of them is in the currency. */
  readonly units?: Readonly<Record<string, { readonly rate: string }>>;
  readonly prices: readonly RateCardPrice[];
};

/** One contract version as stored: the rate card version is pinned in it, and it holds for [effectiveFrom, effectiveTo). */
export type ContractVersion = ContractTerms & {
  readonly key: string;
  readonly customer: string;
  readonly rateCard: string;
  readonly rateCardVersion: number;
  readonly rateCardHash: string;
  readonly currency: string;
  /** IANA zone of the billing periods; the customer's unless the contract names its own. */
  readonly timeZone: string;
  readonly billing: { readonly interval: "month"; readonly anchorDay: number };
  /** When the contract begins and ends (RFC 3339), whatever its versions are. */
  readonly effective: { readonly from: string; readonly to: string | null };
  /** When this version begins to hold (RFC 3339); the next version's start ends it. */
  readonly effectiveFrom: string;
  /** Replaces prices of the rate card by key. */
  readonly overrides: readonly RateCardPrice[];
  readonly unpriced: "error" | "free";
  readonly rounding: "half_up" | "half_even" | "half_down" | "up" | "down" | "ceiling" | "floor";
};

export type EntityDefinition = {
  readonly event_type: EventType;
  readonly meter: Meter;
  readonly customer: Customer;
  readonly rate_card: RateCard;
  readonly contract: ContractVersion;
};

export type EntityVersion<K extends EntityKind = EntityKind> = {
  readonly kind: K;
  readonly key: string;
  /** From 1, without gaps. */
  readonly version: number;
  readonly hash: string;
  /** The journal sequence of the commit entry. */
  readonly journalSeq: number;
  readonly removed: boolean;
  readonly definition: EntityDefinition[K];
};

export type Catalog = {
  /** Journal sequence up to which this catalog is complete. */
  readonly seq: number;
  /** All versions by key, oldest first. */
  readonly eventTypes: ReadonlyMap<string, readonly EntityVersion<"event_type">[]>;
  readonly meters: ReadonlyMap<string, readonly EntityVersion<"meter">[]>;
  readonly customers: ReadonlyMap<string, readonly EntityVersion<"customer">[]>;
  readonly rateCards: ReadonlyMap<string, readonly EntityVersion<"rate_card">[]>;
  readonly contracts: ReadonlyMap<string, readonly EntityVersion<"contract">[]>;
};

/** The span in which a contract version holds: its start, and the next version's start or the contract's end. */
export type ContractSpan = {
  readonly version: EntityVersion<"contract">;
  readonly from: Instant;
  readonly to: Instant | null;
};
