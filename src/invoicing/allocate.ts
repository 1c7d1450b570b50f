/**
 * Splits an amount into whole minor units by weights, with the largest remainder: every part gets its share rounded down, and the
 * units left over go to the largest remainders, the earlier part first where they are equal. The parts always add up to the total.
 */
import { currencyExponent } from "../kernel/currency.ts";
import { Decimal, ZERO, decimalPlaces, decimalText, divide, sumDecimals } from "../kernel/decimal.ts";
import { AppError } from "../kernel/errors.ts";
import { assert } from "../kernel/assert.ts";

export type AllocateInput = {
  readonly total: Decimal;
  readonly currency: string;
  /** None negative, not all zero. */
  readonly weights: readonly Decimal[];
};

/** A negative total (a credit) is split as its positive, with the sign put back. */
export function allocate(input: AllocateInput): readonly Decimal[] {
  const { total, currency, weights } = input;
  const places = currencyExponent(currency);
  const weightSum = sumDecimals(weights);
  checkInput({ ...input, places, weightSum });
  const unitsPerMajor = new Decimal(10).pow(places);
  const units = total.abs().times(unitsPerMajor);

  const shares = weights.map((weight, index) => {
    const exact = units.times(weight);
    const whole = divide({ dividend: exact, divisor: weightSum, places: 0, mode: "floor" });
    return { index, whole, remainder: exact.minus(whole.times(weightSum)) };
  });
  const left = units.minus(sumDecimals(shares.map((share) => share.whole)));
  const byRemainder = shares.toSorted((a, b) => b.remainder.comparedTo(a.remainder) || a.index - b.index);
  const raised = new Set(byRemainder.slice(0, left.toNumber()).map((share) => share.index));

  const parts = shares.map(({ index, whole }) => {
    const part = (raised.has(index) ? whole.plus(1) : whole).div(unitsPerMajor);
    return total.isNegative() ? part.negated() : part;
  });
  assert(sumDecimals(parts).eq(total), "the parts of an allocation do not add up to the total");
  return parts;
}

function checkInput(input: AllocateInput & { readonly places: number; readonly weightSum: Decimal }): void {
  const { total, currency, weights, places, weightSum } = input;
  if (decimalPlaces(total) > places) {
    throw invalid(`total is ${decimalText(total)}: round it to the ${places} minor digits of ${currency} first`);
  }
  const negative = weights.find((weight) => weight.lt(ZERO));
  if (negative !== undefined) throw invalid(`a weight is ${decimalText(negative)}: weights must not be negative`);
  if (weightSum.isZero()) throw invalid("weights add up to 0: give at least one weight above 0");
}

function invalid(message: string): AppError {
  return new AppError({ code: "ALLOCATION_INVALID", kind: "invalid", message });
}
