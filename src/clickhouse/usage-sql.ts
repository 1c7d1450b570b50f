/**
 * The text of a usage query: what the file says, read from the views or from the tables below them, with the conditions that are asked for and no
 * others. The engine plans for as long as a text is rich: a customer's month took 35 ms from the table with the one condition that was asked for, 46 ms with
 * all that could be, and 118 ms through the view that leaves out what was taken back (2026-11-28, in turns beside other work, where SELECT 1 took 17 ms).
 *
 * The files read the `…_as_of` views, which leave out what was taken back; where nothing of the meter was, the tables hold the same rows. What a complete cut
 * holds never changes, so the answer stays right for the query that follows, and for others as of the same cut: a rating run asks once a minute. No longer,
 * because a shard that is refilled after a restore has lost for a while what its cuts hold.
 */
import type { UsageLimits } from "../domain/usage-limits.ts";
import type { ClickHouse } from "./connect.ts";
import { querySql } from "./load-sql.ts";

/** What the query's parameters ask for. */
export type UsageScope = {
  readonly meter: string;
  readonly cut: number;
  readonly customers: readonly string[];
  readonly customer_from: string;
  readonly customer_to: string;
  readonly where_names: readonly string[];
};

/** Gives the text of `sql/queries/<name>.sql` for the scope. */
export type UsageSqls = (scope: UsageScope, limits: UsageLimits | undefined) => Promise<(name: string) => string>;

const REMEMBERED_MS = 60_000;
/** The cut that stands for all that is known by now, which grows. */
const ALL_KNOWN_CUT = 4_294_967_295;
/** The place in a file for what is asked for, the view that it reads, and what reading the table in its place takes. */
const ASKED = / AND \{\{asked\}\}/;
const AS_OF = /meterline\.(\w+)_as_of\(cut = \{cut:UInt32\}\)/;
const AS_STORED = " AND cut <= {cut:UInt32}";
const WHERE =
  " AND arrayAll((name, value) -> dimensions[name] = value, {where_names:Array(String)}, {where_values:Array(String)})";

type RetractedCustomers = ReadonlyMap<string, { readonly first: string; readonly last: string }>;

export function usageSqls(clickhouse: ClickHouse): UsageSqls {
  let remembered:
    { readonly cut: number; readonly untilMs: number; readonly retracted: Promise<RetractedCustomers> } | undefined;
  const retractedAsOf = (cut: number): Promise<RetractedCustomers> => {
    if (remembered?.cut === cut && performance.now() < remembered.untilMs) return remembered.retracted;
    const retracted = retractedCustomers(clickhouse, cut);
    if (cut !== ALL_KNOWN_CUT) {
      remembered = { cut, untilMs: performance.now() + REMEMBERED_MS, retracted };
      // Whoever waits for it hears of the failure; the next one asks again.
      retracted.catch(() => {
        remembered = undefined;
      });
    }
    return retracted;
  };
  return async (scope, limits) => {
    const range = (await retractedAsOf(scope.cut)).get(scope.meter);
    const isRetracted = range !== undefined && range.first <= scope.customer_to && range.last >= scope.customer_from;
    const conditions = askedConditions(scope, limits);
    return (name) => {
      const sql = querySql(name);
      return isRetracted
        ? sql.replace(ASKED, conditions.join(""))
        : sql.replace(AS_OF, "meterline.$1").replace(ASKED, [AS_STORED, ...conditions].join(""));
    };
  };
}

/** Only `count` and `sum` have limits of hours (the catalog refuses `when` for others), so the tables of the others need no column for them. */
function askedConditions(
  { customers, customer_from: from, customer_to: to, where_names: names }: UsageScope,
  limits: UsageLimits | undefined,
): readonly string[] {
  return [
    ...(names.length === 0 ? [] : [WHERE]),
    ...(limits?.conditions === undefined ? [] : [" AND usage_dimensions_fit({limits:String}, dimensions)"]),
    ...(limits?.week === undefined ? [] : [" AND usage_hours_fit({limits:String}, window_start)"]),
    from === to
      ? " AND customer = {customer_from:String}"
      : " AND customer >= {customer_from:String} AND customer <= {customer_to:String}",
    ...(customers.length === 0 || from === to ? [] : [" AND customer IN {customers:Array(String)}"]),
  ];
}

async function retractedCustomers(clickhouse: ClickHouse, cut: number): Promise<RetractedCustomers> {
  const rows = await clickhouse.rows<{ meter: string; first: string; last: string }>({
    sql: querySql("retracted-customers"),
    params: { cut },
    doing: "looking for what was taken back",
  });
  return new Map(rows.map(({ meter, first, last }) => [meter, { first, last }]));
}
