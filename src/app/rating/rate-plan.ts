/**
 * Carries out a rating plan against the views: tasks that ask the same (meter, filter, period) share their queries for all customers, which
 * are read side by side in the order of the customers' keys. Lines come as they are rated. In memory: the plan, which the catalog bounds.
 */
import type { UsageQuery } from "../ports.ts";
import type { RatedLine } from "../../domain/rated-line.ts";
import { filterOf } from "../../domain/usage-limits.ts";
import { measureOf } from "../../domain/meter.ts";
import { canonicalJson } from "../../kernel/canonical-json.ts";
import type { Period } from "../../kernel/period.ts";
import { collected, customerCursor, singly } from "./customer-cursor.ts";
import type { CustomerRating, RateGroupInput } from "./customer-rating.ts";
import type { RunFacts } from "./line-of-task.ts";
import { prorateLine } from "./prorate-line.ts";
import { rateCells } from "./rate-cells.ts";
import { rateSingleEvents } from "./rate-single-events.ts";
import { rateTask } from "./rate-task.ts";
import { rateTotals } from "./rate-totals.ts";
import type { RatingPlan, RatingTask } from "./rating-plan.ts";

export type RatePlanInput = {
  readonly store: RateGroupInput["store"];
  readonly plan: RatingPlan;
  readonly run: RunFacts;
};

/**
 * The usage of a group of so many customers is read at once, and while as many of the group before are still to be rated. Of a larger one it is read as it
 * is rated, so a query then waits for us and holds one of the few connections: nothing else may wait for another one meanwhile but the insert.
 */
const HELD_CUSTOMERS_MAX = 2_000;

/** Tasks that are rated together, customer by customer. */
type OpenGroup = {
  readonly customers: readonly string[];
  prepare(): Promise<void>;
  rate(customer: string): Promise<readonly RatedLine[]>;
  close(): Promise<void>;
};

/** Every price has its line, also without usage: a minimum may be due, and usage that comes late has a line to belong to. */
export async function* ratePlan(input: RatePlanInput): AsyncGenerator<RatedLine> {
  const waiting = [...groups(input.plan.tasks)];
  const openNext = (): OpenGroup | undefined => {
    const tasks = waiting.shift();
    return tasks === undefined ? undefined : openGroup(input, tasks);
  };
  let group = openNext();
  let next: OpenGroup | undefined;
  try {
    for (; group !== undefined; group = next, next = undefined) {
      await group.prepare();
      let left = group.customers.length;
      for (const customer of group.customers) {
        next ??= left <= HELD_CUSTOMERS_MAX ? openNext() : undefined;
        yield* await group.rate(customer);
        left -= 1;
      }
      await group.close();
    }
  } finally {
    await Promise.all([group?.close(), next?.close()]);
  }
}

function openGroup(input: RatePlanInput, tasks: readonly RatingTask[]): OpenGroup {
  const own = Map.groupBy(tasks, (task) => task.part.customer);
  const customers = [...own.keys()].sort();
  const tasksOf = (customer: string): readonly RatingTask[] => own.get(customer) ?? [];
  const [first] = tasks;
  if (first?.metered === undefined)
    return {
      customers,
      prepare: () => Promise.resolve(),
      rate: (customer) => Promise.resolve(flatLines(input, tasksOf(customer))),
      close: () => Promise.resolve(),
    };
  const query = (period: Period, task = first): UsageQuery => queryOf(input, { task, period, customers });
  const usage = input.store.meteredUsage(query(first.part.service));
  const parts = customerCursor(customers.length <= HELD_CUSTOMERS_MAX ? collected(usage) : singly(usage));
  const rating = customerRating({ store: input.store, run: input.run, first, query });
  return {
    customers,
    prepare: () => rating.prepare(),
    rate: async (customer) => {
      const [part] = await parts.all(customer);
      return await rating.rate(customer, tasksOf(customer), part);
    },
    close: async () => {
      await Promise.all([parts.close(), rating.close()]);
    },
  };
}

/** Of prices without a meter, of which nothing is asked. */
function flatLines(input: RatePlanInput, tasks: readonly RatingTask[]): readonly RatedLine[] {
  return tasks.map((task) => prorateLine(rateTask(task, {}, input.run), task));
}

function customerRating(input: RateGroupInput): CustomerRating {
  switch (input.first.metered?.shape) {
    case "cells":
      return rateCells(input);
    case "events":
      return rateSingleEvents(input);
    default:
      return rateTotals(input);
  }
}

type GroupQuery = { readonly task: RatingTask; readonly period: Period; readonly customers: readonly string[] };

function queryOf(input: RatePlanInput, { task, period, customers }: GroupQuery): UsageQuery {
  const { meter, ...measure } = task.metered ?? { meter: "", aggregation: "count" as const };
  const { timeZone } = task.part.contract.definition;
  const zone = task.metered?.bucket === undefined ? {} : { timeZone };
  const filter = filterOf({ price: task.price, period, timeZone });
  return { meter, ...measureOf(measure), ...zone, ...filter, ...period, cut: input.run.cut, customers };
}

/** Tasks with the same queries, in an order that follows from the plan alone. */
function groups(tasks: readonly RatingTask[]): readonly (readonly RatingTask[])[] {
  return [...Map.groupBy(tasks, groupKey).values()];
}

function groupKey({ part, price, metered, allowance }: RatingTask): string {
  if (metered === undefined) return "";
  const times = [part.service.from, part.service.to, metered.chain.from, metered.chain.to].map(String);
  const dimensions = price.price.model === "matrix" ? price.price.dimensions : [];
  // Two contracts may share a period, but not the hours and days in it.
  const zone = metered.bucket === undefined && price.when === undefined ? "" : part.contract.definition.timeZone;
  // Customers whose prices share free units with the same others are asked about these together too.
  const earlier = (allowance?.earlier ?? []).map(groupKey);
  return canonicalJson([
    ...[metered.meter, price.where, price.when ?? null, times, metered.shape, dimensions, zone],
    earlier,
  ]);
}
