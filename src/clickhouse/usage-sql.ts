/**
 * The text of a usage query. The files read the `…_as_of` views, which leave out what was taken back; where nothing of the meter was, the same
 * rows come from the `…_as_stored` views, which the engine plans in a third of the time. What a complete cut holds never changes, so the answer
 * stays right for the query that follows.
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
export async function usageSqls(
  clickhouse: ClickHouse,
  { meter, cut, customer_from, customer_to }: UsageScope,
): Promise<(name: string) => string> {
  const retracted = await clickhouse.rows({
    sql: querySql("is-retracted"),
    params: { meter, cut, customer_from, customer_to },
    doing: `looking for retractions of meter ${meter}`,
  });
  if (retracted.length > 0) return querySql;
  return (name) => querySql(name).replaceAll("_as_of(cut", "_as_stored(cut");
}
