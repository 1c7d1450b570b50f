/** Usage of one meter for tests that read it back: pseudo-random, and the same in every run. */
import type { Aggregation } from "../../src/domain/meter.ts";
import { instantOf } from "../../src/kernel/instant.ts";
import type { WrittenEvent } from "./usage-writer.ts";

export const CUSTOMERS = ["acme", "beta", "zeta ä'\\"];
export const START = instantOf("2026-10-01T00:00:00Z", "start");
const DAYS = 4;
const EVENTS_PER_METER = 400;
export const LAST_CUT = 3;

/** Spread over the days, with ties in time, repeated values, gaps of whole windows, both shards and all cuts. */
export function spreadUsage(aggregation: Aggregation, salt: number): WrittenEvent[] {
  let state = 1_000_003 * (salt + 1);
  const next = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  return Array.from({ length: EVENTS_PER_METER }, (_, index): WrittenEvent => {
    const second = BigInt(next(DAYS * 86_400));
    const nanosecond = BigInt(next(3)) * 333_333_333n;
    return {
      meter: `m-${aggregation}`,
      aggregation,
      customer: CUSTOMERS[next(CUSTOMERS.length)] ?? "acme",
      time: START + (index % 10 === 0 ? 86_400n * 1_000_000_000n : second * 1_000_000_000n + nanosecond),
      id: `${aggregation}-${String(index)}`,
      value:
        aggregation === "unique_count"
          ? `user-${String(next(40))}`
          : `${String(next(2_000_000) - 500_000)}.${String(next(10 ** 9)).padStart(9, "0")}1`.replace("-0.", "0."),
      dimensions:
        index % 3 === 0
          ? { model: "m1", region: "eu" }
          : index % 3 === 1
            ? { model: "m1", region: "" }
            : { model: "m2", region: "us" },
      cut: 1 + (index % LAST_CUT),
      shard: index % 2,
      seq: 100 + index,
    };
  });
}

/** Over forty days, in which the clocks of some zones change, with most hours and some days left out. */
export function sparseUsage(meter: string): WrittenEvent[] {
  return spreadUsage("latest", 200)
    .filter((_event, index) => index % 4 === 0)
    .map((event) => ({ ...event, meter, id: `sparse ${event.id}`, time: START + 10n * (event.time - START) }));
}
