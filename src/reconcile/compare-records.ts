/**
 * Compares rows that follow from the journal (or from a stored input) with the rows that a table holds. Values are texts, so equality is
 * equality of bytes. Rows are few per call (an invoice, a run's chunk, the catalog); callers chunk what is large.
 */
import type { Discrepancy } from "../domain/discrepancy.ts";

export type ComparableRow = { readonly key: string; readonly values: Readonly<Record<string, string>> };

export type CompareRecordsInput = {
  readonly check: string;
  readonly table: string;
  readonly expected: readonly ComparableRow[];
  readonly found: readonly ComparableRow[];
  /** Where the expected rows come from, for the message: "the journal". */
  readonly origin: string;
};

const SHOWN_CHARACTERS_MAX = 80;

export function compareRecords(input: CompareRecordsInput): Discrepancy[] {
  const found = new Map<string, ComparableRow>();
  const problems: Discrepancy[] = [];
  const report = (key: string, problem: string): void => {
    problems.push({ check: input.check, table: input.table, key, problem });
  };
  for (const row of input.found) {
    if (found.has(row.key)) report(row.key, "the row is there twice");
    found.set(row.key, row);
  }
  for (const row of input.expected) {
    const stored = found.get(row.key);
    found.delete(row.key);
    if (stored === undefined) report(row.key, `the row is missing; ${input.origin} has it`);
    else for (const difference of differences(row, stored)) report(row.key, `${difference} (${input.origin} / stored)`);
  }
  for (const key of found.keys()) report(key, `${input.origin} does not know this row`);
  return problems;
}

function differences(expected: ComparableRow, stored: ComparableRow): string[] {
  return Object.entries(expected.values)
    .filter(([name, value]) => stored.values[name] !== value)
    .map(([name, value]) => `${name}: ${shown(value)} / ${shown(stored.values[name] ?? "nothing")}`);
}

function shown(text: string): string {
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text;
}
