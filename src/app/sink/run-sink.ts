/**
 * The sink role: one writer per shard in one process, for all shards or those that it was given, and the hourly raise of the cut. Ends when the signal drains it; a writer that cannot go on
 * drains the others and then says why, because a process that stores only some shards looks healthy and is not.
 */
import { AppError } from "../../kernel/errors.ts";
import type { EventTimeRange } from "../../metering/decode-context.ts";
import { DECODER_REV, type CommittedBatch } from "../../domain/sink-plan.ts";
import type {
  BatchRows,
  Clock,
  CutRegister,
  FilterCopies,
  PlanMarks,
  ShardKeys,
  SinkLog,
  SinkStore,
  UsageStream,
} from "../ports.ts";
import { NO_CRASH, type CrashHook } from "./crash-points.ts";
import { identityIndex } from "./identity-index.ts";
import type { SinkLimits } from "./make-batch.ts";
import type { MeteringCatalogs } from "./metering-catalogs.ts";
import type { SinkOutcome } from "./protocol-types.ts";
import { raiseCut } from "./raise-cut.ts";
import { retryWaitMs } from "./retry-wait.ts";
import { runShardWriter } from "./shard-writer.ts";
import type { SinkObserver } from "./sink-observer.ts";

export type SinkSettings = SinkLimits & {
  readonly shards: number;
  /** Those that this process writes; all of them unless said otherwise. */
  readonly ownShards?: readonly number[];
  /** Unique per run of a process: `<instance>#<nonce>`. */
  readonly holder: string;
  /** Holders of the same instance are dead predecessors; empty when there can be others. */
  readonly instance: string;
  readonly leaseMs: number;
  /** How old the cut may become before the sink raises it. */
  readonly cutEveryMs: number;
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
  /** Identities that the smallest filter is made for; a million unless said otherwise. */
  readonly filterCapacityMin?: number;
  /** Identities of a shard between two copies of its filter at least; a million unless said otherwise. */
  readonly filterCopyEvery?: number;
};

export type SinkDeps = {
  readonly openStream: (shard: number) => Promise<UsageStream>;
  readonly keys: ShardKeys;
  readonly cuts: CutRegister;
  /** Without them ClickHouse could not be filled again from the streams. */
  readonly marks?: PlanMarks;
  readonly store: SinkStore;
  readonly catalogs: MeteringCatalogs;
  readonly openRows: () => BatchRows;
  /** Without them every start reads all identities. */
  readonly filterCopies?: FilterCopies;
  readonly timeRange: EventTimeRange;
  readonly clock: Clock;
  readonly log: SinkLog;
  readonly crash?: CrashHook;
  readonly observer?: SinkObserver;
  readonly onCommitted?: (batch: CommittedBatch) => void;
};

export const DEFAULT_SINK_SETTINGS = {
  batchEventsMax: 50_000,
  batchBytesMax: 32 * 1024 * 1024,
  batchWaitMs: 500,
  leaseMs: 15_000,
  cutEveryMs: 60 * 60_000,
  retryFirstMs: 50,
  retryMaxMs: 5_000,
} as const;

const CUT_LOOK_MS = 60_000;
const CUT_TIMEOUT_MS = 60_000;

/** Resolves once every shard is drained; rejects with what stopped a shard. */
export async function runSink(deps: SinkDeps, settings: SinkSettings, signal: AbortSignal): Promise<void> {
  const drain = new AbortController();
  const onAbort = (): void => {
    drain.abort();
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  const cuts = keepRaisingCut(deps, settings, drain.signal);
  const shards = settings.ownShards ?? Array.from({ length: settings.shards }, (_, shard) => shard);
  const outcomes = await Promise.all(shards.map((shard) => runShard(deps, { settings, shard, drain })));
  drain.abort();
  signal.removeEventListener("abort", onAbort);
  await cuts;
  const error = outcomes.map(errorOf).find((found) => found !== null);
  if (error !== undefined && error !== null) throw error;
}

type RunShardInput = { readonly settings: SinkSettings; readonly shard: number; readonly drain: AbortController };

async function runShard(deps: SinkDeps, { settings, shard, drain }: RunShardInput): Promise<SinkOutcome> {
  const {
    batchEventsMax,
    batchBytesMax,
    batchWaitMs,
    filterCapacityMin: capacityMin,
    filterCopyEvery: copyEvery,
  } = settings;
  const { store, filterCopies: copies, log } = deps;
  const identities = identityIndex(store, shard, { capacityMin, copies, copyEvery, log });
  let stream: UsageStream | null = null;
  try {
    stream = await openStream(deps, { settings, shard, drain });
    if (stream === null) return { type: "drained" };
    const { holder, instance, leaseMs, retryFirstMs, retryMaxMs } = settings;
    const outcome = await runShardWriter(
      {
        ...deps,
        shard,
        stream,
        identities,
        limits: { batchEventsMax, batchBytesMax, batchWaitMs },
        crash: deps.crash ?? NO_CRASH,
      },
      { shard, holder, instance, leaseMs, decoderRev: DECODER_REV, retryFirstMs, retryMaxMs },
      drain.signal,
    );
    const text = outcome.type === "drained" ? "drained" : (errorOf(outcome)?.message ?? "");
    deps.log[outcome.type === "drained" ? "info" : "error"]({ shard }, text);
    return outcome;
  } catch (error) {
    return {
      type: "halted",
      error:
        error instanceof AppError
          ? error
          : { code: "SINK_FAILED", kind: "broken", message: String(error), cause: error },
    };
  } finally {
    // Whatever ended this shard ends the process, after the other shards have finished their batches.
    drain.abort();
    await identities.close();
    await stream?.close();
  }
}

/** A server that is being started again is waited for here too. Null when the drain came first. */
async function openStream(deps: SinkDeps, { settings, shard, drain }: RunShardInput): Promise<UsageStream | null> {
  const { signal } = drain;
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      return await deps.openStream(shard);
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== "unavailable") throw error;
      deps.log.warn({ shard, code: error.code }, `${error.message}; trying again`);
    }
    await deps.clock.sleep(retryWaitMs(settings, attempt), signal).catch(() => undefined);
  }
  return null;
}

function errorOf(outcome: SinkOutcome): AppError | null {
  if (outcome.type === "drained") return null;
  if (outcome.type === "halted") return outcome.error instanceof AppError ? outcome.error : new AppError(outcome.error);
  return new AppError({ code: "SINK_FENCED", kind: "conflict", message: outcome.message });
}

/** Cuts advance by themselves, so that late usage has a cut of its own and a window seldom more than one row. */
async function keepRaisingCut(deps: SinkDeps, settings: SinkSettings, signal: AbortSignal): Promise<void> {
  const everyMs = Math.min(CUT_LOOK_MS, settings.cutEveryMs);
  while (!signal.aborted) {
    try {
      await raiseOldCut(deps, settings, signal);
    } catch (error) {
      if (!signal.aborted)
        deps.log.warn({ error: error instanceof Error ? error.message : String(error) }, "the cut was not raised");
    }
    await deps.clock.sleep(everyMs, signal).catch(() => undefined);
  }
}

async function raiseOldCut(deps: SinkDeps, settings: SinkSettings, signal: AbortSignal): Promise<void> {
  const { value, revision } = await deps.cuts.read();
  const now = deps.clock.nowMs();
  if (value.raisedAt === 0) {
    // The first cut begins now.
    await deps.cuts.compareAndSet({ revision, cut: value.cut, raisedAt: now });
    return;
  }
  if (now - value.raisedAt < settings.cutEveryMs) return;
  // One sink is enough: the one that writes shard 0.
  const key = await deps.keys.read(0);
  if (key?.value.holder !== settings.holder) return;
  const closed = await raiseCut({ ...deps, shards: settings.shards }, { timeoutMs: CUT_TIMEOUT_MS, signal });
  deps.log.info({ closed }, "cut closed");
}
