/** A recorded rating run against its lines: rated again from the views, each stored line must have the same bytes in every column. */
import type { Discrepancy } from "../../domain/discrepancy.ts";
import type { RatingRunEntry } from "../../domain/journal-entry.ts";
import type { RatedLine } from "../../domain/rated-line.ts";
import { canonicalJson } from "../../kernel/canonical-json.ts";
import { compareRecords, type ComparableRow } from "../../reconcile/compare-records.ts";

export type RepeatedRun = { readonly rated: readonly RatedLine[]; readonly stored: readonly RatedLine[] };

export function compareRun(run: RatingRunEntry, repeated: RepeatedRun): Discrepancy[] {
  const table = "rated_lines";
  const problems = compareRecords({
    check: "rated_lines",
    table,
    expected: repeated.rated.map(comparable),
    found: repeated.stored.map(comparable),
    origin: "rated again from the views",
  });
  if (run.lines !== repeated.rated.length) {
    const problem = `the journal says ${String(run.lines)} lines, rating again gives ${String(repeated.rated.length)}`;
    problems.push({ check: "rated_lines", table, key: run.runId, problem });
  }
  return problems;
}

function comparable(line: RatedLine): ComparableRow {
  const values = Object.fromEntries(Object.entries(line).map(([name, value]) => [name, canonicalJson(value)]));
  return { key: `${line.runId} ${line.customer} ${line.lineId}`, values };
}
