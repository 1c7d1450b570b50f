/**
 * The writer of a shard: (state, event) → (state, effects). No await, no clock, no ids of its own: the sink runs it, and so can a simulation.
 *
 *   take the key → fence → inspect → load the filter → [rebuild the open plan] ┐
 *   ┌──────────────────────────────────────────────────────────────────────────┘
 *   └→ take → decide → plan → insert → commit → ack → take …
 *
 * The batch and the shard's key (protocol-key.ts) go on side by side, each with at most one effect under way. What is unavailable is asked
 * for again for ever, an insert only after the key was read; every other failure stops the shard, once the key says that it is still its own.
 */
import { insertToken, type BatchPlan, type CommittedBatch } from "../../domain/sink-plan.ts";
import { assert, present } from "../../kernel/assert.ts";
import type { AppErrorInput } from "../../kernel/errors.ts";
import { agreePosition } from "./agree-position.ts";
import type { CrashPoint } from "./crash-points.ts";
import { advanceKey, beginKey, renewalDue, type KeyTransition } from "./protocol-key.ts";
import type {
  BatchFacts,
  Failure,
  KeyPurpose,
  Position,
  SinkConfig,
  SinkEffect,
  SinkEvent,
  SinkOutcome,
  SinkState,
  Step,
  Transition,
} from "./protocol-types.ts";
import { retryWaitMs } from "./retry-wait.ts";

/** The code of an insert that a newer epoch has fenced off. */
const SINK_FENCED = "SINK_FENCED";
/** A row that the engine never takes stops the shard after so many more attempts. */
const REFUSALS_MAX = 3;

export function initialState(config: SinkConfig): SinkState {
  return {
    config,
    step: { name: "acquiring" },
    key: null,
    keyWork: null,
    keyAttempt: 0,
    attempt: 0,
    refusals: 0,
    incarnation: "",
    last: 0,
    draining: false,
    now: 0,
  };
}

export function transition(before: SinkState, event: SinkEvent): Transition {
  if (before.step.name === "stopped") return { state: before, effects: [] };
  const state = { ...before, now: event.now };
  switch (event.type) {
    case "started":
      return settleKey(beginKey(state, { purpose: "acquire" }));
    case "ticked":
      if (!renewalDue(state)) return { state, effects: [] };
      return settleKey(beginKey(state, { purpose: "renew" }));
    case "draining":
      return drain({ ...state, draining: true });
    case "keyRead":
    case "keyWritten":
      return settleKey(advanceKey(state, event));
    case "woke":
      if (event.line === "batch") return resume(state);
      if (state.draining && state.step.name === "acquiring") return stop(state, { type: "drained" });
      return settleKey(advanceKey(state, event));
    case "failed":
      return event.line === "batch" ? batchFailed(state, event) : keyFailed(state, event);
    default:
      return batchAdvanced({ ...state, attempt: 0, refusals: 0 }, event);
  }
}

type BatchEvent = Exclude<
  SinkEvent,
  { type: "started" | "ticked" | "draining" | "keyRead" | "keyWritten" | "woke" | "failed" }
>;

function batchAdvanced(state: SinkState, event: BatchEvent): Transition {
  const { step } = state;
  switch (event.type) {
    case "fenceWritten":
      return enter(state, { name: "inspecting" }, "fenced");
    case "inspected":
      return inspected(state, event.position);
    case "filterLoaded": {
      const open = step.name === "loading" ? step.open : null;
      if (open === null) return takeNext(state, "filter-loaded");
      return enter(state, { name: "rebuilding", plan: open }, "filter-loaded");
    }
    case "rebuilt":
      return rebuilt(state, event.facts);
    case "taken":
      if (event.last === null || state.draining) return takeNext(state);
      return enter(state, { name: "deciding" }, "taken");
    case "decided":
      assert(event.facts.first === state.last + 1, "a batch begins where the last one ended", {
        first: event.facts.first,
      });
      return enter(state, { name: "planning", facts: event.facts }, "decided");
    case "inserted":
      assert(step.name === "inserting", "an insert was under way");
      return enter(state, { ...step, name: "committing" }, "inserted");
    case "committed":
      assert(step.name === "committing", "a commit was under way");
      return enter({ ...state, last: step.plan.last }, { name: "acking", seq: step.plan.last }, "committed");
    case "acked":
      return takeNext(state, "acked");
  }
}

function inspected(state: SinkState, position: Position): Transition {
  const { shard, decoderRev } = state.config;
  const { plan, adopted } = keyOf(state);
  const agreement = agreePosition({ shard, decoderRev, plan, adopted, position });
  if (agreement.type === "halt") return doubt(state, agreement.error);
  const { incarnation, last, open } = agreement;
  return enter({ ...state, incarnation, last }, { name: "loading", open }, "inspected");
}

/** The same plan must give the same bytes: anything else would be other rows under a token that may already be spent. */
function rebuilt(state: SinkState, facts: BatchFacts): Transition {
  assert(state.step.name === "rebuilding", "a plan was being rebuilt");
  const { plan } = state.step;
  if (facts.sha256 === plan.sha256 && facts.rows === plan.rows) {
    return enter(state, { name: "inserting", plan, facts, again: true }, "rebuilt");
  }
  return doubt(state, {
    code: "PLAN_NOT_REPRODUCIBLE",
    kind: "broken",
    message:
      `shard ${state.config.shard} stops: batch ${insertToken(state.config.shard, plan)} was planned with ${plan.rows} rows of ` +
      `SHA-256 ${plan.sha256}, but its messages now give ${facts.rows} rows of SHA-256 ${facts.sha256}. Nothing was inserted`,
  });
}

function takeNext(state: SinkState, point?: CrashPoint): Transition {
  return enter(state, { name: state.draining ? "releasing" : "taking" }, point);
}

/** Goes to a step and asks for what it needs. */
function enter(state: SinkState, step: Step, point?: CrashPoint): Transition {
  const crash: readonly SinkEffect[] = point === undefined ? [] : [{ type: "crashPoint", point }];
  const stepped = { ...state, step };
  const next = needsKey(step) ? pursueKey(stepped) : { state: stepped, effects: effectsOf(stepped) };
  return { state: next.state, effects: [...crash, ...next.effects] };
}

function effectsOf(state: SinkState): readonly SinkEffect[] {
  const { step } = state;
  const key = keyOf(state);
  switch (step.name) {
    case "fencing":
      return [{ type: "writeFence", epoch: key.epoch, takenAt: state.now }];
    case "inspecting":
      return [{ type: "inspect", plan: key.plan }];
    case "loading":
      return [{ type: "loadFilter", open: step.open }];
    case "rebuilding":
      return [{ type: "rebuild", plan: step.plan }];
    case "taking":
      return [{ type: "take", from: state.last + 1 }];
    case "deciding":
      return [{ type: "decide", incarnation: state.incarnation, cut: key.cut }];
    case "inserting":
      return [
        { type: "insert", plan: step.plan, epoch: key.epoch, again: step.again },
        { type: "crashPoint", point: "insert-sent" },
      ];
    case "committing":
      return [{ type: "commit", batch: committedBatch(state, step), again: step.again }];
    case "acking":
      return [{ type: "ackAll", seq: step.seq }];
    default:
      return [];
  }
}

function committedBatch(state: SinkState, { plan, facts }: Extract<Step, { name: "committing" }>): CommittedBatch {
  const { messages, counts, lastMessageAt, lastMessageSha256 } = facts;
  const { epoch, holder } = keyOf(state);
  const { shard } = state.config;
  return { shard, plan, messages, counts, lastMessageAt, lastMessageSha256, epoch, holder, storedAt: state.now };
}

function needsKey(step: Step): boolean {
  return ["planning", "checking", "doubting", "releasing"].includes(step.name);
}

/** Begins the step's work on the key, unless a renewal is under way: then it begins when that is done. */
function pursueKey(state: SinkState): Transition {
  const { step } = state;
  if (state.keyWork !== null || !needsKey(step)) return { state, effects: [] };
  if (step.name === "checking" || step.name === "doubting") return settleKey(beginKey(state, { purpose: "check" }));
  if (step.name === "releasing") return settleKey(beginKey(state, { purpose: "release" }));
  assert(step.name === "planning", "only planning is left");
  // The cut was raised since the rows were made: they carry the old one.
  if (step.facts.cut !== keyOf(state).cut) return enter(state, { name: "deciding" }, "replanned");
  return settleKey(beginKey(state, { purpose: "plan", plan: planOf(state, step.facts) }));
}

function planOf(state: SinkState, facts: BatchFacts): BatchPlan {
  const { first, last, catalogSeq, cut, rows, sha256 } = facts;
  const { incarnation, now: plannedAt } = state;
  const { decoderRev } = state.config;
  return { incarnation, first, last, catalogSeq, decoderRev, cut, plannedAt, rows, sha256 };
}

/** What follows for the batch from what happened to the key. */
function settleKey(key: KeyTransition): Transition {
  const { state, effects, result } = key;
  switch (result.type) {
    case "pending":
      return { state, effects };
    case "fenced":
      return stop(state, { type: "fenced", message: result.message });
    case "halted":
      return halt(state, result.error);
    case "cutRaised":
      return enter(state, { name: "deciding" }, "replanned");
    case "done":
      return keyDone(state, result.purpose);
  }
}

function keyDone(state: SinkState, purpose: KeyPurpose): Transition {
  const { step } = state;
  switch (purpose) {
    case "acquire":
      return state.draining ? enter(state, { name: "releasing" }) : enter(state, { name: "fencing" }, "acquired");
    case "renew": {
      const next = pursueKey(state);
      return { state: next.state, effects: [{ type: "crashPoint", point: "renewed" }, ...next.effects] };
    }
    case "plan":
      assert(step.name === "planning", "a plan was being written");
      return enter(
        state,
        { ...step, name: "inserting", plan: present(keyOf(state).plan, "the plan"), again: false },
        "planned",
      );
    case "check":
      if (step.name === "doubting") return halt(state, step.error);
      assert(step.name === "checking", "the key was being checked");
      return enter(state, { ...step, name: "inserting", again: true });
    case "release": {
      const stopped = stop(state, { type: "drained" });
      return { state: stopped.state, effects: [{ type: "crashPoint", point: "released" }, ...stopped.effects] };
    }
  }
}

/** The driver ends a take early; every other step finishes, and a batch that is planned is stored. */
function drain(state: SinkState): Transition {
  const idle = state.step.name === "acquiring" && state.keyWork?.stage === "waiting";
  return idle ? stop(state, { type: "drained" }) : { state, effects: [] };
}

function batchFailed(state: SinkState, event: Extract<SinkEvent, { type: "failed" }>): Transition {
  const { failure } = event;
  if (failure.code === SINK_FENCED) return stop(state, { type: "fenced", message: failure.message });
  if (failure.kind !== "unavailable" && !mayPass(state, failure))
    return doubt(state, { ...failure, message: `shard ${state.config.shard} stops: ${failure.message}` });
  // An open plan is left to the next writer, who makes the same bytes.
  if (state.draining) return enter(state, { name: "releasing" });
  const ms = retryWaitMs(state.config, state.attempt);
  const refusals = state.refusals + (failure.kind === "unavailable" ? 0 : 1);
  return { state: { ...state, attempt: state.attempt + 1, refusals }, effects: [{ type: "wait", line: "batch", ms }] };
}

/** What ClickHouse refused once, it may take the next time (a view that threw); the same bytes under the same token do no harm. */
function mayPass({ step, refusals }: SinkState, failure: Failure): boolean {
  return failure.kind === "broken" && step.name === "inserting" && refusals < REFUSALS_MAX;
}

function keyFailed(state: SinkState, event: Extract<SinkEvent, { type: "failed" }>): Transition {
  // Nothing can be released while the key cannot be reached: the lease runs out by itself. What was found wrong, if it was, the next start finds.
  if (state.draining && event.failure.kind === "unavailable") return stop(state, { type: "drained" });
  return settleKey(advanceKey(state, event));
}

/** After a pause, the step again; an insert only once the key has been read. */
function resume(state: SinkState): Transition {
  const { step } = state;
  if (state.draining && step.name !== "releasing") return enter(state, { name: "releasing" });
  if (step.name === "inserting") return enter(state, { ...step, name: "checking" });
  if (step.name === "committing") return enter(state, { ...step, again: true });
  return { state, effects: effectsOf(state) };
}

function keyOf(state: SinkState) {
  return present(state.key, "the shard's key").value;
}

/** Stops over `error`, unless the shard has another writer by now. */
function doubt(state: SinkState, error: AppErrorInput): Transition {
  return enter(state, { name: "doubting", error });
}

function halt(state: SinkState, error: AppErrorInput): Transition {
  return stop(state, { type: "halted", error });
}

function stop(state: SinkState, outcome: SinkOutcome): Transition {
  return {
    state: { ...state, step: { name: "stopped", outcome }, keyWork: null },
    effects: [{ type: "stop", outcome }],
  };
}
