/** `volume`: all units at the tier that the total reaches, with that tier's flat amount. The amount may fall across a bound. */
import type { VolumePrice } from "../../domain/price.ts";
import { totalRater, type PriceRater } from "../price-rater.ts";
import { chargeTier, ratedTiers, tierOf } from "../tier-charge.ts";

export function volumeRater(price: VolumePrice, currency: string): PriceRater {
  const tiers = ratedTiers(price.tiers);
  return totalRater((quantity) => chargeTier({ tier: tierOf(tiers, quantity), quantity, currency }));
}
