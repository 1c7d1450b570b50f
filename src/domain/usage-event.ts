/**
 * Usage events: what a stream stored, what became of each event, and the row that says so. Every event of every stored message gets one row
 * with one verdict; nothing is dropped, and the reason is one of a closed list, so that finance can count by it.
 */
import type { Instant } from "../kernel/instant.ts";
import type { Aggregation } from "./meter.ts";
import type { Retraction, RetractionRequest } from "./usage-retraction.ts";

/** A message of a usage stream. */
export type UsageMessage = {
  readonly seq: number;
  /** Without the shard's prefix: `usage.<producer>…`, or `quarantine.<producer>…` for a replay. */
  readonly subject: string;
  readonly ingestedAt: Instant;
  readonly body: Uint8Array;
  /** True when a header begins with `ce-` (in any case): CloudEvents binary mode, where the body is the data alone. */
  readonly binaryMode?: boolean;
};

export const EVENTS_PER_MESSAGE_MAX = 10_000;
/** Longest id, source, type and subject, in bytes. */
export const ATTRIBUTE_BYTES_MAX = 1024;
/** Longest text of a unique_count value, in bytes. */
export const UNIQUE_VALUE_BYTES_MAX = 1024;

export const VERDICTS = ["accepted", "duplicate", "conflict", "rejected"] as const;
/** accepted: counts. duplicate: the same identity and body was accepted before. conflict: the same identity with another body. rejected: unusable. */
export type Verdict = (typeof VERDICTS)[number];

/** Why a message or an event was rejected. The text is the documentation of the reason. */
export const REJECTIONS = {
  invalid_utf8: "the message is not valid UTF-8",
  invalid_json: "the message is not JSON, or a string in it holds half a surrogate pair",
  duplicate_key: "an object names a member twice, so that its meaning depends on the reader",
  too_deep: "objects and arrays are nested more than 64 deep",
  empty_message: "the message is empty, or an array without events",
  too_many_events: "the array holds more than 10,000 events",
  binary_mode_unsupported:
    "the message has ce- headers: CloudEvents binary mode is not read; send the event as structured JSON",
  not_an_object: "the event is not a JSON object",
  specversion_unsupported: 'specversion is not "1.0"',
  missing_id: "id is absent or empty",
  missing_source: "source is absent or empty",
  missing_type: "type is absent or empty",
  missing_subject: "subject, the customer, is absent or empty",
  attribute_invalid: "id, source, type, subject or time is not a string, or holds a control character",
  attribute_too_long: "id, source, type or subject is longer than 1024 bytes",
  data_base64_unsupported: "the event carries data_base64: a meter reads JSON only",
  source_mismatch: "source is not the producer that the subject names (usage.<source, encoded>)",
  time_invalid: "time is not an RFC 3339 date and time with an offset, exact to at most nanoseconds",
  time_too_old: "time lies further before the arrival than the settings allow",
  time_in_future: "time lies further after the arrival than the settings allow",
  schema: "data does not fit the JSON Schema that the catalog has for the event's type",
  unknown_customer: "no customer has the subject as its key or alias",
  value_missing: "a meter's value is absent or null, or the empty text for unique_count",
  value_not_a_number:
    "a meter's value, or one that its filter compares by size, is neither a number nor a decimal string",
  value_out_of_range: "a meter's value has more than 20 digits before the point",
  value_too_fine: "a meter's value has more than 18 digits behind the point",
  value_not_scalar: "a meter's filter compares an object or an array",
  value_not_a_text: "the value of a unique_count meter is neither a string nor a number",
  value_too_long: "the value of a unique_count meter is longer than 1024 bytes",
  dimension_not_scalar: "a dimension is an object or an array",
  dimension_too_long: "a dimension is longer than 256 bytes",
  replay_invalid: "the message came in on the subject of replays and names no rejected event with its bytes",
  retraction_invalid: "a void or amend does not name an event by data.id, or an amend names nothing to change",
  target_unknown: "a void or amend names an event that was not accepted from its source before it",
  target_of_other_source: "a void or amend names another source than its own",
  target_of_other_customer: "a void or amend has another customer than the event that it names",
  target_not_usage: "a void or amend names a void or an amend: name the event itself, the last one decides",
} as const;
export type RejectionReason = keyof typeof REJECTIONS;

/** What an accepted event may say about itself. */
export const ACCEPTANCE_NOTES = {
  unmetered: "no meter uses the event's type",
  value_skipped: "a meter with whenMissing: skip left the event out because its value was wrong, not just missing",
  without_effect: "a void of what counts nowhere, or no longer",
} as const;
export type AcceptanceNote = keyof typeof ACCEPTANCE_NOTES;

/** Empty where the verdict says it all. */
export type Reason = RejectionReason | AcceptanceNote | "";

export type Rejection = { readonly kind: "rejection"; readonly reason: RejectionReason; readonly detail: string };

export type DimensionValue = { readonly name: string; readonly value: string };

/** What an accepted event contributes to one meter. */
export type MeterUse = {
  readonly meter: string;
  readonly aggregation: Aggregation;
  /** Times 10^18. 1 for count, 0 for unique_count. */
  readonly quantity: bigint;
  /** The value of unique_count; empty for the others. */
  readonly text: string;
  /** Sorted by name. */
  readonly dimensions: readonly DimensionValue[];
};

/** An event as its message alone tells it: everything but the verdict on its identity. */
export type DecodedEvent = {
  readonly seq: number;
  /** Place in its message, from 0. */
  readonly position: number;
  readonly subject: string;
  readonly ingestedAt: Instant;
  /** Empty when rejected before it could be read, like id and type. */
  readonly source: string;
  readonly id: string;
  readonly type: string;
  /** The customer's key; the event's subject when no customer has it. */
  readonly customer: string;
  /** The event's time; when it has none, or none that is usable, the time of arrival. */
  readonly eventTime: Instant;
  readonly rejected: boolean;
  readonly reason: Reason;
  readonly detail: string;
  /** 0 for a rejected event: it owns no identity, so the same id may come again in a better form. */
  readonly eventKey: bigint;
  /** 0 for a rejected event. */
  readonly bodyHash: bigint;
  /** The event's bytes as they came; the whole message's when that could not be taken apart. */
  readonly raw: Uint8Array;
  readonly uses: readonly MeterUse[];
  /** Undefined for everything but a readable void or amend. */
  readonly retraction: RetractionRequest | undefined;
};

/** An ordinary event whose row is written already, as that of an accepted one: all that is left of it is what its verdict rests on. */
export type WrittenEvent = {
  readonly seq: number;
  readonly position: number;
  readonly eventKey: bigint;
  readonly bodyHash: bigint;
  /** Number of the row among the written ones, from 0. */
  readonly row: number;
  readonly verdict: "accepted";
};
export type BatchEvent = DecodedEvent | WrittenEvent;

export function isWritten(event: BatchEvent): event is WrittenEvent {
  return "row" in event;
}

/** What all rows of one batch share. */
export type BatchPlace = {
  readonly shard: number;
  readonly incarnation: bigint;
  readonly batchFirst: number;
  readonly cut: number;
};

/** One row of `usage_ingest`. */
export type UsageRow = BatchPlace &
  Omit<DecodedEvent, "rejected" | "retraction"> & {
    readonly verdict: Verdict;
    /** Undefined for everything but an accepted void or amend. */
    readonly retraction: Retraction | undefined;
  };

/** A written row under its verdict: one of another than `accepted` counts for nothing. */
export type WrittenRow = { readonly row: number; readonly verdict: Exclude<Verdict, "rejected"> };
export type DecidedRow = UsageRow | WrittenRow;
