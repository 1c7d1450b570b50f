/** A writer of shard 3 at each of its steps, and the events that lead there. */
import { expect } from "vitest";
import type { BatchPlan, CommittedBatch, ShardKey } from "../../../../src/domain/sink-plan.ts";
import { initialState, transition } from "../../../../src/app/sink/protocol.ts";
import type {
  BatchFacts,
  Position,
  SinkConfig,
  SinkEffect,
  SinkEvent,
  SinkState,
} from "../../../../src/app/sink/protocol-types.ts";

export const NOW = 1_000_000;
export const CONFIG: SinkConfig = {
  shard: 3,
  holder: "a#1",
  instance: "a",
  leaseMs: 9_000,
  decoderRev: 1,
  retryFirstMs: 100,
  retryMaxMs: 1_000,
};
export const INCARNATION = "1700000000000000000";
export const PLAN: BatchPlan = {
  incarnation: INCARNATION,
  first: 1,
  last: 10,
  catalogSeq: 7,
  decoderRev: 1,
  cut: 4,
  plannedAt: NOW - 5_000,
  rows: 12,
  sha256: "aa",
};
export const FACTS: BatchFacts = {
  first: 1,
  last: 10,
  cut: 4,
  catalogSeq: 7,
  messages: 10,
  rows: 12,
  sha256: "aa",
  counts: { accepted: 12, duplicate: 0, conflict: 0, rejected: 0 },
  lastMessageAt: 1_700_000_000_500_000_000n,
  lastMessageSha256: "cc",
};
export const COMMITTED: CommittedBatch = {
  shard: 3,
  plan: PLAN,
  messages: 10,
  counts: FACTS.counts,
  lastMessageAt: FACTS.lastMessageAt,
  lastMessageSha256: "cc",
  epoch: 1,
  holder: "b#1",
  storedAt: NOW - 4_000,
};
export const EMPTY: Position = {
  stream: { incarnation: INCARNATION, firstSeq: 1, lastSeq: 10 },
  lastBatch: null,
  lastMessage: null,
  holdsUnplanned: false,
};
export const STORED: Position = {
  ...EMPTY,
  lastBatch: COMMITTED,
  lastMessage: { ingestedAt: FACTS.lastMessageAt, sha256: "cc" },
};
const UNAVAILABLE = { code: "DOWN", kind: "unavailable", message: "down" } as const;

type Run = { state: SinkState; effects: readonly SinkEffect[] };

/** Feeds events one after another and keeps the effects of the last one, crash points aside. */
export function feed(from: SinkState, ...events: readonly SinkEvent[]): Run {
  let run: Run = { state: from, effects: [] };
  for (const event of events) {
    const next = transition(run.state, event);
    run = { state: next.state, effects: next.effects.filter((effect) => effect.type !== "crashPoint") };
  }
  return run;
}

export function keyRead(value: ShardKey | null, revision = 5, now = NOW): SinkEvent {
  return { type: "keyRead", key: value === null ? null : { value, revision }, registerCut: 4, now };
}

export const started: SinkEvent = { type: "started", now: NOW };
export const written = (revision: number | null): SinkEvent => ({ type: "keyWritten", revision, now: NOW });
export const failed = (
  line: "batch" | "key",
  failure: { code: string; kind: "unavailable" | "broken" | "conflict"; message: string } = UNAVAILABLE,
): SinkEvent => ({
  type: "failed",
  line,
  failure,
  now: NOW,
});
export const woke = (line: "batch" | "key"): SinkEvent => ({ type: "woke", line, now: NOW });
export const simple = (type: "fenceWritten" | "filterLoaded" | "inserted" | "committed" | "acked"): SinkEvent => ({
  type,
  now: NOW,
});

export function key(change: Partial<ShardKey> = {}): ShardKey {
  return { epoch: 1, holder: "b#1", expiry: 0, cut: 4, plan: null, ...change };
}

/** A writer with epoch 2 that waits for messages after `last`. */
export function taking(plan: BatchPlan | null = null): SinkState {
  const { state, effects } = feed(
    initialState(CONFIG),
    started,
    keyRead(key({ plan })),
    written(6),
    simple("fenceWritten"),
    { type: "inspected", position: plan === null ? EMPTY : STORED, now: NOW },
    simple("filterLoaded"),
  );
  expect(effects).toEqual([{ type: "take", from: plan === null ? 1 : 11 }]);
  return state;
}

export function deciding(): SinkState {
  return feed(taking(), { type: "taken", last: 10, now: NOW }).state;
}

export function planning(): SinkState {
  return feed(deciding(), { type: "decided", facts: FACTS, now: NOW }).state;
}

export function inserting(): SinkState {
  return feed(planning(), written(7)).state;
}

export const OWN: ShardKey = { epoch: 2, holder: "a#1", expiry: NOW + 9_000, cut: 4, plan: null };
export const OWN_PLAN: BatchPlan = { ...PLAN, plannedAt: NOW };
