/**
 * Carries out a rating plan against the views: tasks that ask the same (meter, filter, period) share one query for all their customers.
 * Lines come as they are rated. In memory: the plan (which the catalog bounds), and for parts that continue a chain one number per customer.
 */
import type { BillingStore } from "../ports.ts";
import type { RatedLine } from "../../domain/rated-line.ts";
import { measureOf } from "../../domain/meter.ts";
import { canonicalJson } from "../../kernel/canonical-json.ts";
import type { Period } from "../../kernel/period.ts";
import { measuresThrough, rateTask, type RunFacts } from "./rate-task.ts";
import type { RatingPlan, RatingTask } from "./rating-plan.ts";

export type RatePlanInput = {
  readonly store: Pick<BillingStore, "meteredUsage">;
  readonly plan: RatingPlan;
  readonly run: RunFacts;
};

export async function* ratePlan(input: RatePlanInput): AsyncGenerator<RatedLine> {
  for (const tasks of groups(input.plan.tasks)) {
    if (tasks[0]?.metered === undefined) for (const task of tasks) yield rateTask(task, {}, input.run);
    else yield* rateGroup(input, tasks);
  }
}

async function* rateGroup(input: RatePlanInput, tasks: readonly RatingTask[]): AsyncGenerator<RatedLine> {
  const [first] = tasks;
  if (first?.metered === undefined) return;
  const { chain } = first.metered;
  const { service } = first.part;
  const left = byCustomer(tasks);
  const customers = [...left.keys()].sort();
  const before =
    chain.from === service.from
      ? null
      : await quantities(input, { task: first, period: { from: chain.from, to: service.from }, customers });
  const through = measuresThrough(first)
    ? await quantities(input, { task: first, period: { from: chain.from, to: service.to }, customers })
    : null;
  const usageBefore = (customer: string) => ({ before: before?.get(customer), through: through?.get(customer) });
  for await (const part of input.store.meteredUsage(queryOf(input, { task: first, period: service, customers }))) {
    for (const task of left.get(part.customer) ?? [])
      yield rateTask(task, { part, ...usageBefore(part.customer) }, input.run);
    left.delete(part.customer);
  }
  // Every price has its line, also without usage: a minimum may be due, and usage that comes late has a line to belong to.
  for (const [customer, idle] of left) for (const task of idle) yield rateTask(task, usageBefore(customer), input.run);
}

type GroupQuery = { readonly task: RatingTask; readonly period: Period; readonly customers: readonly string[] };

async function quantities(input: RatePlanInput, query: GroupQuery): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for await (const usage of input.store.meteredUsage(queryOf(input, query))) found.set(usage.customer, usage.quantity);
  return found;
}

function queryOf(
  input: RatePlanInput,
  { task, period, customers }: GroupQuery,
): Parameters<BillingStore["meteredUsage"]>[0] {
  const { meter, ...measure } = task.metered ?? { meter: "", aggregation: "count" as const };
  return { meter, ...measureOf(measure), where: task.price.where, ...period, cut: input.run.cut, customers };
}

/** Tasks with the same query, in an order that follows from the plan alone. */
function groups(tasks: readonly RatingTask[]): readonly (readonly RatingTask[])[] {
  const found = new Map<string, RatingTask[]>();
  for (const task of tasks) {
    const { service } = task.part;
    const chain = task.metered?.chain ?? service;
    const times = [service.from, service.to, chain.from, chain.to].map(String);
    const key = task.metered === undefined ? "" : canonicalJson([task.metered.meter, task.price.where, times]);
    const group = found.get(key);
    if (group === undefined) found.set(key, [task]);
    else group.push(task);
  }
  return [...found.values()];
}

function byCustomer(tasks: readonly RatingTask[]): Map<string, RatingTask[]> {
  const found = new Map<string, RatingTask[]>();
  for (const task of tasks) {
    const own = found.get(task.part.customer);
    if (own === undefined) found.set(task.part.customer, [task]);
    else own.push(task);
  }
  return found;
}
