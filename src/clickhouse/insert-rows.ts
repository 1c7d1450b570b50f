/** Inserts a few rows of plain values as JSON lines; every column named, decimals as texts. Not for the usage chain, which has its own encoder. */
import type { ClickHouse } from "./connect.ts";

const INSERT_SETTINGS = {
  async_insert: 0,
  input_format_null_as_default: 0,
  input_format_skip_unknown_fields: 0,
  input_format_parallel_parsing: 0,
} as const;

export async function insertRows(
  clickhouse: ClickHouse,
  input: { readonly sql: string; readonly rows: readonly object[]; readonly doing: string },
): Promise<void> {
  if (input.rows.length === 0) return;
  const body = input.rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  await clickhouse.insert({ sql: input.sql, body, settings: INSERT_SETTINGS, doing: input.doing });
}
