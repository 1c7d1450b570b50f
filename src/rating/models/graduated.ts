/** `graduated` and `graduated_percentage`: each unit at its own tier; the flat amount of a tier once it is entered. */
import type { GraduatedPercentagePrice, GraduatedPrice } from "../../domain/price.ts";
import { totalRater, type PriceRater } from "../price-rater.ts";
import { chargeGraduated, ratedTiers } from "../tier-charge.ts";

export function graduatedRater(price: GraduatedPrice | GraduatedPercentagePrice, currency: string): PriceRater {
  const tiers = ratedTiers(price.tiers);
  return totalRater((quantity) => chargeGraduated({ tiers, quantity, currency }));
}
