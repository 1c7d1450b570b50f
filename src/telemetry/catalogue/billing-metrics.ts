/** Journal, rating, invoices and verification. What the journal says survives every restart and is the same from any process. */
import type { MetricDefinition } from "./metric-definition.ts";

const MONTH_BUCKETS = [0.1, 0.5, 1, 5, 15, 30, 60, 300, 900, 1_800, 3_600] as const;

export const BILLING_METRICS = {
  journalHead: {
    name: "meterline_journal_head_sequence",
    kind: "gauge",
    unit: "{entry}",
    attributes: {},
    doc: "Sequence of the journal's last entry.",
  },
  journalProjected: {
    name: "meterline_journal_projected_sequence",
    kind: "gauge",
    unit: "{entry}",
    attributes: {},
    doc: "Sequence up to which ClickHouse's tables show the journal; behind the head for longer than a minute, something is wrong.",
  },
  ratingRuns: {
    name: "meterline_rating_runs_total",
    kind: "counter",
    unit: "{run}",
    attributes: {},
    doc: "Rating runs ever recorded in the journal, by whichever process.",
    observed: true,
  },
  lastRatingRun: {
    name: "meterline_rating_last_run_timestamp_seconds",
    kind: "gauge",
    unit: "s",
    attributes: {},
    doc: "When the last recorded rating run raised its cut, in seconds since 1970; absent before the first.",
  },
  invoicesFinalized: {
    name: "meterline_invoices_finalized_total",
    kind: "counter",
    unit: "{invoice}",
    attributes: {},
    doc: "Invoices ever finalized in the journal, by whichever process.",
    observed: true,
  },
  billerLooks: {
    name: "meterline_biller_looks_total",
    kind: "counter",
    unit: "{look}",
    attributes: {},
    doc: "Times that this process's biller has looked for months that have ended; moves when a look is through.",
  },
  billerMonths: {
    name: "meterline_biller_months_total",
    kind: "counter",
    unit: "{month}",
    attributes: { outcome: "drafted, finalized or failed" },
    doc: "Months that this process's biller has worked on; a failed one is tried again at the next look, and counted again.",
  },
  billerMonthDuration: {
    name: "meterline_biller_month_duration_seconds",
    kind: "histogram",
    unit: "s",
    attributes: { outcome: "drafted, finalized or failed" },
    doc: "Time to rate a month and to draft or finalize its invoices.",
    buckets: MONTH_BUCKETS,
  },
  verifyMismatches: {
    name: "meterline_verify_mismatches",
    kind: "gauge",
    unit: "{discrepancy}",
    attributes: { check: "the check of `meterline verify`" },
    doc: "Discrepancies that the last finished `meterline verify` found, by check, whichever process ran it; absent before the first.",
  },
  lastVerify: {
    name: "meterline_verify_last_run_timestamp_seconds",
    kind: "gauge",
    unit: "s",
    attributes: {},
    doc: "When the last `meterline verify` finished, in seconds since 1970; absent before the first.",
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;
