import { describe, expect, test } from "vitest";
import type { SinkState } from "../../../../src/app/sink/protocol-types.ts";
import { initialState } from "../../../../src/app/sink/protocol.ts";
import {
  NOW,
  CONFIG,
  PLAN,
  STORED,
  OWN,
  OWN_PLAN,
  feed,
  keyRead,
  key,
  inserting,
  started,
  written,
  failed,
  woke,
  simple,
} from "./protocol-steps.ts";

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

// Guarantee: whether the batch is committed already is looked for unless this writer has planned it and commits it for the first time.
describe("a commit", () => {
  test("that failed is repeated as one that may have been stored", () => {
    const { effects } = feed(inserting(), simple("inserted"), failed("batch"), woke("batch"));
    expect(effects).toMatchObject([{ type: "commit", batch: { plan: OWN_PLAN }, again: true }]);
  });

  test("behind an insert that was repeated is one that may have been stored", () => {
    const repeated = feed(inserting(), failed("batch"), woke("batch"), keyRead({ ...OWN, plan: OWN_PLAN }, 7));
    expect(feed(repeated.state, simple("inserted")).effects).toMatchObject([{ type: "commit", again: true }]);
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
