/**
 * Stores again what ClickHouse has lost (it was restored from a backup, or made anew) while the stream still has the messages: the same verdicts
 * and rows under the same cuts, so that runs and invoices stay what they were. Where batches end may differ; what they hold does not.
 * The last plan is left to the sink, which finds it open.
 */
import type { BatchPlan, CommittedBatch, PlanMark, ShardKey } from "../../domain/sink-plan.ts";
import { DECODER_REV } from "../../domain/sink-plan.ts";
import { AppError } from "../../kernel/errors.ts";
import { present } from "../../kernel/assert.ts";
import type { PlanMarks, Revisioned, SinkStore, UsageStream } from "../ports.ts";
import { agreePosition } from "./agree-position.ts";
import { claimShard, rewriteClaim, type ClaimShardDeps } from "./claim-shard.ts";
import { inspectPosition } from "./inspect-position.ts";
import { makeBatch, prepareBatch, prepareRecorded, type MakeBatchDeps, type PreparedBatch } from "./make-batch.ts";

export type RefillShardDeps = Omit<MakeBatchDeps, "store" | "stream"> &
  Omit<ClaimShardDeps, "store"> & {
    readonly store: SinkStore;
    readonly stream: UsageStream;
    readonly marks: PlanMarks;
    readonly onBatch: (batch: CommittedBatch) => void;
  };

export type Refilled = { readonly first: number; readonly last: number; readonly batches: number };

/** Null when nothing is missing. Rejects with what else is wrong with the shard. */
export async function refillShard(deps: RefillShardDeps, signal: AbortSignal): Promise<Refilled | null> {
  const missing = await missingRange(deps);
  if (missing === null) return null;
  const marks = await marksOf(deps, missing);
  let claim = await claimShard(deps, deps.shard);
  let batches = 0;
  let from = missing.first;
  let unfinished = await unfinishedLast(deps, missing);
  while (from <= missing.last && !signal.aborted) {
    const { mark, end } = markAt(marks, { from, last: missing.last });
    requireRevision(deps.shard, mark);
    // Rows without their batch: it was being inserted when the backup was made, or when a refill died. The same range gives the same token.
    const prepared =
      unfinished === null
        ? await prepare(deps, { mark, from, end, signal })
        : await prepareRecorded(deps, { first: from, last: unfinished, catalogSeq: mark.catalogSeq });
    if (prepared === null) continue;
    const again = unfinished !== null;
    unfinished = null;
    await storeBatch(deps, { claim, mark, prepared, again });
    from = prepared.last + 1;
    batches += 1;
    claim = await rewriteClaim(deps, { shard: deps.shard, claim });
  }
  await rewriteClaim(deps, { shard: deps.shard, claim, release: true });
  return { first: missing.first, last: from - 1, batches };
}

type Missing = { readonly incarnation: string; readonly first: number; readonly last: number };

async function missingRange(deps: RefillShardDeps): Promise<Missing | null> {
  const { shard } = deps;
  const { plan = null, adopted } = (await deps.keys.read(shard))?.value ?? {};
  const position = await inspectPosition(deps, plan);
  const agreement = agreePosition({ shard, decoderRev: DECODER_REV, plan, adopted, position });
  if (agreement.type === "agreed") return null;
  if (agreement.error.code !== "CLICKHOUSE_BEHIND") throw new AppError(agreement.error);
  const { incarnation, first } = present(plan, "a plan that ClickHouse is behind of");
  const stored = await deps.store.lastBatch({ shard, incarnation });
  return { incarnation, first: (stored?.plan.last ?? 0) + 1, last: first - 1 };
}

/** Where the batch ends that was being inserted; null when there was none. */
async function unfinishedLast(deps: RefillShardDeps, { incarnation, first }: Missing): Promise<number | null> {
  const { shard } = deps;
  const found = await deps.store.storedBehind({ shard, incarnation, after: first - 1 });
  if (found === null || found.last !== null) return found?.last ?? null;
  throw new AppError({
    code: "BATCH_UNFINISHED",
    kind: "conflict",
    message: `ClickHouse has rows behind message ${first - 1} of shard ${shard} whose messages nobody can tell: restore a backup that was made while no sink was running`,
  });
}

async function marksOf(deps: RefillShardDeps, missing: Missing): Promise<readonly PlanMark[]> {
  const marks = await deps.marks.list({ shard: deps.shard, incarnation: missing.incarnation });
  if (marks[0] !== undefined && marks[0].first <= missing.first) return marks;
  throw new AppError({
    code: "PLANS_UNKNOWN",
    kind: "conflict",
    message:
      `The bucket METERLINE does not say how message ${missing.first} of shard ${deps.shard} was planned` +
      `${marks[0] === undefined ? "" : ` (its marks begin at message ${marks[0].first})`}: restore a newer backup of ClickHouse`,
  });
}

function markAt(
  marks: readonly PlanMark[],
  range: { readonly from: number; readonly last: number },
): { readonly mark: PlanMark; readonly end: number } {
  const index = marks.findLastIndex((mark) => mark.first <= range.from);
  const next = marks[index + 1];
  return {
    mark: present(marks[index], "the mark of a message"),
    end: next === undefined ? range.last : Math.min(range.last, next.first - 1),
  };
}

function requireRevision(shard: number, mark: PlanMark): void {
  if (mark.decoderRev === DECODER_REV) return;
  throw new AppError({
    code: "DECODER_REVISION",
    kind: "conflict",
    message: `Message ${mark.first} of shard ${shard} was planned with decoder revision ${mark.decoderRev}, this release has ${DECODER_REV}: refill with a release that has it`,
  });
}

type PrepareInput = {
  readonly mark: PlanMark;
  readonly from: number;
  readonly end: number;
  readonly signal: AbortSignal;
};

function prepare(deps: RefillShardDeps, input: PrepareInput): Promise<PreparedBatch | null> {
  const { mark, from, end, signal } = input;
  const at = (): ReturnType<typeof deps.catalogs.head> => deps.catalogs.at(mark.catalogSeq);
  // What is stored may lie behind these messages, so nothing is looked up without their place.
  const identities = { ...deps.identities, ahead: () => Promise.resolve(null) };
  const batchEventsMax = Math.min(deps.limits.batchEventsMax, end - from + 1);
  return prepareBatch(
    { ...deps, identities, catalogs: { ...deps.catalogs, head: at }, limits: { ...deps.limits, batchEventsMax } },
    { from, signal },
  );
}

async function storeBatch(
  deps: RefillShardDeps,
  input: {
    readonly claim: Revisioned<ShardKey>;
    readonly mark: PlanMark;
    readonly prepared: PreparedBatch;
    readonly again: boolean;
  },
): Promise<void> {
  const { claim, mark, prepared, again } = input;
  const { shard, clock, holder } = deps;
  const { facts, encoded, accepted } = await makeBatch(deps, prepared, mark);
  const { first, last, rows, sha256, messages, counts, lastMessageAt, lastMessageSha256 } = facts;
  const { epoch } = claim.value;
  const { incarnation, cut, decoderRev, catalogSeq } = mark;
  const planned = { first, last, rows, sha256, plannedAt: clock.nowMs() };
  const plan: BatchPlan = { incarnation, cut, decoderRev, catalogSeq, ...planned };
  await deps.store.insert({ shard, plan, epoch, rows: encoded, again });
  deps.identities.add(accepted.keys());
  const facts_ = { messages, counts, lastMessageAt, lastMessageSha256 };
  const batch: CommittedBatch = { shard, plan, ...facts_, epoch, holder, storedAt: clock.nowMs() };
  await deps.store.commit({ batch, again: true });
  deps.onBatch(batch);
}
