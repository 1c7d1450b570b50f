/**
 * Numbers of JSON as they are written, compared and divided exactly: 0.1 is a tenth, 10000000000000000000001 is no neighbour of it, and 1e400 is not infinite.
 * Work grows with the length of the text and never with the size of the number.
 */

/** The value is digits × 10^power, negative or not. The digits neither begin nor end with a zero; zero has none. */
export type ExactNumber = { readonly negative: boolean; readonly digits: string; readonly power: bigint };

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?)0*(\d*))?$/;
/** Longer exponents are not read: their arithmetic would take time of its own, and no quantity is that large or small. */
const EXPONENT_DIGITS_MAX = 18;
/** Digits that fit into a safe integer beside a factor of the same size. */
const CHUNK_DIGITS = 15;

/** `text` is in JSON's grammar for numbers. Undefined for one whose exponent has more than 18 digits. */
export function exactNumber(text: string): ExactNumber | undefined {
  const [, sign = "", integer = "", fraction = "", exponentSign = "", exponent = ""] = NUMBER.exec(text) ?? [];
  const all = `${integer}${fraction}`;
  const end = endOfDigits(all);
  if (end === 0) return { negative: false, digits: "", power: 0n };
  if (exponent.length > EXPONENT_DIGITS_MAX) return undefined;
  const written = BigInt(exponent) * (exponentSign === "-" ? -1n : 1n);
  const power = written - BigInt(fraction.length) + BigInt(all.length - end);
  return { negative: sign === "-", digits: all.slice(startOfDigits(all), end), power };
}

/** Where the zeros at the end begin; 0 if there is nothing else. */
function endOfDigits(digits: string): number {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === 48) end -= 1;
  return end;
}

function startOfDigits(digits: string): number {
  let start = 0;
  while (digits.charCodeAt(start) === 48) start += 1;
  return start;
}

/** Equal numbers have the same text, however they are written. */
export function numberKey({ negative, digits, power }: ExactNumber): string {
  return digits === "" ? "0" : `${negative ? "-" : ""}${digits}e${power}`;
}

export function isInteger({ digits, power }: ExactNumber): boolean {
  return digits === "" || power >= 0n;
}

/** Less than, equal to, greater than zero as `a` is less than, equal to, greater than `b`. */
export function compareNumbers(a: ExactNumber, b: ExactNumber): number {
  const signs = signOf(a) - signOf(b);
  if (signs !== 0 || a.digits === "") return signs;
  return a.negative ? compareMagnitudes(b, a) : compareMagnitudes(a, b);
}

/** True if `value` divided by `divisor`, which is greater than zero, is an integer. */
export function isMultipleOf(value: ExactNumber, divisor: ExactNumber): boolean {
  if (value.digits === "") return true;
  const shift = value.power - divisor.power;
  // The digits end in no zero, so that no power of ten divides them.
  if (shift < 0n) return false;
  const modulus = BigInt(divisor.digits);
  return (remainder(value.digits, modulus) * powerOfTen(shift, modulus)) % modulus === 0n;
}

function signOf({ negative, digits }: ExactNumber): number {
  if (digits === "") return 0;
  return negative ? -1 : 1;
}

function compareMagnitudes(a: ExactNumber, b: ExactNumber): number {
  const [lengthA, lengthB] = [a, b].map(({ digits, power }) => BigInt(digits.length) + power) as [bigint, bigint];
  if (lengthA !== lengthB) return lengthA < lengthB ? -1 : 1;
  // Both begin at the same power of ten; what one lacks at its end are zeros.
  if (a.digits === b.digits) return 0;
  return a.digits < b.digits ? -1 : 1;
}

function remainder(digits: string, modulus: bigint): bigint {
  const shift = 10n ** BigInt(CHUNK_DIGITS);
  const head = digits.length % CHUNK_DIGITS;
  let rest = BigInt(digits.slice(0, head) || "0") % modulus;
  for (let at = head; at < digits.length; at += CHUNK_DIGITS)
    rest = (rest * shift + BigInt(digits.slice(at, at + CHUNK_DIGITS))) % modulus;
  return rest;
}

/** 10^exponent modulo `modulus`. */
function powerOfTen(exponent: bigint, modulus: bigint): bigint {
  let result = 1n % modulus;
  let base = 10n % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * base) % modulus;
    base = (base * base) % modulus;
  }
  return result;
}
