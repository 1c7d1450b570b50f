/**
 * Runs the protocol for one shard: performs its effects through the ports and tells it what came of them. Decides nothing itself. While a batch
 * is being inserted, the next one is read, decoded and made, as far as that can be before the insert is done, and no more than that one.
 */
import type { CutRegister, PlanMarks, ShardKeys, SinkLog } from "../ports.ts";
import type { BatchPlan, CommittedBatch } from "../../domain/sink-plan.ts";
import { assert, present } from "../../kernel/assert.ts";
import { AppError, type AppErrorInput } from "../../kernel/errors.ts";
import type { CrashHook } from "./crash-points.ts";
import type { KnownIdentities } from "./identity-index.ts";
import { inspectPosition } from "./inspect-position.ts";
import {
  makeBatch,
  makeBatchAhead,
  prepareBatch,
  prepareRecorded,
  type BatchPlacing,
  type MadeBatch,
  type MakeBatchDeps,
  type PreparedBatch,
} from "./make-batch.ts";
import { initialState, transition } from "./protocol.ts";
import type {
  BatchFacts,
  Failure,
  Line,
  SinkConfig,
  SinkEffect,
  SinkEvent,
  SinkOutcome,
  SinkState,
} from "./protocol-types.ts";
import type { ShardSituation, SinkObserver } from "./sink-observer.ts";

export type ShardWriterDeps = MakeBatchDeps & {
  readonly keys: ShardKeys;
  readonly cuts: CutRegister;
  readonly marks?: PlanMarks;
  readonly crash: CrashHook;
  readonly log: SinkLog;
  readonly observer?: SinkObserver;
  readonly onCommitted?: (batch: CommittedBatch) => void;
};

/** Between sending an insert and its crash point, so that the server has begun with it. */
const INSERT_SENT_MS = 2;
/** The lease is looked at this often in its time. */
const TICKS_PER_LEASE = 6;

/** Resolves when the shard was drained (after `signal`), was taken by another writer, or cannot go on. Never rejects. */
export function runShardWriter(deps: ShardWriterDeps, config: SinkConfig, signal: AbortSignal): Promise<SinkOutcome> {
  return new ShardWriter(deps, config).run(signal);
}

type MadeAheadResult = { readonly prepared: PreparedBatch; readonly made: MadeBatch } | null;
type MadeAhead = { readonly placing: BatchPlacing; readonly result: Promise<MadeAheadResult> };

class ShardWriter {
  private readonly deps: ShardWriterDeps;
  private state: SinkState;
  private readonly stopped = new AbortController();
  private readonly takes = new AbortController();
  private prefetch: { readonly from: number; readonly batch: Promise<PreparedBatch | null> } | null = null;
  private prepared: PreparedBatch | null = null;
  private made: MadeBatch | null = null;
  private madeAhead: MadeAhead | null = null;
  /** Circumstances of the last mark of this writer. */
  private marked = "";
  private settle: (outcome: SinkOutcome) => void = () => undefined;

  constructor(deps: ShardWriterDeps, config: SinkConfig) {
    this.deps = deps;
    this.state = initialState(config);
  }

  async run(signal: AbortSignal): Promise<SinkOutcome> {
    const { clock } = this.deps;
    const outcome = new Promise<SinkOutcome>((resolve) => {
      this.settle = resolve;
    });
    const drain = (): void => {
      this.takes.abort();
      this.attempt({ type: "draining", now: clock.nowMs() });
    };
    this.attempt({ type: "started", now: clock.nowMs() });
    if (signal.aborted) drain();
    else signal.addEventListener("abort", drain, { once: true });
    const ticking = this.tick();
    const result = await outcome;
    signal.removeEventListener("abort", drain);
    this.takes.abort();
    this.stopped.abort();
    await ticking;
    return result;
  }

  private async tick(): Promise<void> {
    const { signal } = this.stopped;
    const everyMs = this.state.config.leaseMs / TICKS_PER_LEASE;
    while (!signal.aborted) {
      await this.deps.clock.sleep(everyMs, signal).catch(() => undefined);
      this.attempt({ type: "ticked", now: this.deps.clock.nowMs() });
    }
  }

  private tell(event: SinkEvent): void {
    const next = transition(this.state, event);
    this.state = next.state;
    this.deps.observer?.moved(this.situation());
    for (const effect of next.effects) this.start(effect);
  }

  private start(effect: SinkEffect): void {
    if (effect.type === "crashPoint") {
      this.reach(effect.point);
      return;
    }
    if (effect.type === "stop") {
      this.settle(effect.outcome);
      return;
    }
    this.perform(effect).then(
      (event) => {
        this.attempt(event);
      },
      (error: unknown) => {
        this.attempt({
          type: "failed",
          line: lineOf(effect),
          failure: this.failureOf(effect, error),
          now: this.deps.clock.nowMs(),
        });
      },
    );
  }

  /** A protocol that throws is a broken invariant: the shard ends with it instead of hanging. */
  private attempt(event: SinkEvent): void {
    try {
      this.tell(event);
    } catch (error) {
      this.settle({ type: "halted", error: asError(error) });
    }
  }

  private reach(point: Parameters<CrashHook>[0]): void {
    if (point !== "insert-sent") this.deps.crash(point);
    else
      void this.deps.clock.sleep(INSERT_SENT_MS).then(() => {
        this.deps.crash(point);
      });
  }

  private async perform(effect: Exclude<SinkEffect, { type: "crashPoint" | "stop" }>): Promise<SinkEvent> {
    const { deps } = this;
    const { shard } = deps;
    const now = (): number => deps.clock.nowMs();
    switch (effect.type) {
      case "readKey": {
        const registerCut = (await deps.cuts.read()).value.cut;
        return { type: "keyRead", key: await deps.keys.read(shard), registerCut, now: now() };
      }
      case "writeKey":
        return { type: "keyWritten", revision: await deps.keys.compareAndSet({ shard, ...effect }), now: now() };
      case "writeFence":
        await deps.store.fence({
          shard,
          epoch: effect.epoch,
          holder: this.state.config.holder,
          takenAt: effect.takenAt,
        });
        return { type: "fenceWritten", now: now() };
      case "inspect":
        return { type: "inspected", position: await inspectPosition(deps, effect.plan), now: now() };
      case "loadFilter":
        // The first messages are read and decoded meanwhile.
        if (effect.open === null) this.prefetchFrom(this.state.last + 1);
        await deps.identities.load();
        return { type: "filterLoaded", now: now() };
      case "rebuild":
        return { type: "rebuilt", facts: this.observed(await this.rebuild(effect.plan)), now: now() };
      case "take":
        return { type: "taken", last: await this.take(effect.from), now: now() };
      case "decide":
        this.made = await this.decide(present(this.prepared, "the messages taken"), effect);
        return { type: "decided", facts: this.observed(this.made.facts), now: now() };
      case "insert":
        await this.insert(effect);
        return { type: "inserted", now: now() };
      case "commit":
        await deps.store.commit(effect);
        this.committed(effect.batch);
        return { type: "committed", now: now() };
      case "ackAll":
        await deps.stream.ackAll(effect.seq);
        return { type: "acked", now: now() };
      case "wait":
        await deps.clock.sleep(effect.ms, this.takes.signal).catch(() => undefined);
        return { type: "woke", line: effect.line, now: now() };
    }
  }

  private async rebuild(plan: BatchPlan): Promise<BatchFacts> {
    this.made = await makeBatch(this.deps, await prepareRecorded(this.deps, plan), plan);
    return this.made.facts;
  }

  private async take(from: number): Promise<number | null> {
    const ahead = this.prefetch?.from === from ? this.prefetch.batch : this.prepare(from);
    this.prefetch = null;
    this.prepared = await ahead;
    return this.prepared?.last ?? null;
  }

  private prepare(from: number): Promise<PreparedBatch | null> {
    return prepareBatch(this.deps, { from, signal: this.takes.signal });
  }

  private async decide(prepared: PreparedBatch, placing: BatchPlacing): Promise<MadeBatch> {
    // While the database looks, the next messages are decoded; otherwise that waits for the insert, so that the insert does not wait for it.
    if (prepared.ahead?.isDone() === false) this.prefetchFrom(prepared.last + 1);
    return (await this.takeMadeAhead(prepared, placing)) ?? makeBatch(this.deps, prepared, placing);
  }

  private async takeMadeAhead(prepared: PreparedBatch, placing: BatchPlacing): Promise<MadeBatch | null> {
    const ahead = this.madeAhead;
    this.madeAhead = null;
    // To the end in any case: both write the place of the batch into the same rows.
    const result = await ahead?.result;
    // The cut may have been raised meanwhile.
    if (ahead?.placing.incarnation !== placing.incarnation || ahead.placing.cut !== placing.cut) return null;
    return result?.prepared === prepared ? result.made : null;
  }

  private prefetchFrom(from: number): void {
    if (this.prefetch !== null || this.takes.signal.aborted) return;
    const batch = this.prepare(from);
    batch.catch(() => undefined);
    this.prefetch = { from, batch };
  }

  /** Once, however often the batch before has to be inserted again. */
  private makeAhead(placing: BatchPlacing, underWay: KnownIdentities): void {
    const { deps, prefetch } = this;
    if (prefetch === null || this.madeAhead !== null) return;
    const make = async (prepared: PreparedBatch | null): Promise<MadeAheadResult> => {
      const made = prepared === null ? null : await makeBatchAhead(deps, prepared, { placing, underWay });
      return prepared === null || made === null ? null : { prepared, made };
    };
    // Whatever fails ahead of its time is done again in its time, and fails then.
    this.madeAhead = { placing, result: prefetch.batch.then(make).catch(() => null) };
  }

  private async insert({ plan, epoch, again }: Extract<SinkEffect, { type: "insert" }>): Promise<void> {
    const { encoded, facts, accepted, release } = present(this.made, "the rows of the batch");
    // The same invariant once more, right before the bytes leave.
    assert(
      facts.sha256 === plan.sha256 && facts.first === plan.first && facts.last === plan.last,
      "the rows are those of the plan",
    );
    this.prefetchFrom(plan.last + 1);
    this.makeAhead(plan, accepted);
    await this.mark(plan);
    await this.deps.store.insert({ shard: this.deps.shard, plan, epoch, rows: encoded, again });
    // Of a request that was given up before this one nobody knows when it reads its bytes for the last time.
    if (!again) release();
    this.deps.identities.add(accepted.keys());
  }

  /** After the plan is recorded, so that a writer that lost the shard marks nothing; before the insert, so that no batch is stored without. */
  private async mark(plan: BatchPlan): Promise<void> {
    const { incarnation, first, cut, catalogSeq, decoderRev } = plan;
    const circumstances = `${incarnation} ${cut} ${catalogSeq} ${decoderRev}`;
    if (circumstances === this.marked) return;
    await this.deps.marks?.put({ shard: this.deps.shard, mark: { incarnation, first, cut, catalogSeq, decoderRev } });
    this.marked = circumstances;
  }

  private observed(facts: BatchFacts): BatchFacts {
    this.deps.observer?.decided(this.deps.shard, facts);
    return facts;
  }

  private situation(): ShardSituation {
    const { step, key, keyWork, last, incarnation } = this.state;
    return {
      shard: this.deps.shard,
      step: step.name,
      waiting: keyWork?.stage === "waiting",
      epoch: step.name === "acquiring" ? 0 : (key?.value.epoch ?? 0),
      committed: incarnation === "" ? null : last,
    };
  }

  private committed(batch: CommittedBatch): void {
    const { encoded, rejections } = present(this.made, "the rows of the batch");
    this.deps.observer?.committed({ batch, bytes: encoded.bytes.length, rejections });
    this.made = null;
    const { plan, counts, messages, shard } = batch;
    this.deps.identities.committed(plan);
    this.deps.log.info(
      { shard, first: plan.first, last: plan.last, messages, rows: plan.rows, cut: plan.cut, ...counts },
      "batch stored",
    );
    this.deps.onCommitted?.(batch);
  }

  private failureOf(effect: SinkEffect, thrown: unknown): Failure {
    const error = asError(thrown);
    const { kind, code } = error;
    const message =
      effect.type === "insert" ? `${error.message}${this.refusedRow(thrown, effect.plan)}` : error.message;
    if (kind === "unavailable" || effect.type === "insert") {
      const text = kind === "unavailable" ? `${message}; trying again` : message;
      this.deps.log.warn({ shard: this.deps.shard, code, during: effect.type }, text);
    }
    return { code, kind, message };
  }

  /** The engine counts the rows of the batch from 1; people look for messages. */
  private refusedRow(thrown: unknown, plan: BatchPlan): string {
    const row = thrown instanceof AppError ? thrown.details["row"] : undefined;
    const place = typeof row === "number" ? this.made?.rowPlace(row - 1) : undefined;
    return place === undefined ? ` (messages ${plan.first} to ${plan.last})` : ` (${place})`;
  }
}

function lineOf(effect: SinkEffect): Line {
  return effect.type === "readKey" || effect.type === "writeKey"
    ? "key"
    : effect.type === "wait"
      ? effect.line
      : "batch";
}

function asError(error: unknown): AppErrorInput {
  if (error instanceof AppError)
    return { code: error.code, kind: error.kind, message: error.message, details: error.details };
  return {
    code: "SINK_FAILED",
    kind: "broken",
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    cause: error,
  };
}
