/** The total of a price over the quantity: straight pieces between breakpoints, where it may bend or jump. All values are exact decimals. */
import type { Decimal } from "../kernel/decimal.ts";

/** The open stretch between two neighbouring breakpoints. `start` and `end` are what the total approaches at its two ends. */
export type CurvePiece = {
  readonly from: Decimal;
  readonly to: Decimal;
  readonly start: Decimal;
  readonly end: Decimal;
};

/** What is charged exactly at a quantity where the total bends or jumps, and at both ends of the range. */
export type CurvePoint = { readonly quantity: Decimal; readonly total: Decimal };

export type PriceCurve = {
  /** Of a matrix the cell; empty where there is one curve only. */
  readonly label: string;
  /** Without a gap, in the order of quantity. */
  readonly pieces: readonly CurvePiece[];
  /** One more than there are pieces. */
  readonly points: readonly CurvePoint[];
};
