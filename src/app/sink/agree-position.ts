/**
 * Where a writer goes on after taking a shard over: the shard's plan, the last row of `sink_batches` and the stream must tell one story.
 * Whatever does not fit stops the shard, because going on would count usage twice or lose it, and nobody would see.
 */
import type { BatchPlan, CommittedBatch } from "../../domain/sink-plan.ts";
import type { AppErrorInput, ErrorKind } from "../../kernel/errors.ts";
import type { Position } from "./protocol-types.ts";

export type AgreePositionInput = {
  readonly shard: number;
  readonly decoderRev: number;
  readonly plan: BatchPlan | null;
  /** Of the shard's key. */
  readonly adopted?: string | undefined;
  readonly position: Position;
};

export type Agreement =
  /** Everything up to `last` is committed; `open` is the plan whose insert may or may not have happened. */
  | { readonly type: "agreed"; readonly incarnation: string; readonly last: number; readonly open: BatchPlan | null }
  | { readonly type: "halt"; readonly error: AppErrorInput };

export function agreePosition(told: AgreePositionInput): Agreement {
  const input = withoutHistory(told);
  const { plan, position } = input;
  const { incarnation } = position.stream;
  const error =
    incarnationProblem(input) ??
    lengthProblem(input) ??
    databaseProblem(input) ??
    unplannedProblem(input) ??
    messageProblem(input) ??
    (isOpen(input) ? openPlanProblem(input) : null);
  if (error !== null) return { type: "halt", error };
  if (plan !== null && isOpen(input)) return { type: "agreed", incarnation, last: plan.first - 1, open: plan };
  return { type: "agreed", incarnation, last: plan?.last ?? 0, open: null };
}

/** Once an incarnation is adopted, the batches of earlier ones say nothing about where it stands. */
function withoutHistory(input: AgreePositionInput): AgreePositionInput {
  const { adopted, position } = input;
  const stored = position.lastBatch?.plan.incarnation;
  if (adopted === undefined || stored === undefined || BigInt(stored) >= BigInt(adopted)) return input;
  return { ...input, position: { ...position, lastBatch: null, lastMessage: null } };
}

/** A plan is open while the row of its batch is missing. */
function isOpen({ plan, position }: AgreePositionInput): boolean {
  return plan !== null && (position.lastBatch === null || position.lastBatch.plan.last < plan.first);
}

/** A recreated stream begins at 1 again: its first batches would carry the tokens of old ones and vanish. */
function incarnationProblem({ shard, plan, adopted, position }: AgreePositionInput): AppErrorInput | null {
  const now = position.stream.incarnation;
  const known = plan?.incarnation ?? position.lastBatch?.plan.incarnation ?? adopted ?? now;
  const stored = position.lastBatch?.plan.incarnation ?? known;
  if (known === now && stored === now) return null;
  const text = `its stream was created at ${now} (ns), but the recorded batches are of the stream created at ${known === now ? stored : known}`;
  return halt("STREAM_RECREATED", "conflict", `${shardName(shard)} stops: ${text}. ${adopt(shard)}`);
}

function databaseProblem(input: AgreePositionInput): AppErrorInput | null {
  const { shard, plan, position } = input;
  const stored = position.lastBatch;
  if (stored === null) {
    return plan === null || plan.first === 1 ? null : behind(input, "holds no batch of it");
  }
  const end = `ends at message ${stored.plan.last}`;
  if (plan === null || stored.plan.last > plan.last) {
    const planned = plan === null ? "no plan was ever made" : `the last plan ends at message ${plan.last}`;
    const text = `ClickHouse is ahead: it ${end}, but ${planned}`;
    return halt("CLICKHOUSE_AHEAD", "conflict", `${shardName(shard)} stops: ${text}. ${adopt(shard)}`);
  }
  if (stored.plan.last < plan.first - 1) return behind(input, end);
  if (stored.plan.last === plan.first - 1) return null;
  return samePlan(stored, plan) ? null : otherBatch(shard, stored, plan);
}

/** An insert that ended before its commit, of a plan that a restored NATS no longer knows: a new plan would count its messages again. */
function unplannedProblem({ shard, plan, position }: AgreePositionInput): AppErrorInput | null {
  if (!position.holdsUnplanned) return null;
  const planned = plan === null ? "no plan is known" : `the last known plan ends at message ${plan.last}`;
  const text = `ClickHouse holds rows of later messages of its stream that belong to no batch, but ${planned}`;
  return halt(
    "BATCH_UNFINISHED",
    "conflict",
    `${shardName(shard)} stops: ${text}: nobody can tell whether they are complete. Restore ClickHouse and NATS from backups that were made together`,
  );
}

function samePlan(stored: CommittedBatch, plan: BatchPlan): boolean {
  return stored.plan.first === plan.first && stored.plan.last === plan.last && stored.plan.sha256 === plan.sha256;
}

function behind({ shard, plan }: AgreePositionInput, state: string): AppErrorInput {
  const text = `ClickHouse is behind: it ${state}, but the last plan begins at message ${plan?.first ?? 0}`;
  return halt(
    "CLICKHOUSE_BEHIND",
    "conflict",
    `${shardName(shard)} stops: ${text}. If it was restored or lost, \`meterline shards refill --shard ${shard}\` stores the missing messages again as they were planned`,
  );
}

function otherBatch(shard: number, stored: CommittedBatch, plan: BatchPlan): AppErrorInput {
  return halt(
    "BATCH_CONTRADICTS_PLAN",
    "broken",
    `${shardName(shard)} stops: the plan is ${plan.first}-${plan.last} with rows ${plan.sha256}, but meterline.sink_batches ends with ` +
      `${stored.plan.first}-${stored.plan.last} and rows ${stored.plan.sha256}`,
  );
}

/** Asked first: what the stream has lost, no database can be filled with again. */
function lengthProblem({ shard, plan, position: { stream } }: AgreePositionInput): AppErrorInput | null {
  if (plan === null || stream.lastSeq >= plan.last) return null;
  const text = `its stream ends at message ${stream.lastSeq}, but message ${plan.last} was already planned`;
  return halt("STREAM_SHORTER", "conflict", `${shardName(shard)} stops: ${text}. ${adopt(shard)}`);
}

function messageProblem({ shard, position }: AgreePositionInput): AppErrorInput | null {
  const { stream, lastBatch, lastMessage } = position;
  if (lastBatch === null) return null;
  const trimmed = lastBatch.plan.last < stream.firstSeq;
  const same =
    lastMessage?.ingestedAt === lastBatch.lastMessageAt && lastMessage.sha256 === lastBatch.lastMessageSha256;
  if (trimmed || same) return null;
  const text = `message ${lastBatch.plan.last} of its stream is not the one that was stored`;
  return halt("STREAM_DIFFERS", "conflict", `${shardName(shard)} stops: ${text}. ${adopt(shard)}`);
}

function openPlanProblem({ shard, plan, position, decoderRev }: AgreePositionInput): AppErrorInput | null {
  if (plan === null) return null;
  const range = `${plan.first}-${plan.last}`;
  if (plan.first < position.stream.firstSeq) {
    const text = `batch ${range} is planned but not stored, and its stream now begins at message ${position.stream.firstSeq}`;
    return halt("STREAM_TRIMMED", "broken", `${shardName(shard)} stops: ${text}; those messages have to be restored`);
  }
  if (plan.decoderRev === decoderRev) return null;
  return halt(
    "DECODER_REVISION",
    "conflict",
    `${shardName(shard)} stops: batch ${range} was planned with decoder revision ${plan.decoderRev}, this release has ${decoderRev}. ` +
      "Start the release that planned it and let it drain, then start this one",
  );
}

function shardName(shard: number): string {
  return `shard ${shard}`;
}

function adopt(shard: number): string {
  return `If that is meant to be, \`meterline shards adopt --shard ${shard}\` reads the whole stream as a new incarnation: what was counted before counts once`;
}

function halt(code: string, kind: ErrorKind, message: string): AppErrorInput {
  return { code, kind, message };
}
