/** A recorded rating run against its lines: rated again from the views, each stored line must have the same bytes in every column. */
import type { Discrepancy } from "../../domain/discrepancy.ts";
import type { RatedLine } from "../../domain/rated-line.ts";
import { canonicalJson } from "../../kernel/canonical-json.ts";
import { compareRecords, type ComparableRow } from "../../reconcile/compare-records.ts";
import type { RepeatedRun } from "../rating/repeat-run.ts";

const CHECK = "rated_lines";

export function compareRun({ run, rated, stored, linesHash, wrongHashes }: RepeatedRun): Discrepancy[] {
  const problem = (key: string, text: string): Discrepancy => ({
    check: CHECK,
    table: "rated_lines",
    key,
    problem: text,
  });
  return [
    ...compareRecords({
      check: CHECK,
      table: "rated_lines",
      expected: rated.map(comparable),
      found: stored.map(comparable),
      origin: "rated again from the views",
    }),
    ...wrongHashes.map((lineId) => problem(`${run.runId} ${lineId}`, "line_hash is not the hash of the line")),
    ...(linesHash === run.linesHash && rated.length === run.lines
      ? []
      : [problem(run.runId, "rating the run again gives other lines than the journal recorded")]),
  ];
}

function comparable(line: RatedLine): ComparableRow {
  const values = Object.fromEntries(Object.entries(line).map(([name, value]) => [name, canonicalJson(value)]));
  return { key: `${line.runId} ${line.lineId}`, values };
}
