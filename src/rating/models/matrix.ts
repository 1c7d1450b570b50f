/**
 * `matrix`: an amount per unit by the values of dimensions. The first cell whose `match` agrees with the usage charges it (a cell may
 * name fewer dimensions), `otherwise` charges the rest; without `otherwise` such usage is refused, never free by accident.
 */
import type { MatrixPrice } from "../../domain/price.ts";
import { ZERO, decimal, decimalText, type Decimal } from "../../kernel/decimal.ts";
import { AppError } from "../../kernel/errors.ts";
import type { BreakdownStep } from "../breakdown.ts";
import type { Charge, PriceRater } from "../price-rater.ts";
import { amountText, unitsText } from "../text.ts";
import { cellsOf, type Usage, type UsageCell } from "../usage.ts";

type RatedCell = { readonly match: string; readonly unitAmount: Decimal };

export function matrixRater(price: MatrixPrice, currency: string): PriceRater {
  const cells = ratedCells(price);
  const quantities: Decimal[] = [];
  return {
    // One portion per cell of the price, in its order: free units are used up by the cells from the first on.
    portions: (usage) => quantityPerCell(price, usage),
    add: (portion) => void quantities.push(portion),
    charge: () => chargeCells({ cells, quantities, currency }),
  };
}

function ratedCells(price: MatrixPrice): readonly RatedCell[] {
  const cells = price.cells.map((cell) => ({ match: matchText(cell.match), unitAmount: decimal(cell.unitAmount) }));
  if (price.otherwise === undefined) return cells;
  const unitAmount = typeof price.otherwise === "string" ? price.otherwise : price.otherwise.unitAmount;
  return [...cells, { match: "otherwise", unitAmount: decimal(unitAmount) }];
}

function quantityPerCell(price: MatrixPrice, usage: Usage): readonly Decimal[] {
  const quantities: Decimal[] = Array.from(
    { length: price.cells.length + (price.otherwise === undefined ? 0 : 1) },
    () => ZERO,
  );
  for (const cell of cellsOf(usage)) {
    const index = cellIndex(price, cell);
    quantities[index] = (quantities[index] ?? ZERO).plus(cell.quantity);
  }
  return quantities;
}

function cellIndex(price: MatrixPrice, usage: UsageCell): number {
  const index = price.cells.findIndex((cell) =>
    // A dimension that the usage does not name has the empty value.
    Object.entries(cell.match).every(([name, value]) => (usage.match[name] ?? "") === value),
  );
  if (index >= 0) return index;
  if (price.otherwise !== undefined) return price.cells.length;
  throw new AppError({
    code: "USAGE_UNPRICED",
    kind: "invalid",
    message: `no cell of the matrix matches ${matchText(usage.match)}: add a cell for it, or an otherwise`,
  });
}

function chargeCells(input: { cells: readonly RatedCell[]; quantities: readonly Decimal[]; currency: string }): Charge {
  const { cells, quantities, currency } = input;
  let total: Decimal = ZERO;
  const steps: BreakdownStep[] = [];
  cells.forEach((cell, index) => {
    const quantity = quantities[index] ?? ZERO;
    if (quantity.isZero()) return;
    const amount = quantity.times(cell.unitAmount);
    total = total.plus(amount);
    steps.push({
      kind: "cell",
      match: cell.match,
      quantity: decimalText(quantity),
      unitAmount: decimalText(cell.unitAmount),
      amount: decimalText(amount),
      text: `${cell.match}: ${unitsText(quantity)} at ${amountText(cell.unitAmount, currency)} each = ${amountText(amount, currency)}`,
    });
  });
  return { amount: total, steps };
}

/** `model=small-1, region=eu`, sorted by name. */
function matchText(match: Readonly<Record<string, string>>): string {
  const parts = Object.keys(match)
    .sort()
    .map((name) => `${name}=${match[name] ?? ""}`);
  return parts.length > 0 ? parts.join(", ") : "usage without dimensions";
}
