/** How a quantity lies in tiers with the bounds (previous, upTo], and what a tier charges. */
import type { PercentageTier, Tier } from "../domain/price.ts";
import { keptJson } from "../kernel/canonical-json.ts";
import { ZERO, decimal, decimalText, type Decimal } from "../kernel/decimal.ts";
import { present } from "../kernel/assert.ts";
import type { BreakdownStep } from "./breakdown.ts";
import type { Charge } from "./price-rater.ts";
import { amountText, unitsText } from "./text.ts";

/** A tier of any tiered model: its flat amount, and a factor on the quantity that is charged in it. */
export type RatedTier = {
  readonly number: number;
  readonly above: Decimal | undefined;
  readonly upTo: Decimal | undefined;
  readonly flatAmount: Decimal;
  /** Amount per unit: of a percentage the hundredth part. */
  readonly factor: Decimal;
  /** The factor as the price writes it. */
  readonly label: { readonly unitAmount: string } | { readonly rate: string };
  /** What a graduated price charges in it once a quantity has passed it, by currency. */
  readonly filled: Map<string, Charge>;
};

const HUNDREDTH = decimal("0.01");
const known = new WeakMap<readonly (Tier | PercentageTier)[], readonly RatedTier[]>();

/** Read once for each price: the tiers of a catalog never change, and thousands of customers pay by the same ones. */
export function ratedTiers(tiers: readonly (Tier | PercentageTier)[]): readonly RatedTier[] {
  const rated = known.get(tiers) ?? readTiers(tiers);
  known.set(tiers, rated);
  return rated;
}

function readTiers(tiers: readonly (Tier | PercentageTier)[]): readonly RatedTier[] {
  return tiers.map((tier, index) => {
    const before = tiers[index - 1]?.upTo;
    return {
      number: index + 1,
      above: typeof before === "string" ? decimal(before) : undefined,
      upTo: tier.upTo === null ? undefined : decimal(tier.upTo),
      flatAmount: decimal(tier.flatAmount ?? "0"),
      ...tierFactor(tier),
      filled: new Map(),
    };
  });
}

/** Each unit at its own tier. The first tier is always entered, at zero usage too; the others when the quantity passes their bound. */
export function chargeGraduated(input: { tiers: readonly RatedTier[]; quantity: Decimal; currency: string }): Charge {
  const { tiers, quantity, currency } = input;
  let amount = ZERO;
  const steps: BreakdownStep[] = [];
  for (const tier of tiers) {
    if (tier.above !== undefined && !quantity.gt(tier.above)) continue;
    const charge =
      tier.upTo !== undefined && quantity.gte(tier.upTo)
        ? filledTier(tier, tier.upTo, currency)
        : chargeTier({ tier, quantity: quantity.minus(tier.above ?? ZERO), currency });
    amount = amount.plus(charge.amount);
    steps.push(...charge.steps);
  }
  return { amount, steps };
}

function filledTier(tier: RatedTier, upTo: Decimal, currency: string): Charge {
  const known = tier.filled.get(currency);
  if (known !== undefined) return known;
  const { amount, steps } = chargeTier({ tier, quantity: upTo.minus(tier.above ?? ZERO), currency });
  const charge = { amount, steps: steps.map((step) => keptJson(step)) };
  tier.filled.set(currency, charge);
  return charge;
}

/** The tier that a total reaches. */
export function tierOf(tiers: readonly RatedTier[], quantity: Decimal): RatedTier {
  return present(
    tiers.find((tier) => tier.upTo === undefined || quantity.lte(tier.upTo)),
    "a last tier without upTo",
  );
}

/** A quantity charged in one tier, with the tier's flat amount. */
export function chargeTier(input: { tier: RatedTier; quantity: Decimal; currency: string }): Charge {
  const { tier, quantity, currency } = input;
  const amount = quantity.times(tier.factor).plus(tier.flatAmount);
  const step: BreakdownStep = {
    kind: "tier",
    tier: String(tier.number),
    ...(tier.above !== undefined && { above: decimalText(tier.above) }),
    ...(tier.upTo !== undefined && { upTo: decimalText(tier.upTo) }),
    quantity: decimalText(quantity),
    ...tier.label,
    flatAmount: decimalText(tier.flatAmount),
    amount: decimalText(amount),
    text: `${boundsText(tier)}: ${tierText({ tier, quantity, currency })} = ${amountText(amount, currency)}`,
  };
  return { amount, steps: [step] };
}

function tierFactor(tier: Tier | PercentageTier): Pick<RatedTier, "factor" | "label"> {
  if ("rate" in tier && tier.rate !== undefined) {
    const rate = decimal(tier.rate);
    return { factor: rate.times(HUNDREDTH), label: { rate: decimalText(rate) } };
  }
  const unitAmount = decimal(("unitAmount" in tier ? tier.unitAmount : undefined) ?? "0");
  return { factor: unitAmount, label: { unitAmount: decimalText(unitAmount) } };
}

function boundsText(tier: RatedTier): string {
  const above = tier.above === undefined ? "" : ` above ${decimalText(tier.above)}`;
  const upTo = tier.upTo === undefined ? "" : ` up to ${decimalText(tier.upTo)}`;
  return `Tier ${tier.number}${above}${upTo}`;
}

function tierText(input: { tier: RatedTier; quantity: Decimal; currency: string }): string {
  const { tier, quantity, currency } = input;
  const usage =
    "rate" in tier.label
      ? `${tier.label.rate} % of ${decimalText(quantity)}`
      : `${unitsText(quantity)} at ${amountText(tier.factor, currency)} each`;
  return tier.flatAmount.isZero() ? usage : `${usage}, and ${amountText(tier.flatAmount, currency)} flat`;
}
