/** The parts of a contract's billing period, cut at the starts of its versions, each with the prices that hold in it. */
import type {
  Catalog,
  ContractSpan,
  ContractVersion,
  EntityVersion,
  RateCard,
  RateCardPrice,
} from "../../domain/catalog.ts";
import { AppError } from "../../kernel/errors.ts";
import { instantOf, type Instant } from "../../kernel/instant.ts";
import {
  billingPeriodContaining,
  billingPeriodsBetween,
  intersectPeriods,
  type Period,
  type PeriodArgument,
} from "../../kernel/period.ts";

/** The part of a billing period that one contract version covers. */
export type ContractPart = {
  readonly customer: string;
  readonly contract: EntityVersion<"contract">;
  readonly rateCard: EntityVersion<"rate_card">;
  /** Of the rate card, with the contract's overrides in place. */
  readonly prices: readonly RateCardPrice[];
  readonly billing: Period;
  readonly service: Period;
};

export type ContractPartsInput = {
  readonly catalog: Catalog;
  readonly period: PeriodArgument;
  readonly spansOf: (versions: readonly EntityVersion<"contract">[]) => readonly ContractSpan[];
};

/** Of one contract, in order. With two instants as the period these are its billing period. */
export function contractParts(
  input: ContractPartsInput,
  versions: readonly EntityVersion<"contract">[],
): ContractPart[] {
  return input.spansOf(versions).flatMap((span) => {
    const definition = span.version.definition;
    const billing = billingPeriodOf(definition, input.period);
    const service = intersectPeriods(billing, { from: span.from, to: span.to ?? billing.to });
    if (service === undefined || span.version.removed) return [];
    const rateCard = pinnedRateCard(input.catalog, definition);
    const prices = rampedPrices(pricesOf(rateCard.definition, definition.overrides), definition, service.from);
    return [{ customer: definition.customer, contract: span.version, rateCard, prices, billing, service }];
  });
}

/** A month is each contract's own billing period; two instants are the period itself, for every contract. */
function billingPeriodOf(contract: ContractVersion, argument: PeriodArgument): Period {
  if (argument.kind === "range") return argument.period;
  const { timeZone, billing } = contract;
  return billingPeriodContaining({ timeZone, ...billing, localMonth: argument.localMonth });
}

function pinnedRateCard(catalog: Catalog, contract: ContractVersion): EntityVersion<"rate_card"> {
  const versions = catalog.rateCards.get(contract.rateCard) ?? [];
  const pinned = versions.find((version) => version.version === contract.rateCardVersion);
  if (pinned !== undefined) return pinned;
  throw new AppError({
    code: "RATE_CARD_MISSING",
    kind: "broken",
    message: `Contract ${contract.key} pins version ${String(contract.rateCardVersion)} of rate card ${contract.rateCard}, which the journal does not have`,
  });
}

function pricesOf(card: RateCard, overrides: readonly RateCardPrice[]): readonly RateCardPrice[] {
  if (overrides.length === 0) return card.prices;
  const byKey = new Map(card.prices.map((price) => [price.key, price]));
  for (const override of overrides) byKey.set(override.key, override);
  return [...byKey.values()];
}

/** The number of the billing period that holds the instant; the one in which the contract begins is 1. */
function contractMonth({ timeZone, billing, effective }: ContractVersion, instant: Instant): number {
  const schedule = { timeZone, ...billing };
  const begins = instantOf(effective.from, "effective.from");
  return billingPeriodsBetween(begins, instant, schedule) + 1;
}

/** Most have no ramp, and then nobody has to ask the calendar which month it is. */
function rampedPrices(
  prices: readonly RateCardPrice[],
  contract: ContractVersion,
  instant: Instant,
): readonly RateCardPrice[] {
  if (prices.every(({ ramp }) => ramp === undefined)) return prices;
  const month = contractMonth(contract, instant);
  return prices.map((price) => rampedPrice(price, month));
}

/** With the price of the ramp's last step that has begun. */
function rampedPrice({ ramp, ...item }: RateCardPrice, month: number): RateCardPrice {
  const step = ramp?.findLast(({ fromMonth }) => fromMonth <= month);
  return step === undefined ? item : { ...item, price: step.price };
}
