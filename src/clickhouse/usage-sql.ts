/**
 * The text of a usage query. The files read the `…_as_of` views, which leave out what was taken back; where nothing of the meter was, the same
 * rows come from the `…_as_stored` views, which the engine plans in a third of the time. What a complete cut holds never changes, so the answer
 * stays right for the query that follows, and for others as of the same cut: a rating run asks once a minute. No longer, because a shard that is
 * refilled after a restore has lost for a while what its cuts hold.
 */
import type { ClickHouse } from "./connect.ts";
import { querySql } from "./load-sql.ts";

export type UsageScope = {
  readonly meter: string;
  readonly cut: number;
  readonly customer_from: string;
  readonly customer_to: string;
};

/** Gives the text of `sql/queries/<name>.sql` for the scope. */
export type UsageSqls = (scope: UsageScope) => Promise<(name: string) => string>;

const REMEMBERED_MS = 60_000;
/** The cut that stands for all that is known by now, which grows. */
const ALL_KNOWN_CUT = 4_294_967_295;

type RetractedCustomers = ReadonlyMap<string, { readonly first: string; readonly last: string }>;

export function usageSqls(clickhouse: ClickHouse): UsageSqls {
  let asked:
    { readonly cut: number; readonly untilMs: number; readonly retracted: Promise<RetractedCustomers> } | undefined;
  const retractedAsOf = (cut: number): Promise<RetractedCustomers> => {
    if (asked?.cut === cut && performance.now() < asked.untilMs) return asked.retracted;
    const retracted = retractedCustomers(clickhouse, cut);
    if (cut !== ALL_KNOWN_CUT) {
      asked = { cut, untilMs: performance.now() + REMEMBERED_MS, retracted };
      // Whoever waits for it hears of the failure; the next one asks again.
      retracted.catch(() => {
        asked = undefined;
      });
    }
    return retracted;
  };
  return async ({ meter, cut, customer_from: from, customer_to: to }) => {
    const range = (await retractedAsOf(cut)).get(meter);
    if (range !== undefined && range.first <= to && range.last >= from) return querySql;
    return (name) => querySql(name).replaceAll("_as_of(cut", "_as_stored(cut");
  };
}

async function retractedCustomers(clickhouse: ClickHouse, cut: number): Promise<RetractedCustomers> {
  const rows = await clickhouse.rows<{ meter: string; first: string; last: string }>({
    sql: querySql("retracted-customers"),
    params: { cut },
    doing: "looking for what was taken back",
  });
  return new Map(rows.map(({ meter, first, last }) => [meter, { first, last }]));
}
