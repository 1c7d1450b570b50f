/**
 * What the use cases need from the outside. `src/stream` implements the JetStream side, `src/clickhouse` the database side; tests of the
 * protocol bring their own. Every method rejects with an `AppError`: `unavailable` may be retried, everything else may not.
 */
import type { FilterCopy } from "../domain/filter-copy.ts";
import type { BatchPlan, CommittedBatch, PlanMark, ShardKey } from "../domain/sink-plan.ts";
import type { JournalBody, RatingRunEntry, RecordedEntry } from "../domain/journal-entry.ts";
import type { Invoice, InvoiceAdjustment, InvoiceTax } from "../domain/invoice.ts";
import type { Measure, Meter } from "../domain/meter.ts";
import type { HashedLine } from "../domain/rated-line-hash.ts";
import type { MeteredUsage, RatedLine } from "../domain/rated-line.ts";
import type { EventOrigin, QuarantinedRow } from "../domain/quarantine.ts";
import type { BatchPlace, DecidedRow, DecodedEvent, UsageMessage, WrittenEvent } from "../domain/usage-event.ts";
import type { RetractionTarget } from "../domain/usage-retraction.ts";
import type { UsageLimits } from "../domain/usage-limits.ts";
import type { Instant } from "../kernel/instant.ts";

export type Clock = {
  readonly now: () => Instant;
  readonly nowMs: () => number;
  /** No milliseconds: everything else has its turn, and it goes on. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
};

export type { UsageMessage };

/**
 * The rows of one batch on their way to ClickHouse. An ordinary event's row is written when it is decoded, so that nothing else of it need be kept until
 * the verdicts are known.
 */
export type BatchRows = {
  write(event: DecodedEvent): WrittenEvent;
  /** The rows in their order, under the batch's place. Whole ones bring their place with them. */
  encoded(rows: readonly DecidedRow[], batch: BatchPlace): EncodedRows;
  /** From now on its memory serves another batch, that of the encoded rows too. */
  release(): void;
};

/** What is inserted of a batch. */
export type EncodedRows = {
  readonly bytes: Uint8Array;
  /** Some row is for views that most batches need not pass; see `usage_ingest_special`. It follows from the bytes. */
  readonly special: boolean;
  /** What the rows count for at most: uses of meters. */
  readonly uses: number;
};

export type StreamState = { readonly incarnation: string; readonly firstSeq: number; readonly lastSeq: number };

/** One shard's usage stream. */
export type UsageStream = {
  readonly shard: number;
  state(): Promise<StreamState>;
  /**
   * The messages from `from` on, in order and without a hole, as many as are there within the limits: returns when `eventsMax` messages or
   * `bytesMax` bytes are reached, or `waitMs` after the first message, or after `idleMs` without any (then empty). Prefetches with bounded memory.
   */
  take(input: {
    from: number;
    messagesMax: number;
    bytesMax: number;
    waitMs: number;
    idleMs: number;
    signal: AbortSignal;
  }): Promise<readonly UsageMessage[]>;
  /** The messages of a range by sequence, for a replay; rejects when one is gone. */
  range(input: { first: number; last: number }): Promise<readonly UsageMessage[]>;
  /** Acknowledges everything up to and including `seq`. */
  ackAll(seq: number): Promise<void>;
  close(): Promise<void>;
};

/** A compare-and-set register (JetStream KV). */
export type Revisioned<T> = { readonly value: T; readonly revision: number };
export type ShardKeys = {
  /** Null when the shard was never taken. */
  read(shard: number): Promise<Revisioned<ShardKey> | null>;
  /** The new revision, or null when somebody else was first. `revision` 0 creates. */
  compareAndSet(input: { shard: number; revision: number; key: ShardKey }): Promise<number | null>;
};
/** The history of the plans, as far as making their batches again needs it. */
export type PlanMarks = {
  /** Before the first insert under a mark; the same again changes nothing. */
  put(input: { shard: number; mark: PlanMark }): Promise<void>;
  /** Of one incarnation, by their first message. */
  list(input: { shard: number; incarnation: string }): Promise<readonly PlanMark[]>;
};
export type CutRegister = {
  /** The current cut; 1 when never raised. */
  read(): Promise<Revisioned<{ cut: number; raisedAt: number }>>;
  compareAndSet(input: { revision: number; cut: number; raisedAt: number }): Promise<number | null>;
};

export type Journal = {
  /** Sequence and hash of the last entry; 0 and the genesis hash for an empty journal. */
  head(): Promise<{ readonly seq: number; readonly hash: string }>;
  /** Entries with `after < seq <= upTo` in order, checked to be one unbroken chain. */
  read(input: { after: number; upTo: number }): AsyncIterable<RecordedEntry>;
  /** Appends the bodies as consecutive entries after `head`, or returns null when the journal has moved on (nothing is appended then). */
  append(input: {
    head: { readonly seq: number; readonly hash: string };
    bodies: readonly JournalBody[];
  }): Promise<{ readonly seq: number; readonly hash: string } | null>;
};

/** Rows behind the last batch: of one whose insert began. Its last sequence, or null where `usage_events_raw` has none of them. */
export type UnfinishedBatch = { readonly last: number | null };
/** A message of an incarnation; those of earlier incarnations come before it. */
export type StreamPlace = { readonly incarnation: string; readonly seq: number };
export type KnownIdentity = { readonly eventKey: bigint; readonly bodyHash: bigint };

export type SinkLog = {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
};

/** ClickHouse as the sink needs it. */
export type SinkStore = {
  /** The last committed batch of the shard's incarnation, or of any when none is given. */
  lastBatch(input: { shard: number; incarnation?: string }): Promise<CommittedBatch | null>;
  batchOf(input: { shard: number; plan: BatchPlan }): Promise<CommittedBatch | null>;
  /** Puts the epoch into `sink_fence`; inserts of smaller epochs fail from then on. */
  fence(input: { shard: number; epoch: number; holder: string; takenAt: number }): Promise<void>;
  /**
   * One INSERT with the plan's token and the pinned settings. Rejects with code SINK_FENCED when a newer epoch holds the fence, and with
   * PLAN_OUTLIVED when rows of the plan may be stored already (`again`) and so many batches came since that their token may be forgotten, and with
   * BATCH_DOUBLED when it was not recognised.
   */
  insert(input: { shard: number; plan: BatchPlan; epoch: number; rows: EncodedRows; again: boolean }): Promise<void>;
  /** One row, however often and by whomever it is committed: `again` says that it may have been. Rejects with code SINK_FENCED like an insert. */
  commit(input: { batch: CommittedBatch; again: boolean }): Promise<void>;
  /** What the tables of the chain hold of messages behind `after`; null when nothing. */
  storedBehind(input: { shard: number; incarnation: string; after: number }): Promise<UnfinishedBatch | null>;
  /** Keys of accepted events among the given ones: those that are older than a place in the stream, or wherever they are. */
  knownIdentities(input: {
    eventKeys: readonly bigint[];
    shard: number;
    before: { incarnation: string; seq: number } | null;
  }): Promise<readonly KnownIdentity[]>;
  /** The rejected rows among the named ones that are older than (incarnation, seq). */
  quarantinedRows(input: {
    origins: readonly EventOrigin[];
    shard: number;
    incarnation: string;
    beforeSeq: number;
  }): Promise<readonly QuarantinedRow[]>;
  /**
   * The upper 64 bits of all keys of a shard ever accepted, or of those that were accepted behind a place in the stream, for the filter: each as two 32-bit words, the
   * lower first. A piece is overwritten by the next one.
   */
  identities(input: { shard: number; behind?: StreamPlace }): AsyncIterable<Uint32Array>;
  /** Accepted events that are to be taken back, by key, with what counts of them before (incarnation, seq). Unknown keys are absent. */
  retractionTargets(input: {
    eventKeys: readonly bigint[];
    shard: number;
    incarnation: string;
    beforeSeq: number;
  }): Promise<ReadonlyMap<bigint, RetractionTarget>>;
  /** All of a shard, or those up to a place in the stream. */
  countIdentities(input: { shard: number; upTo?: StreamPlace }): Promise<number>;
};

/** Copies of identity filters that outlive the process, one per shard, the last one only. */
export type FilterCopies = {
  /** Null when there is none that is whole. */
  read(shard: number): Promise<FilterCopy | null>;
  /** The words may get more bits meanwhile. Rejects when it was aborted. */
  write(shard: number, copy: FilterCopy, signal: AbortSignal): Promise<void>;
};

/** ClickHouse as rating and invoicing need it. */
export type UsageQuery = Omit<Measure, "aggregation"> & {
  readonly meter: string;
  readonly aggregation: string;
  /** Where hours and days begin; a meter with a bucket needs it. */
  readonly timeZone?: string;
  readonly where: Readonly<Record<string, string>>;
  readonly limits?: UsageLimits;
  /** Of a measure that counts earlier events too, its quantity is that of [from, to), and its lineage all events before `to`. */
  readonly from: Instant;
  readonly to: Instant;
  readonly cut: number;
  /** Empty: all customers. */
  readonly customers: readonly string[];
};
/** Usage by the values of some dimensions, for a meter whose quantities add up. */
export type UsageCellRow = {
  readonly customer: string;
  readonly match: Readonly<Record<string, string>>;
  readonly quantity: string;
};
/** What one event adds to a meter. */
export type UsageEventRow = {
  readonly customer: string;
  readonly quantity: string;
  /** It lies before the instant that the query names. */
  readonly earlier: boolean;
};
/** A rated line as stored, and the hash that was written beside it. */
export type StoredLine = { readonly line: RatedLine; readonly hash: string };
/** A rating run that has begun, with what it takes to go on where it died. */
export type OpenRun = Omit<RatingRunEntry, "kind" | "lines" | "linesHash">;
export type OpenRuns = {
  /** The one that began last for this period and these customers, also when it has ended since. */
  find(scope: Pick<OpenRun, "period" | "customers">): Promise<OpenRun | null>;
  record(run: OpenRun): Promise<void>;
};
/** Holds the bytes of its lines and not the lines, which would live as long as it and cost the collector more than rating them. */
export type RatedLineBatch = {
  readonly lines: number;
  add(line: HashedLine): void;
  /** Once, when all are added; without any it does nothing. */
  write(): Promise<void>;
};
export type BillingStore = {
  /** Usage per customer from the window tables, in the order of the customers' keys; customers without usage are absent. */
  meteredUsage(query: UsageQuery): AsyncIterable<MeteredUsage>;
  /** Quantities by the values of the dimensions `by`, in pieces, in the order of the customers' keys. */
  meteredCells(query: UsageQuery & { readonly by: readonly string[] }): AsyncIterable<readonly UsageCellRow[]>;
  /** The single events, in pieces, in the order of customer, time, source and id. */
  meteredEvents(query: UsageQuery & { readonly earlierThan: Instant }): AsyncIterable<readonly UsageEventRow[]>;
  /**
   * Combinations of meter and dimensions that a customer used in a period, in hours that lie in each of `hours`, to find usage without a price. Of the
   * `recurring` meters also those that the period only begins with: a total or level other than 0, values that were there before.
   */
  usedMeters(query: {
    from: Instant;
    to: Instant;
    cut: number;
    customers: readonly string[];
    hours: readonly UsageLimits[];
    recurring: readonly Pick<Meter, "key" | "aggregation">[];
  }): AsyncIterable<{
    readonly customer: string;
    readonly meter: string;
    readonly dimensions: Readonly<Record<string, string>>;
  }>;
  /** An empty batch of lines, which are written together. */
  ratedLineBatch(): RatedLineBatch;
  /** Hashes of the stored lines of a run by their ids, in no order. */
  ratedLineHashes(runId: string): AsyncIterable<{ readonly lineId: string; readonly hash: string }>;
  /** In the order of customer and line. */
  ratedLines(input: { runId: string; customers: readonly string[] }): AsyncIterable<StoredLine>;
};

/** An invoice as the database shows it, draft or finalized. Decimals and instants are texts. */
export type InvoiceSummary = Pick<
  Invoice,
  | "invoiceId"
  | "customer"
  | "contract"
  | "currency"
  | "periodFrom"
  | "periodTo"
  | "runId"
  | "cut"
  | "subtotal"
  | "tax"
  | "total"
  | "merkleRoot"
> & {
  /** Before tax. */
  readonly net: string;
  readonly status: "draft" | "finalized";
  /** Empty for a draft. */
  readonly number: string;
  /** Empty for a draft. */
  readonly finalizedAt: string;
};
export type InvoiceLineSummary = {
  readonly lineId: string;
  readonly description: string;
  readonly quantity: string;
  readonly amount: string;
  readonly eventCount: string;
};
export type InvoiceAdjustmentSummary = InvoiceAdjustment & {
  /** How each line's share came about. */
  readonly texts: readonly string[];
};
export type StoredInvoice = {
  readonly invoice: InvoiceSummary;
  readonly lines: readonly InvoiceLineSummary[];
  readonly adjustments: readonly InvoiceAdjustmentSummary[];
  readonly taxes: readonly InvoiceTax[];
};
export type InvoiceStore = {
  /** Replaces earlier drafts of the same invoices; a finalized invoice is never replaced. */
  writeDrafts(invoices: readonly Invoice[]): Promise<void>;
  /** In the order of customer and period. Empty `customers`: all. */
  invoices(input: { customers: readonly string[] }): AsyncIterable<InvoiceSummary>;
  /** By invoice id or number; null when there is none. */
  invoice(idOrNumber: string): Promise<StoredInvoice | null>;
};
