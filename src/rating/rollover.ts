/**
 * Free units that earlier billing periods left over. The units that expire first are used first, a period's own last. What a period leaves over follows
 * from its whole usage alone: nothing is made or lost on the way, each unit is used, left over or lapsed.
 */
import type { FreeUnitsGrant } from "../domain/rated-line.ts";
import type { Rollover } from "../domain/usage-discount.ts";
import { ZERO, decimal, decimalText, maxDecimal, minDecimal, sumDecimals, type Decimal } from "../kernel/decimal.ts";
import type { BreakdownStep } from "./breakdown.ts";
import { unitsText } from "./text.ts";

export type FreeUnits = {
  readonly rollover: Rollover;
  /** Of this billing period; not yet begun to be used. */
  readonly own: { readonly granted: string; readonly quantity: string };
  readonly rolledIn: readonly FreeUnitsGrant[];
  /** When the period before began, where its invoice has to be finalized before it is known what it leaves over. */
  readonly awaits?: string;
};

export function freeUnitsOf({ own, rolledIn }: FreeUnits): Decimal {
  return sumDecimals([own.quantity, ...rolledIn.map(({ quantity }) => quantity)].map((quantity) => decimal(quantity)));
}

/** What is left over for the next billing period; `used` of all free units, whatever they were granted by. */
export function leftOver({ rollover, own, rolledIn }: FreeUnits, used: Decimal): readonly FreeUnitsGrant[] {
  const grants = [...rolledIn, { ...own, periods: rollover.periods }].toSorted(byExpiry);
  const unused = takeFirst(grants, used)
    .filter(({ periods }) => periods > 0)
    .map((grant) => ({ ...grant, periods: grant.periods - 1 }));
  if (rollover.limit === undefined) return unused;
  const total = sumDecimals(unused.map(({ quantity }) => decimal(quantity)));
  // What is above the limit goes from where it would have lapsed first anyway.
  return takeFirst(unused, maxDecimal(total.minus(decimal(rollover.limit)), ZERO));
}

/** What free units there are; before they are taken off. */
export function freeUnitsStep(units: FreeUnits): BreakdownStep {
  const { own, rolledIn, awaits } = units;
  const earlier = rolledIn.map(({ quantity, granted, periods }) => {
    const until = periods === 0 ? ", which lapse after this one" : "";
    return `${decimalText(decimal(quantity))} left over from the period of ${granted}${until}`;
  });
  const unknown =
    awaits === undefined ? [] : [`what the period of ${awaits} leaves over is added once its invoice is finalized`];
  const told = [`${unitsText(decimal(own.quantity))} free in this period`, ...earlier, ...unknown];
  return { kind: "free_units", units: decimalText(freeUnitsOf(units)), text: told.join("; ") };
}

/** What became of them by the end of the billing period. */
export function leftOverStep(units: FreeUnits, used: Decimal): BreakdownStep {
  const all = freeUnitsOf(units);
  const left = sumDecimals(leftOver(units, used).map(({ quantity }) => decimal(quantity)));
  const lapsed = all.minus(used).minus(left);
  const lapse = lapsed.isZero() ? "" : `, ${unitsText(lapsed)} ${lapsed.eq(1) ? "lapses" : "lapse"}`;
  return {
    kind: "left_over",
    used: decimalText(used),
    left: decimalText(left),
    lapsed: decimalText(lapsed),
    text: `Of ${unitsText(all, "free unit")} ${decimalText(used)} used, ${decimalText(left)} left over for the next period${lapse}`,
  };
}

/** Units granted earlier lapse earlier, unless the terms have changed in between: the dates decide then. */
function byExpiry(a: FreeUnitsGrant, b: FreeUnitsGrant): number {
  if (a.periods !== b.periods) return a.periods - b.periods;
  return a.granted < b.granted ? -1 : 1;
}

/** Takes so many units off the first grants; those of which nothing is left are absent. */
function takeFirst(grants: readonly FreeUnitsGrant[], units: Decimal): readonly FreeUnitsGrant[] {
  let open = units;
  return grants.flatMap((grant): readonly FreeUnitsGrant[] => {
    const quantity = decimal(grant.quantity);
    const taken = minDecimal(open, quantity);
    open = open.minus(taken);
    return taken.eq(quantity) ? [] : [{ ...grant, quantity: decimalText(quantity.minus(taken)) }];
  });
}
