/** The tasks of prices over one quantity: measured before the part, and up to its end where the quantities of parts do not add up. */
import type { Period } from "../../kernel/period.ts";
import { allowanceUse } from "./allowance-use.ts";
import { customerCursor, singly } from "./customer-cursor.ts";
import type { CustomerRating, RateGroupInput } from "./customer-rating.ts";
import { measuresThrough, rateTask } from "./rate-task.ts";

export function rateTotals({ store, run, first, query }: RateGroupInput): CustomerRating {
  const { service } = first.part;
  const chain = first.metered?.chain ?? service;
  const measured = (period: Period) => customerCursor(singly(store.meteredUsage(query(period))));
  const before = chain.from === service.from ? null : measured({ from: chain.from, to: service.from });
  const through = measuresThrough(first) ? measured({ from: chain.from, to: service.to }) : null;
  const allowance = allowanceUse({ store, run, first, query });
  return {
    async rate(customer, tasks, part) {
      const usage = {
        ...(await allowance(customer)),
        part,
        before: (await before?.all(customer))?.[0]?.quantity,
        through: (await through?.all(customer))?.[0]?.quantity,
      };
      return tasks.map((task) => rateTask(task, usage, run));
    },
    async close() {
      await Promise.all([before?.close(), through?.close()]);
    },
  };
}
