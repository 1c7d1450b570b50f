/** One changed row after the other, in every table that a bill rests on: what is changed, and the key by which verification names it. */

export const TABLES = [
  "usage_events_raw",
  "event_keys",
  "usage_events",
  "usage_windows",
  "usage_window_extremes",
  "usage_window_latest",
  "usage_window_levels",
  "usage_unique_values",
  "sink_batches",
  "rated_lines",
  "rating_runs",
  "invoice_lines",
  "invoices",
  "journal_entries",
  "catalog_versions",
] as const;
export type Table = (typeof TABLES)[number];

/** Keys of rows as verification names them. */
export const POSITION =
  "concat(toString(shard), '/', toString(incarnation), '/', toString(seq), '/', toString(position))";
const MESSAGE = "concat(toString(shard), '/', toString(incarnation), '/', toString(seq))";
export const IDENTITY = `concat(toString(event_key), ' (', ${POSITION}, ')')`;
const STATE = "' cut ', toString(cut), ' shard ', toString(shard), '/', toString(incarnation)";
export const WINDOW = `concat(meter, ' ', customer, ' ', formatDateTime(window_start, '%FT%TZ', 'UTC'), ' ', toString(dimensions), ${STATE})`;
const DAY_VALUE = `concat(meter, ' ', customer, ' ', toString(day), ' ', toString(value_hash), ' ', toString(dimensions), ${STATE})`;
const BATCH = "concat(toString(shard), '/', toString(incarnation), '/', toString(first), '-', toString(last))";
const RATED_LINE = "concat(run_id, ' ', line_id)";
const VERSION = "concat(kind, ' ', key, ' version ', toString(version))";

export type Tampering = {
  readonly what: string;
  readonly table: Table;
  readonly key: string;
  /** Which row; the first in the order of its key that fits. */
  readonly where?: string;
  /** What happens to it: an UPDATE's assignment, or the row is deleted. */
  readonly set?: string;
  /** Tables that follow from this one, so that they disagree too. */
  readonly follow?: readonly Table[];
};

const UNREPEATED = "event_key NOT IN (SELECT event_key FROM meterline.usage_events_raw WHERE verdict != 'accepted')";
const FINALIZED = "revision = (SELECT max(revision) FROM meterline.invoices)";

export const TAMPERINGS: readonly Tampering[] = [
  {
    what: "other bytes of an event",
    table: "usage_events_raw",
    key: POSITION,
    where: "verdict = 'accepted' AND position(raw, '\"outputTokens\":') > 0",
    set: "raw = replaceOne(raw, '\"outputTokens\":', '\"outputTokens\":1')",
    follow: ["usage_events"],
  },
  {
    what: "another verdict",
    table: "usage_events_raw",
    key: POSITION,
    where: `verdict = 'accepted' AND ${UNREPEATED}`,
    set: "verdict = 'rejected'",
    follow: ["event_keys", "usage_events", "usage_windows"],
  },
  {
    what: "another body hash of an event",
    table: "usage_events_raw",
    key: POSITION,
    where: `verdict = 'accepted' AND ${UNREPEATED}`,
    set: "body_hash = body_hash + 1",
    follow: ["event_keys", "usage_windows"],
  },
  {
    what: "an event of a message taken away",
    table: "usage_events_raw",
    key: MESSAGE,
    where: "position = 0 AND verdict = 'accepted'",
    follow: ["event_keys", "usage_events", "usage_windows"],
  },
  {
    what: "another body hash",
    table: "event_keys",
    key: IDENTITY,
    where: UNREPEATED,
    set: "body_hash = body_hash + 1",
  },
  { what: "an identity taken away", table: "event_keys", key: IDENTITY, where: UNREPEATED },
  {
    what: "another quantity",
    table: "usage_events",
    key: `concat(${POSITION}, ' ', meter)`,
    where: "aggregation = 'sum'",
    set: "quantity = quantity + 1",
    follow: ["usage_windows"],
  },
  {
    what: "an event taken away",
    table: "usage_events",
    key: `concat(${POSITION}, ' ', meter)`,
    where: "aggregation = 'unique_count'",
    follow: ["usage_windows", "usage_unique_values"],
  },
  { what: "another sum", table: "usage_windows", key: WINDOW, set: "quantity_sum = quantity_sum + 1" },
  { what: "another count", table: "usage_windows", key: WINDOW, set: "event_count = event_count + 1" },
  { what: "another digest", table: "usage_windows", key: WINDOW, set: "events_digest = events_digest + 1" },
  { what: "a window taken away", table: "usage_windows", key: WINDOW },
  { what: "another minimum", table: "usage_window_extremes", key: WINDOW, set: "minimum = minimum - 1" },
  { what: "another maximum", table: "usage_window_extremes", key: WINDOW, set: "maximum = maximum + 1" },
  {
    what: "another latest value",
    table: "usage_window_latest",
    key: WINDOW,
    set: "latest = (latest.1, latest.2, latest.3, latest.4 + 1)",
  },
  { what: "another level", table: "usage_window_levels", key: WINDOW, set: "delta_sum = delta_sum + 1" },
  { what: "another moment", table: "usage_window_levels", key: WINDOW, set: "delta_moment = delta_moment + 1" },
  { what: "a value taken away", table: "usage_unique_values", key: DAY_VALUE },
  {
    what: "another first window",
    table: "usage_unique_values",
    key: DAY_VALUE,
    set: "first_window = first_window - 900",
  },
  {
    what: "another count",
    table: "sink_batches",
    key: BATCH,
    set: "accepted = accepted + 1",
    follow: ["usage_events_raw"],
  },
  {
    what: "another number of messages",
    table: "sink_batches",
    key: BATCH,
    set: "messages = messages + 1",
    follow: ["usage_events_raw"],
  },
  { what: "another cut", table: "sink_batches", key: BATCH, set: "cut = cut + 1" },
  { what: "another amount", table: "rated_lines", key: RATED_LINE, set: "amount = amount + 1" },
  { what: "another hash", table: "rated_lines", key: RATED_LINE, set: "line_hash = repeat('0', 64)" },
  { what: "a line taken away", table: "rated_lines", key: RATED_LINE },
  { what: "another hash of the lines", table: "rating_runs", key: "run_id", set: "lines_hash = repeat('0', 64)" },
  { what: "another amount", table: "invoice_lines", key: "line_id", where: FINALIZED, set: "amount = amount + 1" },
  { what: "another total", table: "invoices", key: "invoice_id", where: FINALIZED, set: "total = total + 1" },
  { what: "an invoice taken away", table: "invoices", key: "invoice_id", where: FINALIZED },
  {
    what: "a draft made final",
    table: "invoices",
    key: "invoice_id",
    where: "status = 'draft' AND customer = 'initech'",
    set: "status = 'finalized', number = 'INV-000099'",
  },
  {
    what: "another text",
    table: "journal_entries",
    key: "concat('entry ', toString(seq))",
    set: "entry = replaceOne(entry, 'recordedAt', 'recordedAT')",
  },
  {
    what: "another definition",
    table: "catalog_versions",
    key: VERSION,
    where: "kind = 'rate_card'",
    set: 'definition = replaceOne(definition, \'"unitAmount":"\', \'"unitAmount":"9\')',
  },
];
