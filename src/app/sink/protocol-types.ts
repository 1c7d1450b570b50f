/** The words of the writer protocol: what it knows (state), what it is told (events), what it asks for (effects). Plain data throughout. */
import type { BatchCounts, BatchPlan, CommittedBatch, ShardKey } from "../../domain/sink-plan.ts";
import type { AppErrorInput, ErrorKind } from "../../kernel/errors.ts";
import type { Instant } from "../../kernel/instant.ts";
import type { Revisioned, StreamState } from "../ports.ts";
import type { CrashPoint } from "./crash-points.ts";

export type SinkConfig = {
  readonly shard: number;
  /** Unique per run of a process: `<instance>#<nonce>`. */
  readonly holder: string;
  /** A holder of the same instance is a dead predecessor of this run, so its lease need not run out. Empty: nobody is. */
  readonly instance: string;
  readonly leaseMs: number;
  readonly decoderRev: number;
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
};

/** What came of deciding a batch; the bytes themselves stay with the driver. */
export type BatchFacts = {
  readonly first: number;
  readonly last: number;
  readonly cut: number;
  readonly catalogSeq: number;
  readonly messages: number;
  readonly rows: number;
  readonly sha256: string;
  readonly counts: BatchCounts;
  readonly lastMessageAt: Instant;
  readonly lastMessageSha256: string;
};

/** What stream and database say at the start. */
export type Position = {
  readonly stream: StreamState;
  /** The last committed batch of any incarnation. */
  readonly lastBatch: CommittedBatch | null;
  /** The stream's message at `lastBatch.last`; null when the stream no longer has it. */
  readonly lastMessage: { readonly ingestedAt: Instant; readonly sha256: string } | null;
  /** The database holds rows of this stream behind the last plan: of a plan that the shard's key has lost. */
  readonly holdsUnplanned: boolean;
};

export type Failure = { readonly code: string; readonly kind: ErrorKind; readonly message: string };

export type SinkEvent =
  | { readonly type: "started"; readonly now: number }
  | { readonly type: "ticked"; readonly now: number }
  | { readonly type: "draining"; readonly now: number }
  | { readonly type: "woke"; readonly line: Line; readonly now: number }
  | {
      readonly type: "keyRead";
      readonly key: Revisioned<ShardKey> | null;
      readonly registerCut: number;
      readonly now: number;
    }
  | { readonly type: "keyWritten"; readonly revision: number | null; readonly now: number }
  | { readonly type: "fenceWritten"; readonly now: number }
  | { readonly type: "inspected"; readonly position: Position; readonly now: number }
  | { readonly type: "filterLoaded"; readonly now: number }
  | { readonly type: "rebuilt"; readonly facts: BatchFacts; readonly now: number }
  /** `last` is null when nothing came. */
  | { readonly type: "taken"; readonly last: number | null; readonly now: number }
  | { readonly type: "decided"; readonly facts: BatchFacts; readonly now: number }
  | { readonly type: "inserted"; readonly now: number }
  | { readonly type: "committed"; readonly now: number }
  | { readonly type: "acked"; readonly now: number }
  | { readonly type: "failed"; readonly line: Line; readonly failure: Failure; readonly now: number };

export type SinkEffect =
  /** Reads the shard's key and the cut register. */
  | { readonly type: "readKey" }
  | { readonly type: "writeKey"; readonly revision: number; readonly key: ShardKey }
  | { readonly type: "writeFence"; readonly epoch: number; readonly takenAt: number }
  | { readonly type: "inspect"; readonly plan: BatchPlan | null }
  /** `open`: a plan that is not committed. */
  | { readonly type: "loadFilter"; readonly open: BatchPlan | null }
  /** Makes the bytes of a recorded plan again. */
  | { readonly type: "rebuild"; readonly plan: BatchPlan }
  | { readonly type: "take"; readonly from: number }
  /** Decides the messages last taken, with the catalog as of the journal's head. */
  | { readonly type: "decide"; readonly incarnation: string; readonly cut: number }
  /** `again`: rows of this plan may be stored already, by this writer or by another. */
  | { readonly type: "insert"; readonly plan: BatchPlan; readonly epoch: number; readonly again: boolean }
  /** `again`: the row of this batch may be there already. */
  | { readonly type: "commit"; readonly batch: CommittedBatch; readonly again: boolean }
  | { readonly type: "ackAll"; readonly seq: number }
  | { readonly type: "wait"; readonly line: Line; readonly ms: number }
  | { readonly type: "crashPoint"; readonly point: CrashPoint }
  | { readonly type: "stop"; readonly outcome: SinkOutcome };

/** Two things go on side by side: the batch, and the shard's key (renewals). Each has at most one effect under way. */
export type Line = "batch" | "key";

export type SinkOutcome =
  | { readonly type: "drained" }
  | { readonly type: "fenced"; readonly message: string }
  | { readonly type: "halted"; readonly error: AppErrorInput };

export type Step =
  | { readonly name: "acquiring" }
  | { readonly name: "fencing" }
  | { readonly name: "inspecting" }
  | { readonly name: "loading"; readonly open: BatchPlan | null }
  | { readonly name: "rebuilding"; readonly plan: BatchPlan }
  | { readonly name: "taking" }
  | { readonly name: "deciding" }
  | { readonly name: "planning"; readonly facts: BatchFacts }
  | { readonly name: "inserting"; readonly plan: BatchPlan; readonly facts: BatchFacts; readonly again: boolean }
  /** After a failed insert: the key is read before the same bytes are sent again. */
  | { readonly name: "checking"; readonly plan: BatchPlan; readonly facts: BatchFacts }
  | { readonly name: "committing"; readonly plan: BatchPlan; readonly facts: BatchFacts; readonly again: boolean }
  | { readonly name: "acking"; readonly seq: number }
  | { readonly name: "releasing" }
  /** Before the shard stops over what it found: whoever has lost the shard meanwhile saw another's work, and nothing is wrong. */
  | { readonly name: "doubting"; readonly error: AppErrorInput }
  | { readonly name: "stopped"; readonly outcome: SinkOutcome };

export type KeyPurpose = "acquire" | "renew" | "plan" | "release" | "check";

/** What is under way on the key: a write, or a read that finds out what became of one. */
export type KeyWork = {
  readonly purpose: KeyPurpose;
  readonly stage: "writing" | "reading" | "waiting";
  /** The key as it should become; null when it is only read. */
  readonly desired: ShardKey | null;
};

export type SinkState = {
  readonly config: SinkConfig;
  readonly step: Step;
  /** The key as this writer last saw it; null before it was read, or while it does not exist. */
  readonly key: Revisioned<ShardKey> | null;
  readonly keyWork: KeyWork | null;
  readonly keyAttempt: number;
  readonly attempt: number;
  /** Attempts at the insert under way that ClickHouse refused for another reason than being unavailable. */
  readonly refusals: number;
  readonly incarnation: string;
  /** Everything up to here is committed. */
  readonly last: number;
  readonly draining: boolean;
  /** When the last event was, in milliseconds since the epoch: the only time there is in here. */
  readonly now: number;
};

export type Transition = { readonly state: SinkState; readonly effects: readonly SinkEffect[] };
