/**
 * One rated line from one task and what the views measured. Pure: the line's `input` holds everything the amount follows from.
 *
 * Parts of a chain add up to the whole: with M(t) the usage measured from the chain's start to t, a part that ends at t charges
 * f(M(t)) − f(M(start of the part)). For count and sum M adds up over windows (not where they are recurring); for the others it is measured anew up to t, so a value
 * that two parts share counts once. The mean level is taken over the whole chain: a part contributes its share of it.
 */
import type { Price } from "../../domain/price.ts";
import type { MeteredUsage, PriceUse, RatedLine, RatingInput } from "../../domain/rated-line.ts";
import { Decimal, decimal, decimalText, divide } from "../../kernel/decimal.ts";
import { ratePrice } from "../../rating/rate-price.ts";
import { allowanceLeft, allowanceStep, withFreeUnits } from "../../rating/shared-allowance.ts";
import { priceWithRolledIn, tellRollover } from "./rollover-line.ts";
import { lineOfTask, termsOf, type RunFacts } from "./line-of-task.ts";
import type { RatingTask } from "./rating-plan.ts";
import { addsUp } from "./usage-shape.ts";

const MEAN_PLACES = 18;

export type TaskUsage = {
  /** In the part itself; absent without any event. */
  readonly part?: MeteredUsage | undefined;
  /** Measured from the chain's start to the part's start; absent in the first part of a chain. */
  readonly before?: string | undefined;
  /** Measured from the chain's start to the part's end; absent where the part's quantity adds up. */
  readonly through?: string | undefined;
  /** What the prices before it in a shared allowance used from the chain's start to the part's end, and to its start. */
  readonly usedThrough?: readonly string[];
  readonly usedBefore?: readonly string[];
};

export function rateTask(task: RatingTask, usage: TaskUsage, run: RunFacts): RatedLine {
  const { quantity, prior } = quantitiesOf(task, usage);
  const terms = termsOf(task);
  const price = priceWithRolledIn(task);
  const allowance = allowanceOf(task, usage, prior !== undefined);
  const priceAfter = (used: readonly PriceUse[] | undefined): Price =>
    allowance === undefined ? price : withFreeUnits(price, allowanceLeft(allowance.quantity, used ?? []));
  const { breakdown, ...priced } = ratePrice({
    ...terms,
    price: priceAfter(allowance?.used),
    usage: { quantity },
    prior: prior === undefined ? undefined : { quantity: prior },
    priorPrice: priceAfter(allowance?.priorUsed),
  });
  const { key, name = key } = task.allowance?.terms ?? { key: "" };
  const shared = allowance === undefined ? [] : [allowanceStep({ ...allowance, name })];
  const rolled = tellRollover(task, breakdown);
  const input = {
    quantity: decimalText(quantity),
    ...(prior !== undefined && { prior: decimalText(prior) }),
    ...(allowance !== undefined && { allowance }),
    ...rolled.input,
  };
  return lineOfTask(
    task,
    { part: usage.part, priced: { ...priced, breakdown: [...shared, ...rolled.breakdown] }, input },
    run,
  );
}

function allowanceOf({ allowance }: RatingTask, usage: TaskUsage, isLaterPart: boolean): RatingInput["allowance"] {
  if (allowance === undefined) return undefined;
  const { terms, earlier } = allowance;
  const uses = (quantities: readonly string[] = []): readonly PriceUse[] =>
    earlier.map(({ price }, index) => ({ price: price.key, quantity: quantities[index] ?? "0" }));
  const { key, quantity } = terms;
  const used = uses(usage.usedThrough);
  return { key, quantity, used, ...(isLaterPart && { priorUsed: uses(usage.usedBefore) }) };
}

/** True for the tasks whose quantity is the difference of two measurements from the chain's start. */
export function measuresThrough({ part, metered }: RatingTask): boolean {
  if (metered === undefined || addsUp(metered)) return false;
  if (metered.aggregation === "time_weighted_sum")
    return metered.chain.from !== part.service.from || metered.chain.to !== part.service.to;
  return metered.chain.from !== part.service.from;
}

function quantitiesOf(task: RatingTask, usage: TaskUsage): { quantity: Decimal; prior: Decimal | undefined } {
  const { part, metered } = task;
  // A flat price is charged once per billing period: one of it.
  if (metered === undefined) return { quantity: new Decimal(1), prior: undefined };
  const isFirst = metered.chain.from === part.service.from;
  const before = decimal(usage.before ?? "0");
  if (!measuresThrough(task))
    return { quantity: decimal(usage.part?.quantity ?? "0"), prior: isFirst ? undefined : before };
  const through = decimal(usage.through ?? "0");
  if (metered.aggregation !== "time_weighted_sum") return { quantity: through.minus(before), prior: before };
  const share = (mean: Decimal, to: bigint) =>
    divide({
      dividend: mean.times(new Decimal((to - metered.chain.from).toString())),
      divisor: new Decimal((metered.chain.to - metered.chain.from).toString()),
      places: MEAN_PLACES,
      mode: "half_up",
    });
  const prior = share(before, part.service.from);
  return { quantity: share(through, part.service.to).minus(prior), prior: isFirst ? undefined : prior };
}
