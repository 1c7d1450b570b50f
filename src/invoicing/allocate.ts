/**
 * Splits an amount into whole minor units with the largest remainder: every part gets its exact share rounded down, and the units left over
 * go to the largest remainders, the earlier part first where they are equal. The parts always add up to the total.
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
  const whole = total.abs();
  const dividends = weights.map((weight) => whole.times(weight));
  const parts = roundShares({ total: whole, currency, dividends, divisor: weightSum });
  return total.isNegative() ? parts.map((part) => part.negated()) : parts;
}

export type RoundSharesInput = {
  /** In whole minor units, within the rounding of the shares' exact sum. */
  readonly total: Decimal;
  readonly currency: string;
  /** The exact shares are these divided by the divisor; they may be negative. */
  readonly dividends: readonly Decimal[];
  readonly divisor: Decimal;
};

/** Exact shares in whole minor units that add up to the total: none differs from its exact share by a whole unit. */
export function roundShares({ total, currency, dividends, divisor }: RoundSharesInput): readonly Decimal[] {
  const unitsPerMajor = new Decimal(10).pow(currencyExponent(currency));
  const shares = dividends.map((dividend, index) => {
    const exact = dividend.times(unitsPerMajor);
    const whole = divide({ dividend: exact, divisor, places: 0, mode: "floor" });
    return { index, whole, remainder: exact.minus(whole.times(divisor)) };
  });
  const left = total.times(unitsPerMajor).minus(sumDecimals(shares.map((share) => share.whole)));
  assert(left.gte(ZERO) && left.lte(shares.length), "the total is not a rounding of the sum of the shares");
  const byRemainder = shares.toSorted((a, b) => b.remainder.comparedTo(a.remainder) || a.index - b.index);
  const raised = new Set(byRemainder.slice(0, left.toNumber()).map((share) => share.index));
  const parts = shares.map(({ index, whole }) => (raised.has(index) ? whole.plus(1) : whole).div(unitsPerMajor));
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
