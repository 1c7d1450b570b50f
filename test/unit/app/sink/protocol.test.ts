import { describe, expect, test } from "vitest";
import type { SinkEvent } from "../../../../src/app/sink/protocol-types.ts";
import { initialState, transition } from "../../../../src/app/sink/protocol.ts";
import {
  NOW,
  CONFIG,
  INCARNATION,
  PLAN,
  FACTS,
  COMMITTED,
  EMPTY,
  OWN,
  OWN_PLAN,
  feed,
  keyRead,
  key,
  taking,
  deciding,
  planning,
  inserting,
  started,
  written,
  failed,
  woke,
  simple,
} from "./protocol-steps.ts";

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
      { type: "commit", batch: { ...COMMITTED, plan: OWN_PLAN, epoch: 2, holder: "a#1", storedAt: NOW }, again: false },
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
