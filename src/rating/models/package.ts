/** `package`: usage above the free units is sold in packages; every package begun is charged. */
import type { PackagePrice } from "../../domain/price.ts";
import { ZERO, decimal, decimalText, divide, maxDecimal } from "../../kernel/decimal.ts";
import { totalRater, type PriceRater } from "../price-rater.ts";
import { amountText, unitsText } from "../text.ts";

export function packageRater(price: PackagePrice, currency: string): PriceRater {
  const packageAmount = decimal(price.packageAmount);
  const packageSize = decimal(price.packageSize);
  const freeUnits = decimal(price.freeUnits ?? "0");
  return totalRater((quantity) => {
    // A negative total (more taken back than used) begins no package.
    const paid = maxDecimal(quantity.minus(freeUnits), ZERO);
    const packages = divide({ dividend: paid, divisor: packageSize, places: 0, mode: "ceiling" });
    const amount = packages.times(packageAmount);
    const free = freeUnits.isZero() ? "" : ` after ${decimalText(freeUnits)} free`;
    const step = {
      kind: "packages" as const,
      quantity: decimalText(quantity),
      freeUnits: decimalText(freeUnits),
      packageSize: decimalText(packageSize),
      packages: decimalText(packages),
      packageAmount: decimalText(packageAmount),
      amount: decimalText(amount),
      text:
        `${unitsText(quantity)}${free} begin ${unitsText(packages, "package")} of ${decimalText(packageSize)} ` +
        `at ${amountText(packageAmount, currency)} = ${amountText(amount, currency)}`,
    };
    return { amount, steps: [step] };
  });
}
