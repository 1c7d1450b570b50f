/** The tasks of prices over one quantity: measured before the part, and up to its end where the quantities of parts do not add up. */
import { allowanceUse } from "./allowance-use.ts";
import type { CustomerRating, RateGroupInput } from "./customer-rating.ts";
import { quantitiesOf, type Quantities } from "./quantities-of.ts";
import { measuresThrough, rateTask } from "./rate-task.ts";

export function rateTotals({ store, run, first, query }: RateGroupInput): CustomerRating {
  const { service } = first.part;
  const chain = first.metered?.chain ?? service;
  const allowance = allowanceUse({ store, run, first, query });
  let before: Quantities | undefined;
  let through: Quantities | undefined;
  return {
    async prepare() {
      if (chain.from !== service.from)
        before = await quantitiesOf(store, query({ from: chain.from, to: service.from }));
      if (measuresThrough(first)) through = await quantitiesOf(store, query({ from: chain.from, to: service.to }));
      await allowance.prepare();
    },
    rate(customer, tasks, part) {
      const usage = {
        ...allowance.of(customer),
        part,
        before: before?.get(customer),
        through: through?.get(customer),
      };
      return Promise.resolve(tasks.map((task) => rateTask(task, usage, run)));
    },
    close: () => Promise.resolve(),
  };
}
