/**
 * Closes a cut: afterwards the state `cut <= c` is complete for ever. The register says which cut is current; a shard's key says which one its
 * next plan carries. Raising the key by compare-and-set makes a plan that is just being written lose and be decided again with the new cut, so
 * after the last key was raised only plans that are already recorded can still carry an old cut, and those are waited for.
 */
import type { Clock, CutRegister, Revisioned, ShardKeys, SinkStore } from "../ports.ts";
import type { ShardKey } from "../../domain/sink-plan.ts";
import { AppError } from "../../kernel/errors.ts";

export type RaiseCutDeps = {
  readonly cuts: CutRegister;
  readonly keys: ShardKeys;
  readonly store: SinkStore;
  readonly clock: Clock;
  readonly shards: number;
};

export type RaiseCutInput = {
  /** How long to wait for the batches that still carry the old cut. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
};

const POLL_MS = 50;
const ATTEMPTS_MAX = 1_000;

/** Returns the cut that is closed now. Rejects with CUT_NOT_REACHED (unavailable) when a shard does not get there in time. */
export async function raiseCut(deps: RaiseCutDeps, input: RaiseCutInput): Promise<number> {
  const current = await raiseRegister(deps);
  const shards = Array.from({ length: deps.shards }, (_, shard) => shard);
  for (const shard of shards) await raiseShard(deps, shard, current);
  const deadline = deps.clock.nowMs() + input.timeoutMs;
  for (const shard of shards)
    await untilReached(deps, { shard, cut: current, deadline, ...(input.signal && { signal: input.signal }) });
  return current - 1;
}

/** Raises the register and returns the new cut. Somebody else's raise that was made after this call began is as good as its own. */
async function raiseRegister({ cuts, clock }: RaiseCutDeps): Promise<number> {
  const before = (await cuts.read()).value.cut;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const { value, revision } = await cuts.read();
    if (value.cut > before) return value.cut;
    const cut = value.cut + 1;
    if ((await cuts.compareAndSet({ revision, cut, raisedAt: clock.nowMs() })) !== null) return cut;
  }
  throw contended(`The cut could not be raised: its register changed ${ATTEMPTS_MAX} times meanwhile; try again`);
}

async function raiseShard({ keys }: RaiseCutDeps, shard: number, cut: number): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const found = await keys.read(shard);
    if (found !== null && found.value.cut >= cut) return;
    // A shard that was never taken gets its key here, or its first writer could still begin with the old cut.
    const key = found === null ? untaken(cut) : { ...found.value, cut };
    if ((await keys.compareAndSet({ shard, revision: found?.revision ?? 0, key })) !== null) return;
  }
  throw contended(
    `The cut of shard ${shard} could not be raised to ${cut}: its key changed ${ATTEMPTS_MAX} times meanwhile; try again`,
  );
}

function contended(message: string): AppError {
  return new AppError({ code: "CUT_NOT_RAISED", kind: "unavailable", message });
}

function untaken(cut: number): ShardKey {
  return { epoch: 0, holder: "", expiry: 0, cut, plan: null };
}

type ReachInput = {
  readonly shard: number;
  readonly cut: number;
  readonly deadline: number;
  readonly signal?: AbortSignal;
};

async function untilReached(deps: RaiseCutDeps, input: ReachInput): Promise<void> {
  const { keys, store, clock } = deps;
  const { shard, cut, deadline } = input;
  for (;;) {
    const found = await keys.read(shard);
    const plan = found?.value.plan ?? null;
    // A plan is only made once the one before it is committed, so the last one speaks for all.
    if (plan === null || plan.cut >= cut) return;
    if ((await store.batchOf({ shard, plan })) !== null) return;
    if (clock.nowMs() >= deadline || input.signal?.aborted === true) throw notReached(shard, found, clock.nowMs());
    await clock.sleep(POLL_MS, input.signal).catch(() => undefined);
  }
}

function notReached(shard: number, key: Revisioned<ShardKey> | null, nowMs: number): AppError {
  const plan = key?.value.plan;
  const running = key !== null && key.value.expiry > nowMs;
  const who = running
    ? `its sink ${key.value.holder} is running but has not stored it yet: look at its log`
    : "no sink is running for it: start `meterline sink` or `meterline up`";
  return new AppError({
    code: "CUT_NOT_REACHED",
    kind: "unavailable",
    message: `Batch ${plan?.first ?? 0}-${plan?.last ?? 0} of shard ${shard} is planned but not stored; ${who}`,
  });
}
