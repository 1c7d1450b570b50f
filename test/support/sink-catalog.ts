/** The catalog of the sink's tests: one customer, one event type, a meter of each kind of view target. */
import { compileMeteringCatalog, type MeteringCatalog } from "../../src/metering/metering-catalog.ts";
import { catalogOf } from "./catalog-of.ts";

const EVENT_TYPE = "llm.completion";

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
    ],
    customers: [{ key: "acme", aliases: ["acme-eu"] }],
  }),
);
