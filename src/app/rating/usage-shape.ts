/** What a price looks at: one quantity, a quantity per cell of a matrix, or the single events in the order of (time, source, id). */
import { countsEarlier, type Measure } from "../../domain/meter.ts";
import type { Price } from "../../domain/price.ts";
import { ratesSingleEvents } from "../../rating/models/percentage.ts";

export type UsageShape = "total" | "cells" | "events";

export function shapeOf(price: Price): UsageShape {
  if (price.model === "matrix") return "cells";
  return price.model === "percentage" && ratesSingleEvents(price) ? "events" : "total";
}

/** True where the usage of a period is the sum over its parts, whichever way it is divided. */
export function addsUp(measure: Measure): boolean {
  return (measure.aggregation === "count" || measure.aggregation === "sum") && !countsEarlier(measure);
}
