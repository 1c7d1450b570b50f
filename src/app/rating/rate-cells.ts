/** The tasks of matrix prices: the usage by the values of the matrix's dimensions, before the part and in it. */
import type { UsedCell } from "../../domain/rated-line.ts";
import { assert } from "../../kernel/assert.ts";
import { decimal, decimalText, sumDecimals } from "../../kernel/decimal.ts";
import type { Period } from "../../kernel/period.ts";
import { ratePrice } from "../../rating/rate-price.ts";
import type { Usage } from "../../rating/usage.ts";
import { customerCursor } from "./customer-cursor.ts";
import type { CustomerRating, RateGroupInput } from "./customer-rating.ts";
import { lineOfTask, termsOf } from "./line-of-task.ts";

export function rateCells({ store, run, first, query }: RateGroupInput): CustomerRating {
  const { service } = first.part;
  const chain = first.metered?.chain ?? service;
  const by = first.price.price.model === "matrix" ? first.price.price.dimensions : [];
  const cellsIn = (period: Period) => customerCursor(store.meteredCells({ ...query(period), by }));
  const inPart = cellsIn(service);
  const before = chain.from === service.from ? null : cellsIn({ from: chain.from, to: service.from });
  return {
    async rate(customer, tasks, part) {
      const cells = (await inPart.all(customer)).map(usedCell);
      const priorCells = before === null ? undefined : (await before.all(customer)).map(usedCell);
      const quantity = totalOf(cells);
      assert(quantity === (part?.quantity ?? "0"), `the cells of ${customer} add up to what the windows say`, {
        quantity,
      });
      const input = {
        quantity,
        cells,
        ...(priorCells !== undefined && { prior: totalOf(priorCells), priorCells }),
      };
      return tasks.map((task) => {
        const prior = priorCells === undefined ? undefined : usageOf(priorCells);
        return lineOfTask(
          task,
          { part, priced: ratePrice({ ...termsOf(task), usage: usageOf(cells), prior }), input },
          run,
        );
      });
    },
    async close() {
      await Promise.all([inPart.close(), before?.close()]);
    },
  };
}

function usedCell({ match, quantity }: UsedCell): UsedCell {
  return { match, quantity };
}

function usageOf(cells: readonly UsedCell[]): Usage {
  return { cells: cells.map(({ match, quantity }) => ({ match, quantity: decimal(quantity) })) };
}

function totalOf(cells: readonly UsedCell[]): string {
  return decimalText(sumDecimals(cells.map(({ quantity }) => decimal(quantity))));
}
