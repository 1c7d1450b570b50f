/**
 * Goes on with a stream that is not the one that the stored batches came from: made anew, restored from a backup, or without its key. The stream
 * becomes another incarnation and is read from its first message; what was counted from it before is recognised by its identities. What
 * ClickHouse has beyond the stream stays counted.
 */
import { DECODER_REV } from "../../domain/sink-plan.ts";
import { AppError } from "../../kernel/errors.ts";
import type { Clock, CutRegister, SinkStore, UsageStream } from "../ports.ts";
import { agreePosition } from "./agree-position.ts";
import { claimShard, rewriteClaim, type ClaimShardDeps } from "./claim-shard.ts";
import { inspectPosition } from "./inspect-position.ts";
import type { Position } from "./protocol-types.ts";

export type AdoptShardDeps = ClaimShardDeps & {
  readonly shard: number;
  readonly stream: Pick<UsageStream, "state" | "range">;
  readonly store: Pick<SinkStore, "fence" | "lastBatch" | "storedBehind">;
  readonly cuts: CutRegister;
  /** The highest cut of any batch or recorded run. */
  readonly greatestCut: () => Promise<number>;
  readonly beginIncarnation: (input: { shard: number; incarnation: string }) => Promise<void>;
  readonly clock: Clock;
};

export type Adopted = { readonly incarnation: string; readonly messages: number };

/** What a shard may be adopted for; anything else has another remedy, which its error names. */
const ADOPTABLE: ReadonlySet<string> = new Set([
  "STREAM_RECREATED",
  "STREAM_SHORTER",
  "STREAM_DIFFERS",
  "CLICKHOUSE_AHEAD",
  "BATCH_CONTRADICTS_PLAN",
]);

/** Null when the shard can go on as it is. */
export async function adoptShard(deps: AdoptShardDeps): Promise<Adopted | null> {
  const { shard } = deps;
  const { plan = null, adopted } = (await deps.keys.read(shard))?.value ?? {};
  const position = await inspectPosition(deps, plan);
  const agreement = agreePosition({ shard, decoderRev: DECODER_REV, plan, adopted, position });
  if (agreement.type === "agreed") return null;
  if (!ADOPTABLE.has(agreement.error.code)) throw new AppError(agreement.error);
  requireWhole(shard, position);
  await requireFinished(deps, position);
  const claim = await claimShard(deps, shard);
  const cut = await raiseAbove(deps, await deps.greatestCut());
  const incarnation = newIncarnation(deps, position);
  await deps.beginIncarnation({ shard, incarnation });
  const change = { plan: null, adopted: incarnation, cut: Math.max(cut, claim.value.cut) };
  await rewriteClaim(deps, { shard, claim, change, release: true });
  return { incarnation, messages: position.stream.lastSeq };
}

/** Batches tile an incarnation from message 1. */
function requireWhole(shard: number, { stream }: Position): void {
  if (stream.firstSeq <= 1) return;
  throw new AppError({
    code: "STREAM_TRIMMED",
    kind: "conflict",
    message: `The stream of shard ${shard} begins at message ${stream.firstSeq}: only a stream with its first message can be read as a new incarnation`,
  });
}

/** Rows of a batch that was never committed may be in some tables and not in others, and its plan is gone: nobody could complete it. */
async function requireFinished(deps: AdoptShardDeps, { lastBatch }: Position): Promise<void> {
  const { shard } = deps;
  if (lastBatch === null) return;
  const { incarnation, last } = lastBatch.plan;
  const behind = await deps.store.storedBehind({ shard, incarnation, after: last });
  if (behind === null) return;
  throw new AppError({
    code: "BATCH_UNFINISHED",
    kind: "conflict",
    message:
      `ClickHouse has rows behind message ${last} of shard ${shard} that belong to no batch, and their plan is gone: ` +
      "restore ClickHouse and NATS from backups that were made together",
  });
}

/** Later than every recorded one, whatever the clock says. */
function newIncarnation({ clock }: AdoptShardDeps, { stream, lastBatch }: Position): string {
  const recorded = [stream.incarnation, lastBatch?.plan.incarnation ?? "0"].map(BigInt);
  return [clock.now(), ...recorded.map((incarnation) => incarnation + 1n)]
    .reduce((latest, candidate) => (candidate > latest ? candidate : latest))
    .toString();
}

/** A bucket that was lost counts cuts from 1 again: usage under a cut that is closed would change what was billed. */
async function raiseAbove({ cuts, clock }: AdoptShardDeps, greatest: number): Promise<number> {
  for (;;) {
    const { value, revision } = await cuts.read();
    if (value.cut > greatest) return value.cut;
    const cut = greatest + 1;
    if ((await cuts.compareAndSet({ revision, cut, raisedAt: clock.nowMs() })) !== null) return cut;
  }
}
