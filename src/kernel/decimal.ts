/**
 * Exact decimals. The only file that imports decimal.js, because its defaults are traps: 20 digits of precision, exponents in
 * `toString`, and `<` comparing as text (`new Decimal(10) < new Decimal(9)` is true). Addition, subtraction and multiplication
 * are exact here (up to 400 significant digits, asserted by the bounds on every input); division names its places and its rounding.
 */
import { Decimal as DecimalJs } from "decimal.js";
import { AppError } from "./errors.ts";

const PRECISION_DIGITS = 400;
/** Longer decimal texts are refused: no quantity or amount of Meterline needs them, and they cost time. */
const TEXT_LENGTH_MAX = 100;
const DECIMAL_TEXT = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

export const Decimal = DecimalJs.clone({
  precision: PRECISION_DIGITS,
  rounding: DecimalJs.ROUND_HALF_UP,
  toExpNeg: -9e15,
  toExpPos: 9e15,
});
export type Decimal = DecimalJs;

export const ROUNDING_MODES = ["half_up", "half_even", "half_down", "up", "down", "ceiling", "floor"] as const;
export type RoundingMode = (typeof ROUNDING_MODES)[number];

const ROUNDING: Readonly<Record<RoundingMode, DecimalJs.Rounding>> = {
  half_up: DecimalJs.ROUND_HALF_UP,
  half_even: DecimalJs.ROUND_HALF_EVEN,
  half_down: DecimalJs.ROUND_HALF_DOWN,
  up: DecimalJs.ROUND_UP,
  down: DecimalJs.ROUND_DOWN,
  ceiling: DecimalJs.ROUND_CEIL,
  floor: DecimalJs.ROUND_FLOOR,
};

export const ZERO: Decimal = new Decimal(0);
export const ONE: Decimal = new Decimal(1);

/** True for plain decimal notation without exponent, plus sign or leading zeros: `-12.50`. */
export function isDecimalText(text: string): boolean {
  return text.length <= TEXT_LENGTH_MAX && DECIMAL_TEXT.test(text);
}

/** Reads plain decimal notation exactly; throws `invalid` for anything else (a number is never accepted). */
export function decimal(text: string): Decimal {
  if (!isDecimalText(text)) {
    throw new AppError({
      code: "DECIMAL_INVALID",
      kind: "invalid",
      message: `"${text.slice(0, TEXT_LENGTH_MAX)}" is not a decimal in plain notation such as "12.50" (at most ${TEXT_LENGTH_MAX} characters)`,
    });
  }
  return new Decimal(text);
}

/** Plain notation without exponent and without trailing zeros: `1000`, `0.0000001`, `-2.5`; never `-0`. */
export function decimalText(value: Decimal): string {
  return value.isZero() ? "0" : value.toFixed();
}

/** Rounds to a number of decimal places. */
export function roundTo(value: Decimal, places: number, mode: RoundingMode): Decimal {
  return value.toDecimalPlaces(places, ROUNDING[mode]);
}

/** `dividend / divisor` rounded to a number of decimal places; the only division there is. */
export function divide(input: { dividend: Decimal; divisor: Decimal; places: number; mode: RoundingMode }): Decimal {
  return roundTo(input.dividend.div(input.divisor), input.places, input.mode);
}

/** Digits after the decimal point that the value needs. */
export function decimalPlaces(value: Decimal): number {
  return value.decimalPlaces();
}

export function sumDecimals(values: Iterable<Decimal>): Decimal {
  let total: Decimal = ZERO;
  for (const value of values) total = total.plus(value);
  return total;
}

export function minDecimal(a: Decimal, b: Decimal): Decimal {
  return a.lt(b) ? a : b;
}

export function maxDecimal(a: Decimal, b: Decimal): Decimal {
  return a.gt(b) ? a : b;
}
