/** Verification's reading of ClickHouse: runs the checks of `sql/checks` and compares projections with rebuilt ones. */
import type { CheckParams, CheckScope, ShardSpan, VerifyStore } from "../app/verify/verify-types.ts";
import type { Discrepancy } from "../domain/discrepancy.ts";
import type { RecordedEntry } from "../domain/journal-entry.ts";
import { assert } from "../kernel/assert.ts";
import type { ClickHouse } from "./connect.ts";
import { checkSqls, querySql } from "./load-sql.ts";

type CheckRow = { readonly table_name: string; readonly row_key: string; readonly problem: string };
type SpanRow = { readonly shard: number; readonly incarnation: string; readonly first: string; readonly last: string };

export function createVerifyStore(
  clickhouse: ClickHouse,
  compareProjections: (entries: AsyncIterable<RecordedEntry>) => Promise<readonly Discrepancy[]>,
): VerifyStore {
  const sqls = new Map(checkSqls().map(({ name, sql }) => [name, sql]));
  return {
    checks: () => [...sqls].map(([name, sql]) => ({ name, scope: scopeOf(sql) })),
    runCheck: (name, params) => runCheck(clickhouse, { name, sql: sqls.get(name) ?? "", params }),
    shardSpans: () => shardSpans(clickhouse),
    usageMonths: (cut) => usageMonths(clickhouse, cut),
    compareProjections,
  };
}

/** A check's parameters say what it ranges over. */
function scopeOf(sql: string): CheckScope {
  if (sql.includes("{month: UInt32}")) return "per_month";
  return sql.includes("{shard: UInt16}") ? "per_range" : "once";
}

async function runCheck(
  clickhouse: ClickHouse,
  input: { name: string; sql: string; params: CheckParams },
): Promise<Discrepancy[]> {
  assert(input.sql !== "", `sql/checks has no ${input.name}`);
  const rows = await clickhouse.rows<CheckRow>({
    sql: input.sql.trim().replace(/;$/, ""),
    params: input.params,
    doing: `running the check ${input.name}`,
  });
  return rows.map((row) => ({ check: input.name, table: row.table_name, key: row.row_key, problem: row.problem }));
}

async function shardSpans(clickhouse: ClickHouse): Promise<ShardSpan[]> {
  const rows = await clickhouse.rows<SpanRow>({
    sql: querySql("shard-spans"),
    doing: "reading the ranges of the batches",
  });
  return rows.map((row) => ({
    shard: row.shard,
    incarnation: row.incarnation,
    first: Number(row.first),
    last: Number(row.last),
  }));
}

async function usageMonths(clickhouse: ClickHouse, cut: number): Promise<number[]> {
  const rows = await clickhouse.rows<{ month: number }>({
    sql: querySql("usage-months"),
    params: { cut },
    doing: "reading the months with usage",
  });
  return rows.map((row) => row.month);
}
