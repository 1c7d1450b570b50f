/** The catalog of the sink's tests: one customer, an event type with a meter of each kind of view target, and one that is only summed. */
import { compileMeteringCatalog, type MeteringCatalog } from "../../src/metering/metering-catalog.ts";
import { catalogOf } from "./catalog-of.ts";

const EVENT_TYPE = "llm.completion";
/** Batches of nothing else are not special. */
export const SUMMED_TYPE = "api.request";

export const SINK_CATALOG: MeteringCatalog = compileMeteringCatalog(
  catalogOf({
    meters: [
      { key: "calls", eventType: EVENT_TYPE, aggregation: "count" },
      {
        key: "tokens",
        eventType: EVENT_TYPE,
        aggregation: "sum",
        value: "/data/tokens",
        dimensions: { model: "/data/model" },
      },
      { key: "peak", eventType: EVENT_TYPE, aggregation: "max", value: "/data/tokens" },
      { key: "newest", eventType: EVENT_TYPE, aggregation: "latest", value: "/data/tokens" },
      { key: "users", eventType: EVENT_TYPE, aggregation: "unique_count", value: "/data/user" },
      { key: "level", eventType: EVENT_TYPE, aggregation: "time_weighted_sum", value: "/data/tokens" },
      { key: "requested", eventType: SUMMED_TYPE, aggregation: "sum", value: "/data/tokens" },
    ],
    customers: [{ key: "acme", aliases: ["acme-eu"] }],
  }),
);
