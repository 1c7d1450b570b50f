/** What verification asks of the outside, and what it reports. */
import type { JournalBody } from "../../domain/journal-entry.ts";
import type { ComparableRow } from "../../reconcile/compare-records.ts";
import type { Discrepancy } from "../../reconcile/discrepancy.ts";

export type ShardSpan = {
  readonly shard: number;
  readonly incarnation: string;
  /** Sequences covered by committed batches. */
  readonly first: number;
  readonly last: number;
};

export type CheckParams = Readonly<Record<string, string | number>>;

export type VerifyStore = {
  /** Names of the SQL checks, parted by what they range over. */
  checks(): { readonly once: readonly string[]; readonly perRange: readonly string[]; readonly perMonth: readonly string[] };
  runCheck(name: string, params: CheckParams): Promise<readonly Discrepancy[]>;
  shardSpans(): Promise<readonly ShardSpan[]>;
  /** Months (YYYYMM) in which usage lies, as of a cut. */
  usageMonths(cut: number): Promise<readonly number[]>;
  /** Rows of journal_entries in the order of their sequence. */
  journalRows(): AsyncIterable<readonly ComparableRow[]>;
  /** The projected rows of one entry's tables, keyed as `projectedRows` keys them. */
  projectedTable(table: string, scope: readonly string[]): Promise<readonly ComparableRow[]>;
};

/** Rows that an entry of the journal puts into a projection table. */
export type ProjectedRow = ComparableRow & { readonly table: string; readonly scope: string };
export type ProjectRows = (body: JournalBody, seq: number) => readonly ProjectedRow[];

export type CheckResult = {
  readonly check: string;
  /** What it looked at: "42 batches", "messages 1 to 50000 of shard 0". */
  readonly scope: string;
  readonly discrepancies: readonly Discrepancy[];
};

export type VerifyReport = {
  readonly cut: number;
  readonly results: readonly CheckResult[];
  readonly discrepancies: readonly Discrepancy[];
  /** Things that are not wrong but good to know: messages not yet sunk. */
  readonly notes: readonly string[];
};
