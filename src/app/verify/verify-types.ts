/** What verification asks of the outside, and what it reports. */
import type { RatingRunEntry, RecordedEntry } from "../../domain/journal-entry.ts";
import type { Discrepancy } from "../../domain/discrepancy.ts";
import type { StreamState } from "../ports.ts";
import type { RepeatedRun } from "../rating/repeat-run.ts";

/** Sequences of a shard's incarnation that committed batches cover. */
export type ShardSpan = {
  readonly shard: number;
  readonly incarnation: string;
  readonly first: number;
  readonly last: number;
};

export type CheckParams = Readonly<Record<string, string | number>>;
export type CheckScope = "once" | "per_range" | "per_month";

export type VerifyStore = {
  /** The checks of `sql/checks`, with what each ranges over. */
  checks(): readonly { readonly name: string; readonly scope: CheckScope }[];
  runCheck(name: string, params: CheckParams): Promise<readonly Discrepancy[]>;
  shardSpans(): Promise<readonly ShardSpan[]>;
  /** Months (YYYYMM) in which usage lies, as of a cut. */
  usageMonths(cut: number): Promise<readonly number[]>;
  /** Projects the entries into empty tables beside the live ones and compares the two; the tables are dropped afterwards. */
  compareProjections(entries: AsyncIterable<RecordedEntry>): Promise<readonly Discrepancy[]>;
};

export type VerifyDeps = {
  readonly store: VerifyStore;
  /** The journal up to its head, checked to be one chain; throws JOURNAL_CHAIN_BROKEN. */
  readonly journal: { readonly entries: () => AsyncIterable<RecordedEntry> };
  /** Brings the projections up to the journal's head, as every role does; what is there is not changed. */
  readonly project: () => Promise<void>;
  readonly streams: readonly { readonly shard: number; readonly state: () => Promise<StreamState> }[];
  /** Raises the cut and waits until the one before it is complete: that one is returned. */
  readonly completeCut: () => Promise<number>;
  /** Rates a recorded run again without writing, and gives the stored lines beside it. Reads no entry after the run's: the chain may be broken there. */
  readonly repeatRun: (run: RatingRunEntry) => Promise<RepeatedRun>;
  readonly onProgress: (done: { readonly check: string; readonly finished: number; readonly total: number }) => void;
};

export type CheckResult = {
  readonly check: string;
  /** What it looked at: "messages 1 to 50000 of shard 0". */
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
