/** A rated line from its task and what was rated: who, which contract version and price, when, how much, and what that rests on. */
import type { MeteredUsage, RatedLine, RatingInput } from "../../domain/rated-line.ts";
import { hoursText } from "../../domain/price-hours.ts";
import { whereTexts } from "../../domain/price-where.ts";
import { filterOf } from "../../domain/usage-limits.ts";
import { present } from "../../kernel/assert.ts";
import { keptJson } from "../../kernel/canonical-json.ts";
import { decimalText, roundTo } from "../../kernel/decimal.ts";
import { instantText } from "../../kernel/instant.ts";
import { shareText, type ProrationShare } from "../../kernel/proration.ts";
import type { BreakdownStep } from "../../rating/breakdown.ts";
import type { PricedUsage, PricingTerms, PricingUnit } from "../../rating/charge-whole.ts";
import { RATING_REV } from "../../rating/rating-rev.ts";
import type { ContractPart } from "./contract-parts.ts";
import { ratedLineId, type RatingTask } from "./rating-plan.ts";

/** The places at which amounts are stored. The exact amount, should it need more, stays in the breakdown's rounding step. */
const AMOUNT_PLACES = 24;

export type RunFacts = { readonly runId: string; readonly cut: number; readonly catalogSeq: number };

export type RatedTask = {
  /** Lineage of the part itself; absent without any event. */
  readonly part: MeteredUsage | undefined;
  readonly priced: PricedUsage;
  /** The usage that the amount follows from. */
  readonly input: Omit<RatingInput, "ratingRev" | "currency" | "rounding" | "price" | "unit">;
};

/** How the task's price is to be charged. */
export function termsOf({ part, price }: RatingTask): PricingTerms {
  const { currency, rounding } = part.contract.definition;
  return { price: price.price, currency, roundingMode: rounding, unit: unitOf({ part, price }) };
}

export function lineOfTask(task: RatingTask, rated: RatedTask, run: RunFacts): RatedLine {
  const { part, price, metered, prorated } = task;
  const { currency, rounding } = part.contract.definition;
  const { priced } = rated;
  const unit = unitOf(task);
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
    ...filterOf({ price, period: part.service, timeZone: part.contract.definition.timeZone }),
    description: price.description ?? descriptionOf(task),
    ...timesOf(part),
    quantity: rated.input.quantity,
    amount: decimalText(roundTo(priced.amount, AMOUNT_PLACES, "half_up")),
    amountRounded: decimalText(priced.rounded),
    currency,
    ...lineageOf(rated.part),
    ratingRev: RATING_REV,
    input: {
      ratingRev: RATING_REV,
      currency,
      rounding,
      price: keptJson(price.price),
      ...(unit !== undefined && { unit }),
      ...rated.input,
      ...(prorated !== undefined && { proration: shareInput(prorated) }),
    },
    breakdown: [...boundsStep(task), ...priced.breakdown],
  };
}

type LineTimes = Pick<RatedLine, "billingFrom" | "billingTo" | "periodFrom" | "periodTo">;

/** The lines of a part have the same. */
const knownTimes = new WeakMap<ContractPart, LineTimes>();

function timesOf(part: ContractPart): LineTimes {
  const { billing, service } = part;
  const times = knownTimes.get(part) ?? {
    billingFrom: instantText(billing.from),
    billingTo: instantText(billing.to),
    periodFrom: instantText(service.from),
    periodTo: instantText(service.to),
  };
  knownTimes.set(part, times);
  return times;
}

function shareInput({ unit, from, to, of }: ProrationShare): NonNullable<RatingInput["proration"]> {
  return { unit, from: String(from), to: String(to), of: String(of) };
}

/** Of a metered price; the line of a flat one is prorated as a whole. */
function boundsStep({ metered, prorated }: RatingTask): readonly BreakdownStep[] {
  if (metered === undefined || prorated === undefined) return [];
  return [{ kind: "proration", text: `Amounts per billing period are for ${shareText(prorated)}` }];
}

function unitOf({ part, price }: RatingTask): PricingUnit | undefined {
  if (price.unit === undefined) return undefined;
  const { rate } = present(
    part.rateCard.definition.units?.[price.unit],
    `the pricing unit ${price.unit} of the rate card`,
  );
  return { key: price.unit, rate };
}

/** No usage at all is no event, and a sum of no leaves. */
function lineageOf(part: MeteredUsage | undefined): Pick<RatedLine, "eventCount" | "shardRanges" | "eventsDigest"> {
  if (part === undefined) return { eventCount: "0", shardRanges: [], eventsDigest: "0" };
  return { eventCount: part.eventCount, shardRanges: part.shardRanges, eventsDigest: part.eventsDigest };
}

function descriptionOf({ part, price, metered }: RatingTask): string {
  if (metered === undefined) return price.key;
  const hours = price.when === undefined ? [] : [`${hoursText(price.when)} ${part.contract.definition.timeZone}`];
  return [`${price.key} (${metered.meter})`, ...whereTexts(price.where), ...hours].join(", ");
}
