/** The tasks of prices over single events: from the chain's start on, each event is handed to the prices as it is read, and forgotten. */
import { assert } from "../../kernel/assert.ts";
import { ZERO, decimal, decimalText } from "../../kernel/decimal.ts";
import { rateEvents } from "../../rating/rate-events.ts";
import { customerCursor } from "./customer-cursor.ts";
import type { CustomerRating, RateGroupInput } from "./customer-rating.ts";
import { lineOfTask, termsOf } from "./line-of-task.ts";

export function rateSingleEvents({ store, run, first, query }: RateGroupInput): CustomerRating {
  const { service } = first.part;
  const chain = first.metered?.chain ?? service;
  const isLaterPart = chain.from !== service.from;
  const period = { from: chain.from, to: service.to };
  const events = customerCursor(store.meteredEvents({ ...query(period), earlierThan: service.from }));
  return {
    prepare: () => Promise.resolve(),
    async rate(customer, tasks, part) {
      const ratings = tasks.map((task) => ({ task, rating: rateEvents({ ...termsOf(task), isLaterPart }) }));
      const used = { events: 0, quantity: ZERO };
      const prior = { events: 0, quantity: ZERO };
      await events.each(customer, (event) => {
        const quantity = decimal(event.quantity);
        const sums = event.earlier ? prior : used;
        sums.events += 1;
        sums.quantity = sums.quantity.plus(quantity);
        for (const { rating } of ratings)
          if (event.earlier) rating.addPrior(quantity);
          else rating.add(quantity);
      });
      assert(
        String(used.events) === (part?.eventCount ?? "0"),
        `${customer} has as many events as the windows say`,
        used,
      );
      const input = {
        quantity: decimalText(used.quantity),
        events: String(used.events),
        ...(isLaterPart && { prior: decimalText(prior.quantity), priorEvents: String(prior.events) }),
      };
      return ratings.map(({ task, rating }) => lineOfTask(task, { part, priced: rating.finish(), input }, run));
    },
    close: () => events.close(),
  };
}
