/** Catalogs of any size: customers c0, c1 …, meters m0, m1 … that add up `/data/n`, and a contract per customer with a graduated price per meter. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type BenchCatalog = {
  readonly customers: number;
  readonly meters: number;
  /** The meters are dealt out to so many event types t0, t1 …; one unless said otherwise. */
  readonly eventTypes?: number;
};

export const BENCH_TIERS = [
  { upTo: "1", unitAmount: "0.002" },
  { upTo: "2.5", unitAmount: "0.0015" },
  { upTo: null, unitAmount: "0.00125" },
] as const;

export function writeBenchCatalog(directory: string, { customers, meters, eventTypes = 1 }: BenchCatalog): void {
  const keys = Array.from({ length: customers }, (_, number) => `c${number}`);
  const meterKeys = Array.from({ length: meters }, (_, number) => `m${number}`);
  const catalog = {
    meters: meterKeys.map((key, number) => ({
      key,
      eventType: `t${number % eventTypes}`,
      aggregation: "sum",
      value: "/data/n",
      dimensions: { model: "/data/model" },
    })),
    customers: keys.map((key) => ({ key, name: key, currency: "EUR", timeZone: "UTC" })),
    rateCards: [
      {
        key: "card",
        currency: "EUR",
        prices: meterKeys.map((meter) => ({
          key: meter,
          meter,
          description: meter,
          price: { model: "graduated", tiers: BENCH_TIERS },
        })),
      },
    ],
    contracts: keys.map((key) => ({
      key: `contract-${key}`,
      customer: key,
      rateCard: "card",
      effective: { from: "2026-01-01T00:00:00Z", to: null },
      billing: { interval: "month", anchorDay: 1 },
    })),
  };
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "catalog.json"), JSON.stringify(catalog));
}
