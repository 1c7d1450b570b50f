/**
 * One rated line from one task and what the views measured. Pure: the line's `input` holds everything the amount follows from.
 *
 * Parts of a chain add up to the whole: with M(t) the usage measured from the chain's start to t, a part that ends at t charges
 * f(M(t)) − f(M(start of the part)). For count and sum M adds up over windows; for the others it is measured anew up to t, so a value
 * that two parts share counts once. The mean level is taken over the whole chain: a part contributes its share of it.
 */
import type { MeteredUsage, RatedLine, RatingInput } from "../../domain/rated-line.ts";
import { Decimal, decimal, decimalText, divide, roundTo } from "../../kernel/decimal.ts";
import { instantText } from "../../kernel/instant.ts";
import { ratePrice } from "../../rating/rate-price.ts";
import { RATING_REV } from "../../rating/rating-rev.ts";
import { ratedLineId, type RatingTask } from "./rating-plan.ts";

/** The places at which amounts are stored. The exact amount, should it need more, stays in the breakdown's rounding step. */
const AMOUNT_PLACES = 24;
const MEAN_PLACES = 18;

export type TaskUsage = {
  /** In the part itself; absent without any event. */
  readonly part?: MeteredUsage | undefined;
  /** Measured from the chain's start to the part's start; absent in the first part of a chain. */
  readonly before?: string | undefined;
  /** Measured from the chain's start to the part's end; absent where the part's quantity adds up. */
  readonly through?: string | undefined;
};

export type RunFacts = { readonly runId: string; readonly cut: number; readonly catalogSeq: number };

export function rateTask(task: RatingTask, usage: TaskUsage, run: RunFacts): RatedLine {
  const { part, price, metered } = task;
  const contract = part.contract.definition;
  const { quantity, prior } = quantitiesOf(task, usage);
  const priced = ratePrice({
    price: price.price,
    currency: contract.currency,
    usage: { quantity },
    prior: prior === undefined ? undefined : { quantity: prior },
    roundingMode: contract.rounding,
  });
  const input: RatingInput = {
    ratingRev: RATING_REV,
    currency: contract.currency,
    rounding: contract.rounding,
    price: price.price,
    quantity: decimalText(quantity),
    ...(prior !== undefined && { prior: decimalText(prior) }),
  };
  return {
    ...run,
    lineId: ratedLineId(task),
    customer: part.customer,
    contract: part.contract.key,
    contractVersion: part.contract.version,
    contractHash: part.contract.hash,
    rateCard: part.rateCard.key,
    rateCardVersion: part.rateCard.version,
    price: price.key,
    meter: metered?.meter ?? "",
    aggregation: metered?.aggregation ?? "",
    where: price.where,
    description: price.description ?? descriptionOf(task),
    billingFrom: instantText(part.billing.from),
    billingTo: instantText(part.billing.to),
    periodFrom: instantText(part.service.from),
    periodTo: instantText(part.service.to),
    quantity: decimalText(quantity),
    amount: decimalText(roundTo(priced.amount, AMOUNT_PLACES, "half_up")),
    amountRounded: decimalText(priced.rounded),
    currency: contract.currency,
    ...lineageOf(usage),
    ratingRev: RATING_REV,
    input,
    breakdown: priced.breakdown,
  };
}

/** No usage at all is no event, and a sum of no leaves. */
function lineageOf({ part }: TaskUsage): Pick<RatedLine, "eventCount" | "shardRanges" | "eventsDigest"> {
  if (part === undefined) return { eventCount: "0", shardRanges: [], eventsDigest: "0" };
  return { eventCount: part.eventCount, shardRanges: part.shardRanges, eventsDigest: part.eventsDigest };
}

/** True for the tasks whose quantity is the difference of two measurements from the chain's start. */
export function measuresThrough({ part, metered }: RatingTask): boolean {
  if (metered === undefined || metered.aggregation === "count" || metered.aggregation === "sum") return false;
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

function descriptionOf({ price, metered }: RatingTask): string {
  if (metered === undefined) return price.key;
  const filter = Object.entries(price.where).map(([name, value]) => `${name} ${value}`);
  return [`${price.key} (${metered.meter})`, ...filter].join(", ");
}
