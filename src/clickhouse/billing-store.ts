/** Rating's side of ClickHouse: the usage that lines are rated from, and the lines. */
import type { BillingStore, RatedLineBatch, StoredLine } from "../app/ports.ts";
import type { ClickHouse } from "./connect.ts";
import { customerFilter } from "./customer-filter.ts";
import { querySql } from "./load-sql.ts";
import { meteredCells, meteredEvents, meteredUsage, usedMeters } from "./metered-usage.ts";
import { RATED_LINE_COLUMNS, ratedLineText, storedLineOf, type RatedLineRow } from "./rated-line-row.ts";
import { rowBytesSource, type RowBytes } from "./row-bytes.ts";
import { rowsOf } from "./rows-of.ts";
import { usageSqls } from "./usage-sql.ts";

const INSERT_SETTINGS = {
  async_insert: 0,
  // No line is twice in a batch, so there is nothing to replace before the rows are stored.
  optimize_on_insert: 0,
  input_format_null_as_default: 0,
  input_format_skip_unknown_fields: 0,
  input_format_parallel_parsing: 0,
  input_format_json_read_objects_as_strings: 1,
  input_format_json_read_arrays_as_strings: 1,
} as const;

export function billingStore(clickhouse: ClickHouse): BillingStore {
  const source = { clickhouse, usageSqls: usageSqls(clickhouse) };
  const nextRows = rowBytesSource();
  return {
    meteredUsage: (query) => meteredUsage(source, query),
    meteredCells: (query) => meteredCells(source, query),
    meteredEvents: (query) => meteredEvents(source, query),
    usedMeters: (query) => usedMeters(clickhouse, query),
    ratedLineBatch: () => ratedLineBatch(clickhouse, nextRows()),
    ratedLineHashes: (runId) => ratedLineHashes(clickhouse, runId),
    ratedLines: (input) => ratedLines(clickhouse, input),
  };
}

function ratedLineBatch(clickhouse: ClickHouse, rows: RowBytes): RatedLineBatch {
  let lines = 0;
  return {
    get lines() {
      return lines;
    },
    add(line) {
      rows.add(ratedLineText(line));
      lines += 1;
    },
    async write() {
      if (lines === 0) return;
      await clickhouse.insert({
        sql: `INSERT INTO meterline.rated_lines (${RATED_LINE_COLUMNS}) FORMAT JSONCompactEachRow`,
        body: rows.pieces(),
        settings: INSERT_SETTINGS,
        doing: "writing rated lines",
      });
      rows.release();
    },
  };
}

async function* ratedLineHashes(
  clickhouse: ClickHouse,
  runId: string,
): AsyncGenerator<{ readonly lineId: string; readonly hash: string }> {
  const rows = rowsOf<{ line_id: string; line_hash: string }>(clickhouse, {
    sql: querySql("rated-line-hashes"),
    params: { run_id: runId },
    doing: `reading which lines of ${runId} are written`,
  });
  for await (const { line_id: lineId, line_hash: hash } of rows) yield { lineId, hash };
}

async function* ratedLines(
  clickhouse: ClickHouse,
  input: { readonly runId: string; readonly customers: readonly string[] },
): AsyncGenerator<StoredLine> {
  const wanted = customerFilter(input.customers);
  const rows = rowsOf<RatedLineRow>(clickhouse, {
    sql: querySql("rated-lines"),
    params: { run_id: input.runId, customers: wanted.params.customers },
    doing: `reading the rated lines of ${input.runId}`,
  });
  for await (const row of rows) if (wanted.includes(row.customer)) yield storedLineOf(row);
}
