/** What was used, in one of three shapes: a quantity over windows, the single events, or a quantity per combination of dimensions. */
import type { Decimal } from "../kernel/decimal.ts";
import { ZERO, decimalText, sumDecimals } from "../kernel/decimal.ts";
import { AppError } from "../kernel/errors.ts";

export type UsageCell = { readonly match: Readonly<Record<string, string>>; readonly quantity: Decimal };

export type Usage =
  | { readonly quantity: Decimal }
  /** Amounts of the single events in the order of (time, source, id); may be read more than once. */
  | { readonly events: Iterable<Decimal> }
  | { readonly cells: readonly UsageCell[] };

/** The usage of two parts of one period, the earlier part first. Both have one shape. */
export function joinUsage(prior: Usage, usage: Usage): Usage {
  if ("quantity" in prior && "quantity" in usage) {
    // Kept apart as two events for the models that look at single events: a part of a period is at least one event of its own.
    return { events: nonZero([prior.quantity, usage.quantity]) };
  }
  if ("events" in prior && "events" in usage) return { events: concatenation(prior.events, usage.events) };
  if ("cells" in prior && "cells" in usage) return { cells: [...prior.cells, ...usage.cells] };
  throw new AppError({
    code: "USAGE_SHAPE",
    kind: "invalid",
    message: `prior has the shape ${usageShape(prior)} and usage ${usageShape(usage)}: give both in one shape`,
  });
}

/** The single events; a quantity alone is one event, and no event if it is zero. */
export function eventsOf(usage: Usage): Iterable<Decimal> {
  if ("events" in usage) return usage.events;
  if ("quantity" in usage) return nonZero([usage.quantity]);
  throw shapeError(usage, "quantity or events");
}

/** The total quantity; single events add up. */
export function quantityOf(usage: Usage): Decimal {
  if ("quantity" in usage) return usage.quantity;
  if ("events" in usage) return sumDecimals(usage.events);
  throw shapeError(usage, "quantity or events");
}

/** The quantities per combination of dimensions; no usage at all is no cell. */
export function cellsOf(usage: Usage): readonly UsageCell[] {
  if ("cells" in usage) return usage.cells;
  if (quantityOf(usage).isZero()) return [];
  throw shapeError(usage, "cells");
}

function usageShape(usage: Usage): "quantity" | "events" | "cells" {
  if ("quantity" in usage) return "quantity";
  return "events" in usage ? "events" : "cells";
}

function nonZero(quantities: readonly Decimal[]): readonly Decimal[] {
  return quantities.filter((quantity) => !quantity.eq(ZERO));
}

function concatenation(first: Iterable<Decimal>, second: Iterable<Decimal>): Iterable<Decimal> {
  return {
    *[Symbol.iterator]() {
      yield* first;
      yield* second;
    },
  };
}

function shapeError(usage: Usage, wanted: string): AppError {
  const shown = "quantity" in usage ? `the quantity ${decimalText(usage.quantity)}` : usageShape(usage);
  return new AppError({
    code: "USAGE_SHAPE",
    kind: "invalid",
    message: `usage is ${shown}: this price model needs ${wanted}`,
  });
}
