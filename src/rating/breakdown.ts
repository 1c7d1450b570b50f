/**
 * The explanation of an amount, step by step in the order of calculation. All values are texts: a breakdown is stored and compared by
 * its bytes. Every `amount` is the step's signed share: together they are the exact amount. `rounding` comes last and adds nothing. Where there is a `pricing_unit`, the amounts before it are in
 * that unit, and its own is the exact amount in money.
 */
export type BreakdownStep = { readonly text: string } & (
  | {
      readonly kind: "unit_conversion";
      readonly before: string;
      readonly after: string;
      readonly divideBy: string;
      readonly rounding: string;
    }
  | { readonly kind: "shared_allowance"; readonly quantity: string; readonly left: string }
  /** All that are free, with what earlier periods left over. */
  | { readonly kind: "free_units"; readonly units: string }
  | { readonly kind: "left_over"; readonly used: string; readonly left: string; readonly lapsed: string }
  | { readonly kind: "usage_discount"; readonly before: string; readonly after: string }
  | { readonly kind: "flat"; readonly amount: string }
  | { readonly kind: "units"; readonly quantity: string; readonly unitAmount: string; readonly amount: string }
  | PackagesStep
  | TierStep
  | { readonly kind: "allowance"; readonly quantity: string }
  | { readonly kind: "percentage"; readonly quantity: string; readonly rate: string; readonly amount: string }
  | { readonly kind: "per_event"; readonly events: string; readonly fixedAmount: string; readonly amount: string }
  | { readonly kind: "minimum_per_event" | "maximum_per_event"; readonly events: string; readonly amount: string }
  | {
      readonly kind: "cell";
      readonly match: string;
      readonly quantity: string;
      readonly unitAmount: string;
      readonly amount: string;
    }
  | { readonly kind: "discount" | "maximum_amount" | "minimum_amount"; readonly amount: string; readonly after: string }
  | {
      readonly kind: "pricing_unit";
      readonly unit: string;
      readonly units: string;
      readonly rate: string;
      readonly amount: string;
    }
  /** Without an amount it says that the price's bounds are those of a part of the period. */
  | { readonly kind: "proration"; readonly amount?: string }
  | { readonly kind: "prior"; readonly amount: string; readonly total: string }
  | { readonly kind: "rounding"; readonly exact: string; readonly rounded: string; readonly mode: string }
);

type PackagesStep = {
  readonly kind: "packages";
  readonly quantity: string;
  readonly freeUnits: string;
  readonly packageSize: string;
  readonly packages: string;
  readonly packageAmount: string;
  readonly amount: string;
};

type TierStep = {
  readonly kind: "tier";
  /** From 1. */
  readonly tier: string;
  /** Exclusive lower bound; absent in the first tier. */
  readonly above?: string;
  /** Inclusive upper bound; absent in the last tier. */
  readonly upTo?: string;
  readonly quantity: string;
  /** One of the two, by the model. */
  readonly unitAmount?: string;
  readonly rate?: string;
  readonly flatAmount: string;
  readonly amount: string;
};
