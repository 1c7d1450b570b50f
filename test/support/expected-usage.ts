/** What the usage views have to give for a query, by the plain definition of every aggregation over the events that were written. */
import type { UsageQuery } from "../../src/app/ports.ts";
import { countsEarlier, measureOf, type Aggregation } from "../../src/domain/meter.ts";
import type { MeteredUsage } from "../../src/domain/rated-line.ts";
import { decimalText } from "../../src/kernel/decimal.ts";
import { instantOf } from "../../src/kernel/instant.ts";
import { aggregate } from "../../src/metering/aggregate.ts";
import { measureFor } from "./measure-for.ts";
import { CUSTOMERS } from "./spread-usage.ts";
import type { WrittenEvent } from "./usage-writer.ts";

type QueryOf = {
  aggregation: Aggregation;
  from: string;
  to: string;
  where: Readonly<Record<string, string>>;
  cut: number;
};

export function queryOf({ aggregation, from, to, where, cut }: QueryOf): UsageQuery {
  return {
    meter: `m-${aggregation}`,
    ...measureFor(aggregation),
    where,
    from: instantOf(from, "from"),
    to: instantOf(to, "to"),
    cut,
    customers: [],
  };
}

export function quantities(usage: readonly MeteredUsage[]): Record<string, string> {
  return Object.fromEntries(usage.map((one) => [one.customer, one.quantity]));
}

export function expectedUsage(query: UsageQuery, from: readonly WrittenEvent[]): Record<string, string> {
  const result: Record<string, string> = {};
  for (const customer of CUSTOMERS) {
    const own = selected(query, from, customer);
    if (own.length > 0) {
      result[customer] = decimalText(
        aggregate({
          ...measureOf({ ...query, aggregation: query.aggregation as Aggregation }),
          timeZone: query.timeZone,
          period: query,
          events: own,
        }),
      );
    }
  }
  return result;
}

export function selected(
  query: UsageQuery,
  from: readonly WrittenEvent[],
  customer: string,
): readonly (WrittenEvent & { readonly source: string })[] {
  return from
    .filter(
      (event) =>
        event.meter === query.meter &&
        event.customer === customer &&
        event.cut <= query.cut &&
        (countsEarlier(query) || event.time >= query.from) &&
        event.time < query.to &&
        Object.entries(query.where).every(([name, value]) => (event.dimensions[name] ?? "") === value),
    )
    .map((event) => ({ ...event, source: "gw" }));
}
