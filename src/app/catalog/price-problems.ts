/** What is wrong with the prices of a rate card, or with those that a contract puts in their place. */
import type { CatalogProblem, Located } from "../../domain/catalog-files.ts";
import type { RateCard, RateCardPrice } from "../../domain/catalog.ts";
import { measureText, type Measure, type Meter } from "../../domain/meter.ts";
import type { Price } from "../../domain/price.ts";
import { hoursText, spansMeet, weekOf } from "../../domain/price-hours.ts";
import { canBothFit } from "../../domain/price-where.ts";
import { nearestName } from "../../kernel/nearest-name.ts";
import { whyNoRollover } from "../rating/task-rollover.ts";
import { addsUp, shapeOf } from "../rating/usage-shape.ts";
import type { ExplainMissing } from "./catalog-problems.ts";

/** As in a file or as in the catalog. */
export type PriceLike = Pick<RateCardPrice, "key" | "where" | "additional" | "price"> & {
  readonly meter?: string | undefined;
  readonly when?: RateCardPrice["when"] | undefined;
  readonly unit?: string | undefined;
  readonly ramp?: RateCardPrice["ramp"] | undefined;
};
export type PlacedPrices = {
  /** `rate card payg`. */
  readonly owner: string;
  readonly prices: readonly PriceLike[];
  readonly placeOf: (index: number) => string;
  /** The pricing units of the rate card. */
  readonly units: RateCard["units"] | undefined;
};
type MeterLike = Measure & Pick<Meter, "key" | "dimensions">;
type Meters = {
  readonly meters: ReadonlyMap<string, Located<MeterLike>>;
  readonly missing: ExplainMissing;
};

export function priceProblems({ owner, prices, placeOf, units }: PlacedPrices, meters: Meters): CatalogProblem[] {
  const seen = new Set<string>();
  return prices.flatMap((item, index) => {
    const problems = [...repeated(item, seen), ...ofUnit(item, units), ...ofRollover(item), ...ofMeter(item, meters)];
    seen.add(item.key);
    return problems.map((problem) => ({ at: placeOf(index), problem: `${owner}, price ${item.key}: ${problem}` }));
  });
}

/** Two prices of one meter overlap unless some dimension must have different values, or their hours have none in common. */
export function overlapProblems({ owner, prices, placeOf }: Omit<PlacedPrices, "units">): CatalogProblem[] {
  return prices.flatMap((a, index) =>
    prices.slice(index + 1).flatMap((b, offset): CatalogProblem[] =>
      chargeTheSame(a, b)
        ? [
            {
              at: placeOf(index + 1 + offset),
              problem: `${owner}: the prices ${a.key} and ${b.key} would both charge usage of ${a.meter ?? ""}; part them with where or when, or say additional: true`,
            },
          ]
        : [],
    ),
  );
}

/** True if there can be usage that both charge, though neither says that it is additional. */
export function chargeTheSame(a: PriceLike, b: PriceLike): boolean {
  if (a.meter === undefined || a.meter !== b.meter || a.additional || b.additional) return false;
  return canBothFit(a.where, b.where) && spansMeet(weekOf(a.when), weekOf(b.when));
}

export function withOverrides<P extends PriceLike>(prices: readonly P[], overrides: readonly P[]): readonly P[] {
  const byKey = new Map(overrides.map((override) => [override.key, override]));
  return prices.map((price) => byKey.get(price.key) ?? price);
}

function repeated(item: PriceLike, seen: ReadonlySet<string>): string[] {
  return seen.has(item.key) ? ["the key is there twice; choose another"] : [];
}

function ofUnit({ unit }: PriceLike, units: PlacedPrices["units"]): string[] {
  if (unit === undefined || Object.hasOwn(units ?? {}, unit)) return [];
  const known = Object.keys(units ?? {});
  const meant = nearestName(unit, known);
  const hint = meant === undefined ? `it has ${known.join(", ") || "none"}` : `did you mean ${meant}?`;
  return [`unit ${unit} is none of the rate card's units; ${hint}`];
}

function ofRollover(item: PriceLike): string[] {
  return [...new Set(allPricesOf(item).map((price) => whyNoRollover(price)))].filter((why) => why !== null);
}

function ofMeter(item: PriceLike, { meters, missing }: Meters): string[] {
  const { meter: key, where } = item;
  if (key === undefined) return [];
  const meter = meters.get(key);
  if (meter === undefined) {
    const why = missing("meter", key);
    return why === undefined ? [] : [`meter ${key} ${why}`];
  }
  const unknown = (field: string, named: readonly string[]) => unknownDimensions({ field, named, meter: meter.value });
  return [
    ...unknown("where", Object.keys(where)),
    ...ofHours(item, meter.value),
    ...allPricesOf(item).flatMap((price) => [
      ...(price.model === "matrix" ? unknown("dimensions", price.dimensions) : []),
      ...ofShape(price, meter.value),
    ]),
  ];
}

function unknownDimensions(input: {
  readonly field: string;
  readonly named: readonly string[];
  readonly meter: MeterLike;
}): string[] {
  const { field, named, meter } = input;
  const names = Object.keys(meter.dimensions);
  return named
    .filter((name) => !names.includes(name))
    .map((name) => {
      const meant = nearestName(name, names);
      const hint = meant === undefined ? `it has ${names.join(", ") || "none"}` : `did you mean ${meant}?`;
      return `${field} names the dimension ${name}, which meter ${meter.key} does not have; ${hint}`;
    });
}

export function allPricesOf({ price, ramp }: PriceLike): readonly Price[] {
  return [price, ...(ramp ?? []).map((step) => step.price)];
}

/** Only what adds up over windows can be cut into hours and still be charged once. */
function ofHours({ when }: PriceLike, meter: MeterLike): string[] {
  if (when === undefined || addsUp(meter)) return [];
  return [
    `when is ${hoursText(when)}, and ${measureText(meter)} of meter ${meter.key} does not add up over hours; take when out, or use a meter of count or sum`,
  ];
}

/** A matrix and a price over single events add up parts of the usage, which only counts and sums have. */
function ofShape(price: Price, meter: MeterLike): string[] {
  const shape = shapeOf(price);
  if (shape === "total" || addsUp(meter)) return [];
  const way =
    shape === "cells"
      ? "write one price with `where` for each cell"
      : "take fixedAmount, freeEvents, freeAmount, minPerEvent and maxPerEvent out";
  return [
    `${price.model} adds up ${shape}, and ${measureText(meter)} of meter ${meter.key} does not add up; ${way}, or use a meter of count or sum`,
  ];
}
