/**
 * What the prices before one have used of the free units that they share, by customer. Read once for the whole group and one query after the other,
 * because connections are few: a price may have many before it. In memory is one number for each of them and customer, as many as the plan has tasks.
 */
import type { Period } from "../../kernel/period.ts";
import type { RateGroupInput } from "./customer-rating.ts";
import { quantitiesOf, type Quantities } from "./quantities-of.ts";
import type { TaskUsage } from "./rate-task.ts";

export type AllowanceUse = {
  prepare(): Promise<void>;
  of(customer: string): Pick<TaskUsage, "usedThrough" | "usedBefore">;
};

export function allowanceUse(input: RateGroupInput): AllowanceUse {
  const { service } = input.first.part;
  const chain = input.first.metered?.chain ?? service;
  let through: readonly Quantities[] = [];
  let before: readonly Quantities[] = [];
  return {
    async prepare() {
      through = await usedIn(input, { from: chain.from, to: service.to });
      before = chain.from === service.from ? [] : await usedIn(input, { from: chain.from, to: service.from });
    },
    of(customer) {
      const ofCustomer = (prices: readonly Quantities[]): readonly string[] =>
        prices.map((quantities) => quantities.get(customer) ?? "0");
      return { usedThrough: ofCustomer(through), usedBefore: ofCustomer(before) };
    },
  };
}

async function usedIn({ store, first, query }: RateGroupInput, period: Period): Promise<readonly Quantities[]> {
  const used: Quantities[] = [];
  for (const other of first.allowance?.earlier ?? []) used.push(await quantitiesOf(store, query(period, other)));
  return used;
}
