/**
 * Numbers as written into fixed point, exactly: nothing passes through binary floating point and nothing is cut. A text with more digits than
 * the limits allow is refused by name, after zeros that carry no value (1.500, 1e3, 0.1e1) are taken off.
 */

export type FixedPointLimits = { readonly integerDigits: number; readonly places: number };
export type FixedPointError = "not_a_number" | "out_of_range" | "too_fine";

const NUMBER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?)(\d+))?$/;
/** Integers of so many digits are exact as JavaScript numbers, which is the short way to a bigint. */
const SAFE_DIGITS = 15;
/** A larger exponent is out of range, or zero too fine, for every text that fits into a message. */
const EXPONENT_MAX = 1_000_000_000;

/** Reads a number in JSON's grammar (`-12.50`, `1e3`; no plus sign, no leading zeros) as an integer times 10^-places. */
export function fixedPointOf(text: string, limits: FixedPointLimits): bigint | FixedPointError {
  const small = smallInteger(text);
  if (small >= 0 && limits.integerDigits >= SAFE_DIGITS) return BigInt(small) * powerOfTen(limits.places);

  const number = NUMBER.exec(text);
  if (number === null) return "not_a_number";
  const { sign, digits, power } = partsOf(number);
  if (digits === "") return 0n;
  if (digits.length + power > limits.integerDigits) return "out_of_range";
  if (-power > limits.places) return "too_fine";
  const scaled = BigInt(digits) * powerOfTen(limits.places + power);
  return sign === "-" ? -scaled : scaled;
}

/** The significant digits of a number and the power of ten that they are multiplied by. */
function partsOf(number: RegExpExecArray): { sign: string; digits: string; power: number } {
  const [, sign = "", integer = "", fraction = "", exponentSign = "", exponentDigits = "0"] = number;
  const { digits, exponent } = significant(`${integer}${fraction}`);
  const written = Math.min(Number(exponentDigits), EXPONENT_MAX) * (exponentSign === "-" ? -1 : 1);
  return { sign, digits, power: written - fraction.length + exponent };
}

/** Plain notation of fixed point without trailing zeros: `1000`, `0.0000001`, `-2.5`; never `-0`. */
export function fixedPointText(scaled: bigint, places: number): string {
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(places + 1, "0");
  const point = digits.length - places;
  const fraction = digits.slice(point).replace(/0+$/, "");
  return `${scaled < 0n ? "-" : ""}${digits.slice(0, point)}${fraction === "" ? "" : `.${fraction}`}`;
}

/** The value of a plain non-negative integer of few digits; -1 for every other text. */
function smallInteger(text: string): number {
  const { length } = text;
  if (length === 0 || length > SAFE_DIGITS) return -1;
  let value = 0;
  for (let at = 0; at < length; at += 1) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return length > 1 && text.charCodeAt(0) === 48 ? -1 : value;
}

/** The digits without leading and trailing zeros, and the power of ten that the trailing ones stood for. */
function significant(digits: string): { digits: string; exponent: number } {
  let start = 0;
  let end = digits.length;
  while (start < end && digits.charCodeAt(start) === 48) start += 1;
  while (end > start && digits.charCodeAt(end - 1) === 48) end -= 1;
  return { digits: digits.slice(start, end), exponent: digits.length - end };
}

const POWERS_OF_TEN: readonly bigint[] = Array.from({ length: 80 }, (_, power) => 10n ** BigInt(power));

function powerOfTen(power: number): bigint {
  return POWERS_OF_TEN[power] ?? 10n ** BigInt(power);
}
