/** Which prices are one and the same at different times: the same usage under the same key, whatever it costs. */
import type { RateCardPrice } from "../../domain/catalog.ts";
import { weekOf } from "../../domain/price-hours.ts";
import { canonicalJson } from "../../kernel/canonical-json.ts";

export function sameSeries(a: RateCardPrice, b: RateCardPrice): boolean {
  return (
    a.key === b.key &&
    a.meter === b.meter &&
    canonicalJson([a.where, weekOf(a.when)]) === canonicalJson([b.where, weekOf(b.when)]) &&
    a.price.model !== "flat"
  );
}
