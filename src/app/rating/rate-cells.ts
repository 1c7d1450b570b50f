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
  const cellsIn = (period: Period) => store.meteredCells({ ...query(period), by });
  const inPart = customerCursor(cellsIn(service));
  let before: ReadonlyMap<string, readonly UsedCell[]> | undefined;
  return {
    async prepare() {
      if (chain.from !== service.from) before = await cellsByCustomer(cellsIn({ from: chain.from, to: service.from }));
    },
    async rate(customer, tasks, part) {
      const cells = (await inPart.all(customer)).map(usedCell);
      const priorCells = before === undefined ? undefined : (before.get(customer) ?? []);
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
    close: () => inPart.close(),
  };
}

async function cellsByCustomer(
  pieces: ReturnType<RateGroupInput["store"]["meteredCells"]>,
): Promise<ReadonlyMap<string, readonly UsedCell[]>> {
  const cells = new Map<string, UsedCell[]>();
  for await (const rows of pieces)
    for (const row of rows) {
      const own = cells.get(row.customer);
      if (own === undefined) cells.set(row.customer, [usedCell(row)]);
      else own.push(usedCell(row));
    }
  return cells;
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
