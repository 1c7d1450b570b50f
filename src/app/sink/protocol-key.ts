/**
 * The key line of the writer protocol: taking the shard's key, renewing its lease, putting a plan into it, releasing it. Every write is a
 * compare-and-set; when it is lost, or its answer is, the key is read and tells which of three things happened: the write did arrive,
 * only the cut was raised (write again on top of it), or somebody else has the shard (fenced).
 */
import { samePlan, type BatchPlan, type ShardKey } from "../../domain/sink-plan.ts";
import type { AppErrorInput } from "../../kernel/errors.ts";
import { assert, present } from "../../kernel/assert.ts";
import type { Revisioned } from "../ports.ts";
import type { KeyPurpose, SinkEffect, SinkEvent, SinkState } from "./protocol-types.ts";
import { retryWaitMs } from "./retry-wait.ts";

export type KeyResult =
  | { readonly type: "pending" }
  | { readonly type: "done"; readonly purpose: KeyPurpose }
  /** The plan is not written: the cut was raised meanwhile, so its rows have to be decided again. */
  | { readonly type: "cutRaised" }
  | { readonly type: "fenced"; readonly message: string }
  | { readonly type: "halted"; readonly error: AppErrorInput };
export type KeyTransition = {
  readonly state: SinkState;
  readonly effects: readonly SinkEffect[];
  readonly result: KeyResult;
};
type KeyEvent = Extract<SinkEvent, { type: "keyRead" | "keyWritten" | "woke" | "failed" }>;
type KeyRead = Extract<SinkEvent, { type: "keyRead" }>;

export type BeginKeyInput = {
  readonly purpose: KeyPurpose;
  /** Only for the purpose "plan". */
  readonly plan?: BatchPlan;
};

const PENDING: KeyResult = { type: "pending" };
/** A standby looks again this often at least, because a writer that drains releases its key before the lease ends. */
const STANDBY_POLL_MAX_MS = 1_000;
const STANDBY_POLL_MIN_MS = 50;

/** Begins work on the key; there may be none under way. */
export function beginKey(state: SinkState, input: BeginKeyInput): KeyTransition {
  assert(state.keyWork === null, "one thing at a time on the shard's key");
  if (input.purpose === "acquire" || input.purpose === "check") return read(state, input.purpose, null);
  const key = present(state.key, "the shard's key").value;
  const expiry = input.purpose === "release" ? 0 : state.now + state.config.leaseMs;
  return write(state, input.purpose, { ...key, expiry, plan: input.plan ?? key.plan });
}

export function advanceKey(state: SinkState, event: KeyEvent): KeyTransition {
  const { purpose, desired } = present(state.keyWork, "work on the shard's key");
  switch (event.type) {
    case "keyWritten":
      return event.revision === null ? read(state, purpose, desired) : arrived(state, event.revision);
    case "keyRead":
      return purpose === "acquire" ? considerTaking(state, event) : settle(state, event);
    case "woke":
      return read(state, purpose, desired);
    case "failed":
      return failed(state, event);
  }
}

/** True when a third of the lease is gone and nothing else is happening to the key. */
export function renewalDue(state: SinkState): boolean {
  const { step, key, keyWork, config } = state;
  if (key === null || keyWork !== null) return false;
  if (step.name === "acquiring" || step.name === "releasing" || step.name === "stopped") return false;
  return key.value.expiry - state.now <= (config.leaseMs * 2) / 3;
}

function considerTaking(state: SinkState, event: KeyRead): KeyTransition {
  const { config } = state;
  const desired = state.keyWork?.desired ?? null;
  const found = event.key;
  if (found === null) return write({ ...state, key: null }, "acquire", firstKey(state, event.registerCut));
  if (desired !== null && sameClaim(found.value, desired)) return arrived(adopt(state, found), found.revision);
  const { epoch, holder, expiry, cut } = found.value;
  if (expiry <= state.now || isPredecessor(holder, config.instance)) {
    const claim = firstKey(state, Math.max(cut, event.registerCut));
    const { plan, adopted } = found.value;
    const key = { ...claim, epoch: epoch + 1, plan, ...(adopted !== undefined && { adopted }) };
    return write({ ...state, key: found }, "acquire", key);
  }
  const ms = Math.min(Math.max(expiry - state.now, STANDBY_POLL_MIN_MS), STANDBY_POLL_MAX_MS);
  return {
    state: { ...state, keyWork: { purpose: "acquire", stage: "waiting", desired: null } },
    effects: [{ type: "wait", line: "key", ms }],
    result: PENDING,
  };
}

function firstKey({ config, now }: SinkState, cut: number): ShardKey {
  return { epoch: 1, holder: config.holder, expiry: now + config.leaseMs, cut, plan: null };
}

/** After a lost or unanswered write, or before an insert is repeated. */
function settle(state: SinkState, event: KeyRead): KeyTransition {
  const { purpose, desired } = present(state.keyWork, "work on the shard's key");
  const known = present(state.key, "the shard's key");
  const found = event.key;
  if (found === null) return fenced(state, "its key is gone from the bucket METERLINE");
  if (!sameClaim(found.value, known.value)) {
    return fenced(state, `${found.value.holder} has taken it over with epoch ${found.value.epoch}`);
  }
  if (desired !== null && found.value.expiry === desired.expiry && samePlan(found.value.plan, desired.plan)) {
    return arrived(adopt(state, found), found.revision);
  }
  if (!samePlan(found.value.plan, known.value.plan))
    return fenced(state, "its key holds a plan that this writer did not make");
  const adopted = adopt(state, found);
  if (desired === null) return done(adopted, purpose);
  // Only the cut can have changed. A plan whose rows carry the old cut must not be written under the new one: it is decided again.
  if (purpose === "plan" && found.value.cut !== known.value.cut) {
    return { ...done(adopted, purpose), result: { type: "cutRaised" } };
  }
  return write(adopted, purpose, { ...desired, cut: found.value.cut });
}

function failed(state: SinkState, event: Extract<SinkEvent, { type: "failed" }>): KeyTransition {
  if (event.failure.kind !== "unavailable")
    return { state, effects: [], result: { type: "halted", error: event.failure } };
  const work = present(state.keyWork, "work on the shard's key");
  const ms = retryWaitMs(state.config, state.keyAttempt);
  return {
    state: { ...state, keyWork: { ...work, stage: "waiting" }, keyAttempt: state.keyAttempt + 1 },
    effects: [{ type: "wait", line: "key", ms }],
    result: PENDING,
  };
}

function read(state: SinkState, purpose: KeyPurpose, desired: ShardKey | null): KeyTransition {
  return {
    state: { ...state, keyWork: { purpose, stage: "reading", desired } },
    effects: [{ type: "readKey" }],
    result: PENDING,
  };
}

function write(state: SinkState, purpose: KeyPurpose, key: ShardKey): KeyTransition {
  return {
    state: { ...state, keyWork: { purpose, stage: "writing", desired: key } },
    effects: [{ type: "writeKey", revision: state.key?.revision ?? 0, key }],
    result: PENDING,
  };
}

/** The desired key is in the bucket. Where the key was read, its cut may already be a greater one: that one is kept. */
function arrived(state: SinkState, revision: number): KeyTransition {
  const { purpose, desired } = present(state.keyWork, "work on the shard's key");
  const value = present(desired, "the desired key");
  const cut = state.key?.revision === revision ? state.key.value.cut : value.cut;
  return done({ ...state, key: { revision, value: { ...value, cut } } }, purpose);
}

function done(state: SinkState, purpose: KeyPurpose): KeyTransition {
  return { state: { ...state, keyWork: null, keyAttempt: 0 }, effects: [], result: { type: "done", purpose } };
}

function adopt(state: SinkState, key: Revisioned<ShardKey>): SinkState {
  return { ...state, key };
}

function fenced(state: SinkState, why: string): KeyTransition {
  const message = `shard ${state.config.shard} is no longer this writer's: ${why}`;
  return { state, effects: [], result: { type: "fenced", message } };
}

function sameClaim(a: ShardKey, b: ShardKey): boolean {
  return a.epoch === b.epoch && a.holder === b.holder;
}

function isPredecessor(holder: string, instance: string): boolean {
  return instance !== "" && holder.startsWith(`${instance}#`);
}
