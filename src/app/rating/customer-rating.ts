/** How a group of tasks is rated customer by customer: one implementation for each shape of usage that prices look at. */
import type { MeteredUsage, RatedLine } from "../../domain/rated-line.ts";
import type { Period } from "../../kernel/period.ts";
import type { BillingStore, UsageQuery } from "../ports.ts";
import type { RunFacts } from "./line-of-task.ts";
import type { RatingTask } from "./rating-plan.ts";

export type RateGroupInput = {
  readonly store: Pick<BillingStore, "meteredUsage" | "meteredCells" | "meteredEvents">;
  readonly run: RunFacts;
  /** One of the group: all have the same meter, filter, period, chain and shape of usage. */
  readonly first: RatingTask;
  /** Asks for the group's usage in a period, or for that of another price of the same customers. */
  readonly query: (period: Period, of?: RatingTask) => UsageQuery;
};

export type CustomerRating = {
  /** Reads what is held of all customers. Before the part's usage is asked for: a query that waits for us keeps a connection from this one. */
  prepare(): Promise<void>;
  /** Rates the tasks of one customer, given what was used in the part. Customers come in the order of their keys. */
  rate(customer: string, tasks: readonly RatingTask[], part: MeteredUsage | undefined): Promise<readonly RatedLine[]>;
  close(): Promise<void>;
};
