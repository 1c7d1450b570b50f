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
import { customerCursor, singly } from "./customer-cursor.ts";
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

/** Every price has its line, also without usage: a minimum may be due, and usage that comes late has a line to belong to. */
export async function* ratePlan(input: RatePlanInput): AsyncGenerator<RatedLine> {
  for (const tasks of groups(input.plan.tasks)) {
    if (tasks[0]?.metered === undefined)
      for (const task of tasks) yield prorateLine(rateTask(task, {}, input.run), task);
    else yield* rateGroup(input, tasks);
  }
}

async function* rateGroup(input: RatePlanInput, tasks: readonly RatingTask[]): AsyncGenerator<RatedLine> {
  const own = Map.groupBy(tasks, (task) => task.part.customer);
  const customers = [...own.keys()].sort();
  const [first] = tasks;
  if (first?.metered === undefined) return;
  const query = (period: Period, task = first): UsageQuery => queryOf(input, { task, period, customers });
  const parts = customerCursor(singly(input.store.meteredUsage(query(first.part.service))));
  const rating = customerRating({ store: input.store, run: input.run, first, query });
  try {
    for (const customer of customers) {
      const [part] = await parts.all(customer);
      yield* await rating.rate(customer, own.get(customer) ?? [], part);
    }
  } finally {
    await Promise.all([parts.close(), rating.close()]);
  }
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
