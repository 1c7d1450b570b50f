/**
 * Explains one invoice line: the price and the contract version it came from, how the amount arose, the windows and the events behind it,
 * and three proofs: the events' digest from the single events, the same from the windows, and the line's place under the invoice's root.
 */
import type { LineTax } from "../../domain/invoice.ts";
import type { Bucket } from "../../domain/meter.ts";
import { counted } from "../../kernel/counted.ts";
import { AppError } from "../../kernel/errors.ts";
import type { InvoiceAdjustmentSummary } from "../ports.ts";

export type LineFacts = {
  readonly lineId: string;
  readonly invoiceId: string;
  readonly number: string;
  readonly status: string;
  readonly lineNumber: number;
  readonly description: string;
  readonly customer: string;
  readonly contract: string;
  readonly contractVersion: number;
  readonly contractHash: string;
  readonly price: string;
  readonly meter: string;
  readonly aggregation: string;
  /** The quantity is the sum over the hours or days of the period; absent: of all of it at once. */
  readonly bucket?: Bucket;
  /** For so many of them without events the level last stated goes on; absent: for none. */
  readonly holdFor?: number;
  readonly filter: Readonly<Record<string, string>>;
  /** Further limits of the price as they are stored, canonical JSON; empty without any. */
  readonly limits: string;
  /** The meter is recurring or unique over ever: all events before the line's end are behind it. */
  readonly countsEarlier: boolean;
  readonly quantity: string;
  readonly amount: string;
  readonly amountExact: string;
  readonly currency: string;
  /** RFC 3339 UTC, half open. */
  readonly periodFrom: string;
  readonly periodTo: string;
  readonly cut: number;
  readonly catalogSeq: number;
  readonly ratingRev: number;
  readonly runId: string;
  /** Empty for the shortfall of a commitment. */
  readonly ratedLineId: string;
  readonly rateCard: string;
  readonly rateCardVersion: number;
  readonly input: unknown;
  readonly breakdown: readonly Readonly<Record<string, string>>[];
  /** Of the shortfall of a commitment, which no rated line stands behind. */
  readonly compares: readonly string[];
  readonly explanation: readonly string[];
  /** Before tax, after what discounts and maximums take off; and the line's taxes. */
  readonly net: string;
  readonly tax: string;
  readonly adjustments: readonly InvoiceAdjustmentSummary[];
  readonly taxes: readonly LineTax[];
  readonly eventCount: string;
  /** Hex, 64 digits. */
  readonly eventsDigest: string;
  readonly shardRanges: readonly string[];
  readonly lineHash: string;
  readonly merkleRoot: string;
  /** Journal sequence of the finalization; 0 for a draft. */
  readonly journalSeq: number;
};

export type ExplainedWindow = {
  /** Empty for all windows before the line's period together, where the line rests on them. */
  readonly windowStart: string;
  readonly eventCount: string;
  readonly quantity: string;
  readonly eventsDigest: string;
};
export type ExplainedEvent = {
  readonly source: string;
  readonly id: string;
  readonly eventTime: string;
  readonly value: string;
  readonly shard: number;
  readonly seq: string;
  readonly position: number;
  /** Id of the amend that says the value; empty when the event counts as it was published. */
  readonly amendedBy: string;
};
/** What the line would count, had it not been taken back. */
export type ExplainedRetraction = {
  readonly source: string;
  readonly id: string;
  readonly eventTime: string;
  readonly value: string;
  /** Type and id of the void or amend, and where it is in the stream. */
  readonly kind: string;
  readonly retractedBy: string;
  readonly shard: number;
  readonly retractionSeq: string;
};

export type ExplainStore = {
  line(lineId: string): Promise<LineFacts | null>;
  contractVersion(
    line: LineFacts,
  ): Promise<{ readonly definition: unknown; readonly hash: string; readonly journalSeq: number } | null>;
  windows(line: LineFacts): Promise<readonly ExplainedWindow[]>;
  events(line: LineFacts, limit: number): Promise<readonly ExplainedEvent[]>;
  retractions(line: LineFacts, limit: number): Promise<readonly ExplainedRetraction[]>;
  /** Digest and count of the single events. */
  digest(line: LineFacts): Promise<{ readonly eventCount: string; readonly eventsDigest: string }>;
  /** Merkle leaves of the invoice, in the order of its lines. */
  leaves(invoiceId: string): Promise<readonly string[]>;
};

export type Proof = { readonly name: string; readonly holds: boolean; readonly says: string };

export type Explanation = {
  readonly line: LineFacts;
  readonly contract: { readonly definition: unknown; readonly hash: string; readonly journalSeq: number } | null;
  readonly windows: readonly ExplainedWindow[];
  readonly events: readonly ExplainedEvent[];
  readonly retractions: readonly ExplainedRetraction[];
  readonly proofs: readonly Proof[];
};

export type ExplainDeps = { readonly store: ExplainStore; readonly merkleRoot: (leaves: readonly string[]) => string };

const DIGEST_MODULUS = 1n << 256n;

export async function explainLine(
  deps: ExplainDeps,
  input: { readonly lineId: string; readonly eventsMax: number },
): Promise<Explanation> {
  const line = await deps.store.line(input.lineId);
  if (line === null) {
    throw new AppError({
      code: "EXPLAIN_LINE_UNKNOWN",
      kind: "not_found",
      message: `There is no invoice line "${input.lineId}": \`SELECT line_id FROM finance.invoice_lines\` lists them`,
    });
  }
  const metered = line.meter !== "";
  const [contract, windows, events, retractions, digest, leaves] = await Promise.all([
    deps.store.contractVersion(line),
    metered ? deps.store.windows(line) : [],
    metered ? deps.store.events(line, input.eventsMax) : [],
    metered ? deps.store.retractions(line, input.eventsMax) : [],
    metered ? deps.store.digest(line) : { eventCount: "0", eventsDigest: "0".repeat(64) },
    deps.store.leaves(line.invoiceId),
  ]);
  const proofs = [
    contractProof(line, contract?.hash),
    eventsProof(line, digest),
    windowsProof(line, windows),
    rootProof({ line, leaves, root: deps.merkleRoot(leaves) }),
  ];
  return { line, contract, windows, events, retractions, proofs };
}

function contractProof(line: LineFacts, hash: string | undefined): Proof {
  return {
    name: "contract version",
    holds: hash === line.contractHash,
    says: `${line.contract} version ${String(line.contractVersion)} has the content hash ${hash ?? "(not found)"}`,
  };
}

function eventsProof(line: LineFacts, found: { readonly eventCount: string; readonly eventsDigest: string }): Proof {
  return {
    name: "single events",
    holds: found.eventCount === line.eventCount && found.eventsDigest === line.eventsDigest,
    says: `${counted(found.eventCount, "event")} as of cut ${String(line.cut)}, digest ${found.eventsDigest}`,
  };
}

function windowsProof(line: LineFacts, windows: readonly ExplainedWindow[]): Proof {
  const events = windows.reduce((sum, window) => sum + BigInt(window.eventCount), 0n);
  const digest = windows.reduce((sum, window) => (sum + BigInt(`0x${window.eventsDigest}`)) % DIGEST_MODULUS, 0n);
  const text = digest.toString(16).padStart(64, "0");
  return {
    name: "windows",
    holds: events.toString() === line.eventCount && text === line.eventsDigest,
    says: `${counted(windows.length, "window")} with ${counted(events, "event")}, digest ${text}`,
  };
}

function rootProof(input: {
  readonly line: LineFacts;
  readonly leaves: readonly string[];
  readonly root: string;
}): Proof {
  const { line, leaves, root } = input;
  return {
    name: "invoice root",
    holds: root === line.merkleRoot && leaves[line.lineNumber - 1] === line.lineHash,
    says: `line ${String(line.lineNumber)} of ${String(leaves.length)} under root ${root}${line.journalSeq > 0 ? `, journal entry ${String(line.journalSeq)}` : " (draft)"}`,
  };
}
