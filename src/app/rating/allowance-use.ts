/**
 * What the prices before one have used of the free units that they share, by customer. Read once for the whole group and one query after the other,
 * because connections are few: a price may have many before it. In memory is one number for each of them and customer, as many as the plan has tasks.
 */
import type { Period } from "../../kernel/period.ts";
import type { RateGroupInput } from "./customer-rating.ts";
import type { TaskUsage } from "./rate-task.ts";

type Quantities = ReadonlyMap<string, string>;
type AllowanceUse = Pick<TaskUsage, "usedThrough" | "usedBefore">;

export function allowanceUse(input: RateGroupInput): (customer: string) => Promise<AllowanceUse> {
  const { service } = input.first.part;
  const chain = input.first.metered?.chain ?? service;
  const read = async () => ({
    through: await usedIn(input, { from: chain.from, to: service.to }),
    before: chain.from === service.from ? [] : await usedIn(input, { from: chain.from, to: service.from }),
  });
  let used: ReturnType<typeof read> | undefined;
  return async (customer) => {
    const { through, before } = await (used ??= read());
    const of = (prices: readonly Quantities[]): readonly string[] =>
      prices.map((quantities) => quantities.get(customer) ?? "0");
    return { usedThrough: of(through), usedBefore: of(before) };
  };
}

async function usedIn({ store, first, query }: RateGroupInput, period: Period): Promise<readonly Quantities[]> {
  const used: Quantities[] = [];
  for (const other of first.allowance?.earlier ?? []) {
    const quantities = new Map<string, string>();
    for await (const row of store.meteredUsage(query(period, other))) quantities.set(row.customer, row.quantity);
    used.push(quantities);
  }
  return used;
}
