import { describe, expect, test } from "vitest";
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

const NOW = 1_000_000;
const CONFIG: SinkConfig = {
  shard: 3,
  holder: "a#1",
  instance: "a",
  leaseMs: 9_000,
  decoderRev: 1,
  retryFirstMs: 100,
  retryMaxMs: 1_000,
};
const INCARNATION = "1700000000000000000";
const PLAN: BatchPlan = {
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
const FACTS: BatchFacts = {
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
const COMMITTED: CommittedBatch = {
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
const EMPTY: Position = {
  stream: { incarnation: INCARNATION, firstSeq: 1, lastSeq: 10 },
  lastBatch: null,
  lastMessage: null,
  holdsUnplanned: false,
};
const STORED: Position = {
  ...EMPTY,
  lastBatch: COMMITTED,
  lastMessage: { ingestedAt: FACTS.lastMessageAt, sha256: "cc" },
};
const UNAVAILABLE = { code: "DOWN", kind: "unavailable", message: "down" } as const;

type Run = { state: SinkState; effects: readonly SinkEffect[] };

/** Feeds events one after another and keeps the effects of the last one, crash points aside. */
function feed(from: SinkState, ...events: readonly SinkEvent[]): Run {
  let run: Run = { state: from, effects: [] };
  for (const event of events) {
    const next = transition(run.state, event);
    run = { state: next.state, effects: next.effects.filter((effect) => effect.type !== "crashPoint") };
  }
  return run;
}

function keyRead(value: ShardKey | null, revision = 5, now = NOW): SinkEvent {
  return { type: "keyRead", key: value === null ? null : { value, revision }, registerCut: 4, now };
}

const started: SinkEvent = { type: "started", now: NOW };
const written = (revision: number | null): SinkEvent => ({ type: "keyWritten", revision, now: NOW });
const failed = (
  line: "batch" | "key",
  failure: { code: string; kind: "unavailable" | "broken" | "conflict"; message: string } = UNAVAILABLE,
): SinkEvent => ({
  type: "failed",
  line,
  failure,
  now: NOW,
});
const woke = (line: "batch" | "key"): SinkEvent => ({ type: "woke", line, now: NOW });
const simple = (type: "fenceWritten" | "filterLoaded" | "inserted" | "committed" | "acked"): SinkEvent => ({
  type,
  now: NOW,
});

function key(change: Partial<ShardKey> = {}): ShardKey {
  return { epoch: 1, holder: "b#1", expiry: 0, cut: 4, plan: null, ...change };
}

/** A writer with epoch 2 that waits for messages after `last`. */
function taking(plan: BatchPlan | null = null): SinkState {
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

function deciding(): SinkState {
  return feed(taking(), { type: "taken", last: 10, now: NOW }).state;
}

function planning(): SinkState {
  return feed(deciding(), { type: "decided", facts: FACTS, now: NOW }).state;
}

function inserting(): SinkState {
  return feed(planning(), written(7)).state;
}

const OWN: ShardKey = { epoch: 2, holder: "a#1", expiry: NOW + 9_000, cut: 4, plan: null };
const OWN_PLAN: BatchPlan = { ...PLAN, plannedAt: NOW };

describe("taking a shard", () => {
  test("an adopted incarnation stays with the key", () => {
    const { effects } = feed(initialState(CONFIG), started, keyRead(key({ adopted: "200" })));
    expect(effects).toEqual([
      expect.objectContaining({ key: { ...OWN, adopted: "200", expiry: expect.any(Number) as number } }),
    ]);
  });

  test("an untaken shard begins with epoch 1 and the register's cut", () => {
    const { effects } = feed(initialState(CONFIG), started, keyRead(null));
    expect(effects).toEqual([
      { type: "writeKey", revision: 0, key: { epoch: 1, holder: "a#1", expiry: NOW + 9_000, cut: 4, plan: null } },
    ]);
  });

  test("a released or expired key is taken with the next epoch and keeps its plan", () => {
    const { effects } = feed(
      initialState(CONFIG),
      started,
      keyRead(key({ epoch: 8, expiry: NOW, plan: PLAN, cut: 9 })),
    );
    expect(effects).toEqual([
      { type: "writeKey", revision: 5, key: { epoch: 9, holder: "a#1", expiry: NOW + 9_000, cut: 9, plan: PLAN } },
    ]);
  });

  test("a living holder is waited for, and then the key is read again", () => {
    const waiting = feed(initialState(CONFIG), started, keyRead(key({ expiry: NOW + 300 })));
    expect(waiting.effects).toEqual([{ type: "wait", line: "key", ms: 300 }]);
    expect(feed(waiting.state, woke("key")).effects).toEqual([{ type: "readKey" }]);
  });

  test("a long lease is looked at every second, because a writer that drains releases it early", () => {
    const { effects } = feed(initialState(CONFIG), started, keyRead(key({ expiry: NOW + 9_000 })));
    expect(effects).toEqual([{ type: "wait", line: "key", ms: 1_000 }]);
  });

  test("a predecessor of the same instance is dead, whatever its lease says", () => {
    const { effects } = feed(initialState(CONFIG), started, keyRead(key({ holder: "a#0", expiry: NOW + 9_000 })));
    expect(effects[0]?.type).toBe("writeKey");
  });

  test("a lost race reads again, and waits for the winner", () => {
    const lost = feed(initialState(CONFIG), started, keyRead(key()), written(null));
    expect(lost.effects).toEqual([{ type: "readKey" }]);
    const winner = keyRead(key({ epoch: 2, holder: "c#1", expiry: NOW + 9_000 }), 6);
    expect(feed(lost.state, winner).effects).toEqual([{ type: "wait", line: "key", ms: 1_000 }]);
  });

  // Guarantee: a write whose answer got lost is found again instead of being taken for somebody else's.
  test("a write without an answer is recognised as arrived", () => {
    const unknown = feed(initialState(CONFIG), started, keyRead(key()), failed("key"), woke("key"));
    expect(unknown.effects).toEqual([{ type: "readKey" }]);
    expect(feed(unknown.state, keyRead(OWN, 6)).effects).toEqual([{ type: "writeFence", epoch: 2, takenAt: NOW }]);
  });

  test("the fence is raised before anything is looked at, and both are asked for again while unavailable", () => {
    const fencing = feed(initialState(CONFIG), started, keyRead(key()), written(6), failed("batch"));
    expect(fencing.effects).toEqual([{ type: "wait", line: "batch", ms: 100 }]);
    expect(feed(fencing.state, woke("batch"), failed("batch")).effects).toEqual([
      { type: "wait", line: "batch", ms: 200 },
    ]);
    expect(feed(fencing.state, woke("batch"), simple("fenceWritten")).effects).toEqual([
      { type: "inspect", plan: null },
    ]);
  });
});

describe("an open plan", () => {
  const rebuilding = feed(
    initialState(CONFIG),
    started,
    keyRead(key({ plan: PLAN })),
    written(6),
    simple("fenceWritten"),
    { type: "inspected", position: EMPTY, now: NOW },
    simple("filterLoaded"),
  );

  test("is rebuilt after the filter is loaded, and inserted with the recorded plan and the new epoch", () => {
    expect(rebuilding.effects).toEqual([{ type: "rebuild", plan: PLAN }]);
    const { effects } = feed(rebuilding.state, { type: "rebuilt", facts: FACTS, now: NOW });
    expect(effects).toEqual([{ type: "insert", plan: PLAN, epoch: 2, again: true }]);
  });

  // Guarantee: other bytes never go out under a token that may already be spent; the process ends with exit code 70.
  test.each([{ sha256: "bb" }, { rows: 11 }])("with other rows stops as broken: %o", (change) => {
    const doubting = feed(rebuilding.state, { type: "rebuilt", facts: { ...FACTS, ...change }, now: NOW });
    expect(doubting.effects).toEqual([{ type: "readKey" }]);
    expect(feed(doubting.state, keyRead({ ...OWN, plan: PLAN }, 6)).effects).toMatchObject([
      { type: "stop", outcome: { type: "halted", error: { code: "PLAN_NOT_REPRODUCIBLE", kind: "broken" } } },
    ]);
  });

  test("goes on behind it once it is committed", () => {
    const acking = feed(
      rebuilding.state,
      { type: "rebuilt", facts: FACTS, now: NOW },
      simple("inserted"),
      simple("committed"),
    );
    expect(acking.effects).toEqual([{ type: "ackAll", seq: 10 }]);
    expect(feed(acking.state, simple("acked")).effects).toEqual([{ type: "take", from: 11 }]);
  });

  test("that is committed already is not rebuilt", () => {
    expect(taking(PLAN).last).toBe(10);
  });
});

describe("a batch", () => {
  test("is decided with the key's cut, planned by compare-and-set, inserted, committed, acknowledged", () => {
    const decided = feed(taking(), { type: "taken", last: 10, now: NOW });
    expect(decided.effects).toEqual([{ type: "decide", incarnation: INCARNATION, cut: 4 }]);
    const planned = feed(decided.state, { type: "decided", facts: FACTS, now: NOW });
    expect(planned.effects).toEqual([{ type: "writeKey", revision: 6, key: { ...OWN, plan: OWN_PLAN } }]);
    const inserted = feed(planned.state, written(7));
    expect(inserted.effects).toEqual([{ type: "insert", plan: OWN_PLAN, epoch: 2, again: false }]);
    const committing = feed(inserted.state, simple("inserted"));
    expect(committing.effects).toEqual([
      { type: "commit", batch: { ...COMMITTED, plan: OWN_PLAN, epoch: 2, holder: "a#1", storedAt: NOW } },
    ]);
    expect(feed(committing.state, simple("committed")).effects).toEqual([{ type: "ackAll", seq: 10 }]);
  });

  test("nothing taken asks again from the same place", () => {
    expect(feed(taking(), { type: "taken", last: null, now: NOW }).effects).toEqual([{ type: "take", from: 1 }]);
  });

  test("that does not begin behind the last one is a broken invariant", () => {
    expect(() => feed(deciding(), { type: "decided", facts: { ...FACTS, first: 2 }, now: NOW })).toThrow(
      /begins where/,
    );
  });

  // Guarantee: after a raise of the cut no row with the old cut is planned; the same messages are decided again.
  test("whose plan loses to a raised cut is decided again with the new cut", () => {
    const lost = feed(planning(), written(null));
    expect(lost.effects).toEqual([{ type: "readKey" }]);
    const again = feed(lost.state, keyRead({ ...OWN, cut: 5 }, 8));
    expect(again.effects).toEqual([{ type: "decide", incarnation: INCARNATION, cut: 5 }]);
    const { effects } = feed(again.state, { type: "decided", facts: { ...FACTS, cut: 5, sha256: "dd" }, now: NOW });
    expect(effects).toMatchObject([{ type: "writeKey", revision: 8, key: { cut: 5, plan: { cut: 5, sha256: "dd" } } }]);
  });

  test("whose plan loses to another writer is never inserted", () => {
    const { effects } = feed(planning(), written(null), keyRead(key({ epoch: 3, holder: "c#1" }), 8));
    expect(effects).toMatchObject([{ type: "stop", outcome: { type: "fenced" } }]);
  });

  test("whose plan was written although its answer got lost is inserted, even when the cut was raised on top", () => {
    const unknown = feed(planning(), failed("key"), woke("key"));
    const arrived = feed(unknown.state, keyRead({ ...OWN, plan: OWN_PLAN, cut: 5 }, 9));
    expect(arrived.effects).toEqual([{ type: "insert", plan: OWN_PLAN, epoch: 2, again: false }]);
    expect(arrived.state.key).toEqual({ value: { ...OWN, plan: OWN_PLAN, cut: 5 }, revision: 9 });
  });

  test("whose plan was not written is written again on the revision that is there", () => {
    const { effects } = feed(planning(), failed("key"), woke("key"), keyRead(OWN, 6));
    expect(effects).toEqual([{ type: "writeKey", revision: 6, key: { ...OWN, plan: OWN_PLAN } }]);
  });

  test("that was decided with a cut that a renewal then found raised is decided again", () => {
    const renewing = feed(deciding(), { type: "ticked", now: NOW + 8_000 });
    const raised = feed(renewing.state, written(null), keyRead({ ...OWN, cut: 5 }, 8), written(9));
    expect(feed(raised.state, { type: "decided", facts: FACTS, now: NOW }).effects).toEqual([
      { type: "decide", incarnation: INCARNATION, cut: 5 },
    ]);
  });
});

function refusedThrice(): SinkState {
  let state = inserting();
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const refused = failed("batch", { code: "CLICKHOUSE_X", kind: "broken", message: "row 7" });
    state = feed(state, refused, woke("batch"), keyRead({ ...OWN, plan: OWN_PLAN }, 7)).state;
  }
  return state;
}

describe("a failing insert", () => {
  // Guarantee: the deduplication window is no fence; before the same bytes go out again the key is read.
  test("is repeated with the same plan after a pause and a look at the key", () => {
    const paused = feed(inserting(), failed("batch"));
    expect(paused.effects).toEqual([{ type: "wait", line: "batch", ms: 100 }]);
    const checking = feed(paused.state, woke("batch"));
    expect(checking.effects).toEqual([{ type: "readKey" }]);
    const { effects } = feed(checking.state, keyRead({ ...OWN, plan: OWN_PLAN, cut: 5 }, 9));
    expect(effects).toEqual([{ type: "insert", plan: OWN_PLAN, epoch: 2, again: true }]);
  });

  test("stops when the key has gone to another writer meanwhile", () => {
    const { effects } = feed(inserting(), failed("batch"), woke("batch"), keyRead(key({ epoch: 3, holder: "c#1" }), 9));
    expect(effects).toMatchObject([{ type: "stop", outcome: { type: "fenced" } }]);
  });

  test("stops when the fence says so", () => {
    const { effects } = feed(inserting(), failed("batch", { code: "SINK_FENCED", kind: "conflict", message: "newer" }));
    expect(effects).toEqual([{ type: "stop", outcome: { type: "fenced", message: "newer" } }]);
  });

  test("is tried again when it was refused once, after the key was read, with the same bytes", () => {
    const refused = failed("batch", { code: "CLICKHOUSE_X", kind: "broken", message: "a view threw" });
    const paused = feed(inserting(), refused);
    expect(paused.effects).toMatchObject([{ type: "wait" }]);
    const again = feed(paused.state, woke("batch"), keyRead({ ...OWN, plan: OWN_PLAN }, 7));
    expect(again.effects).toMatchObject([{ type: "insert", plan: OWN_PLAN }]);
  });

  test("an outage before does not use up the attempts at a refusal", () => {
    let state = inserting();
    for (let attempt = 0; attempt < 9; attempt += 1)
      state = feed(state, failed("batch"), woke("batch"), keyRead({ ...OWN, plan: OWN_PLAN }, 7)).state;
    const { effects } = feed(state, failed("batch", { code: "CLICKHOUSE_X", kind: "broken", message: "a view threw" }));
    expect(effects).toMatchObject([{ type: "wait" }]);
  });

  test("halts the shard on a refusal that does not change, with what was refused", () => {
    const refused = failed("batch", { code: "CLICKHOUSE_X", kind: "broken", message: "row 7" });
    const { effects } = feed(refusedThrice(), refused, keyRead({ ...OWN, plan: OWN_PLAN }, 7));
    expect(effects).toMatchObject([
      { type: "stop", outcome: { type: "halted", error: { code: "CLICKHOUSE_X", message: "shard 3 stops: row 7" } } },
    ]);
  });

  test("waits longer each time, up to a bound", () => {
    let state = inserting();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 6; attempt += 1) {
      const paused = feed(state, failed("batch"));
      for (const effect of paused.effects) if (effect.type === "wait") waits.push(effect.ms);
      state = feed(paused.state, woke("batch"), keyRead({ ...OWN, plan: OWN_PLAN }, 7)).state;
    }
    expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });
});

describe("the lease", () => {
  test("is renewed once a third of it is gone, not before", () => {
    expect(feed(taking(), { type: "ticked", now: NOW + 2_000 }).effects).toEqual([]);
    expect(feed(taking(), { type: "ticked", now: NOW + 3_000 }).effects).toEqual([
      { type: "writeKey", revision: 6, key: { ...OWN, expiry: NOW + 12_000 } },
    ]);
  });

  test("a plan waits for a renewal that is under way, and is then written on its revision", () => {
    const renewing = feed(deciding(), { type: "ticked", now: NOW + 8_000 });
    const waiting = feed(renewing.state, { type: "decided", facts: FACTS, now: NOW });
    expect(waiting.effects).toEqual([]);
    expect(feed(waiting.state, written(7)).effects).toMatchObject([
      { type: "writeKey", revision: 7, key: { plan: { first: 1 } } },
    ]);
  });

  test("a renewal that loses to another writer stops everything", () => {
    const lost = feed(
      inserting(),
      { type: "ticked", now: NOW + 8_000 },
      written(null),
      keyRead(key({ epoch: 3, holder: "c#1" }), 9),
    );
    expect(lost.effects).toMatchObject([{ type: "stop", outcome: { type: "fenced" } }]);
    expect(feed(lost.state, simple("inserted")).effects).toEqual([]);
  });

  test("a key that is gone stops everything", () => {
    const { effects } = feed(taking(), { type: "ticked", now: NOW + 8_000 }, written(null), keyRead(null));
    expect(effects).toMatchObject([{ type: "stop", outcome: { type: "fenced" } }]);
  });
});

describe("draining", () => {
  const draining: SinkEvent = { type: "draining", now: NOW };
  const released = [{ type: "writeKey", revision: 6, key: { ...OWN, expiry: 0 } }];

  test("releases the key when nothing is under way", () => {
    const { state, effects } = feed(taking(), draining, { type: "taken", last: null, now: NOW });
    expect(effects).toEqual(released);
    expect(feed(state, written(7)).effects).toEqual([{ type: "stop", outcome: { type: "drained" } }]);
  });

  test("leaves messages that are taken but not planned to the next writer", () => {
    expect(feed(taking(), draining, { type: "taken", last: 10, now: NOW }).effects).toEqual(released);
  });

  test("finishes the batch that is planned", () => {
    const { effects } = feed(inserting(), draining, simple("inserted"), simple("committed"), simple("acked"));
    expect(effects).toMatchObject([{ type: "writeKey", key: { expiry: 0, plan: OWN_PLAN } }]);
  });

  test("leaves an open plan behind when ClickHouse is away", () => {
    expect(feed(inserting(), draining, failed("batch")).effects).toMatchObject([
      { type: "writeKey", key: { expiry: 0, plan: OWN_PLAN } },
    ]);
  });

  test("ends when the key cannot be reached: the lease runs out by itself", () => {
    const { effects } = feed(taking(), draining, { type: "taken", last: null, now: NOW }, failed("key"));
    expect(effects).toEqual([{ type: "stop", outcome: { type: "drained" } }]);
  });

  test("ends at once while another writer has the shard", () => {
    const { effects } = feed(initialState(CONFIG), started, keyRead(key({ expiry: NOW + 3_000 })), draining);
    expect(effects).toEqual([{ type: "stop", outcome: { type: "drained" } }]);
  });
});

describe("a writer that finds something wrong", () => {
  const doubting = feed(
    initialState(CONFIG),
    started,
    keyRead(key()),
    written(6),
    simple("fenceWritten"),
    // Another writer has stored a batch meanwhile: to this one, whose key has no plan, the database looks too far ahead.
    { type: "inspected", position: STORED, now: NOW },
  );

  // Guarantee: nobody is told to adopt a stream because a slow writer saw the work of its successor.
  test("is fenced when the shard has another writer by now", () => {
    expect(doubting.effects).toEqual([{ type: "readKey" }]);
    const { effects } = feed(doubting.state, keyRead(key({ epoch: 3, holder: "c#1", plan: PLAN }), 9));
    expect(effects).toMatchObject([{ type: "stop", outcome: { type: "fenced" } }]);
  });

  test("halts when the shard is still its own", () => {
    const { effects } = feed(doubting.state, keyRead(OWN, 6));
    expect(effects).toMatchObject([{ type: "stop", outcome: { error: { code: "CLICKHOUSE_AHEAD" } } }]);
  });

  test("asks again while the key cannot be reached, and leaves it to the next start when it is to end", () => {
    const asking = feed(doubting.state, failed("key"));
    expect(asking.effects).toMatchObject([{ type: "wait", line: "key" }]);
    const draining = feed(asking.state, { type: "draining", now: NOW }, woke("key"), failed("key"));
    expect(draining.effects).toEqual([{ type: "stop", outcome: { type: "drained" } }]);
  });
});

test("nothing moves a writer that has stopped", () => {
  const refused = failed("batch", { code: "X", kind: "conflict", message: "x" });
  const stopped = feed(inserting(), refused, keyRead({ ...OWN, plan: OWN_PLAN }, 7)).state;
  for (const event of [simple("inserted"), woke("batch"), written(9), { type: "ticked", now: NOW * 2 } as const]) {
    expect(transition(stopped, event)).toEqual({ state: stopped, effects: [] });
  }
});

test("every step leaves a named crash point behind it", () => {
  const points: string[] = [];
  let state = initialState(CONFIG);
  const events: SinkEvent[] = [
    started,
    keyRead(key()),
    written(6),
    simple("fenceWritten"),
    { type: "inspected", position: EMPTY, now: NOW },
    simple("filterLoaded"),
    { type: "taken", last: 10, now: NOW },
    { type: "decided", facts: FACTS, now: NOW },
    written(7),
    simple("inserted"),
    simple("committed"),
    simple("acked"),
  ];
  for (const event of events) {
    const next = transition(state, event);
    state = next.state;
    for (const effect of next.effects) if (effect.type === "crashPoint") points.push(effect.point);
  }
  expect(points).toEqual([
    "acquired",
    "fenced",
    "inspected",
    "filter-loaded",
    "taken",
    "decided",
    "planned",
    "insert-sent",
    "inserted",
    "committed",
    "acked",
  ]);
});
