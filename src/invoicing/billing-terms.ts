/** The terms of one invoice: those of each contract version that holds in the billing period, in the order of time. */
import type { ContractTerms } from "../domain/contract-terms.ts";
import type { RoundingMode } from "../kernel/decimal.ts";
import type { Instant } from "../kernel/instant.ts";
import type { BillingSchedule, Period } from "../kernel/period.ts";
import type { Proration } from "../kernel/proration.ts";

/** The part of the billing period in which a contract version holds. */
export type TermsPart = {
  readonly contractVersion: number;
  readonly contractHash: string;
  readonly service: Period;
  readonly terms: ContractTerms;
};

export type BillingTerms = {
  readonly currency: string;
  readonly billing: Period;
  readonly schedule: BillingSchedule;
  /** Of the version with which the billing period begins. */
  readonly rounding: RoundingMode;
  readonly proration: Proration;
  /** When the contract begins. */
  readonly contractFrom: Instant;
  /** At least one, without overlap. */
  readonly parts: readonly TermsPart[];
};
