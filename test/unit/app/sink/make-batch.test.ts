import fc from "fast-check";
import { expect, test } from "vitest";
import { identityIndex } from "../../../../src/app/sink/identity-index.ts";
import { makeBatch, makeBatchAhead, prepareBatch, type MakeBatchDeps } from "../../../../src/app/sink/make-batch.ts";
import type { SinkStore, UsageMessage, UsageStream } from "../../../../src/app/ports.ts";
import { batchRowsMemory } from "../../../../src/clickhouse/batch-rows.ts";
import { encodeUsageRows } from "../../../../src/clickhouse/encode-usage-rows.ts";
import { decideVerdicts } from "../../../../src/metering/decide-batch.ts";
import { createDecodeContext, DEFAULT_EVENT_TIME_RANGE } from "../../../../src/metering/decode-context.ts";
import { decodeMessage } from "../../../../src/metering/decode-message.ts";
import { SINK_CATALOG } from "../../../support/sink-catalog.ts";
import { eventOf, messageOf } from "../../../support/usage-message-of.ts";

const PLACING = { incarnation: "7", cut: 3 };
const SIGNAL = new AbortController().signal;

/** A shard whose accepted identities are in `stored`, by the sequence of their batch. */
function shardWith(messages: readonly UsageMessage[], stored: Map<bigint, { bodyHash: bigint; seq: number }>) {
  const store = {
    countIdentities: () => Promise.resolve(0),
    // eslint-disable-next-line @typescript-eslint/require-await -- a stream that is there at once
    identities: async function* () {
      yield new Uint32Array(0);
    },
    knownIdentities: ({ eventKeys, before }: Parameters<SinkStore["knownIdentities"]>[0]) => {
      const known = eventKeys.flatMap((eventKey) => {
        const found = stored.get(eventKey);
        const isKnown = found !== undefined && (before === null || found.seq < before.seq);
        return isKnown ? [{ eventKey, bodyHash: found.bodyHash }] : [];
      });
      return Promise.resolve(known);
    },
    quarantinedRows: () => Promise.resolve([]),
    retractionTargets: () => Promise.resolve(new Map()),
  } as unknown as SinkStore;
  const stream = { take: ({ from }: { from: number }) => Promise.resolve(messages.filter(({ seq }) => seq >= from)) };
  const catalog = (): Promise<typeof SINK_CATALOG> => Promise.resolve(SINK_CATALOG);
  const deps: MakeBatchDeps = {
    shard: 0,
    stream: stream as unknown as UsageStream,
    store,
    identities: identityIndex(store, 0),
    catalogs: { head: catalog, at: catalog },
    openRows: batchRowsMemory(),
    timeRange: DEFAULT_EVENT_TIME_RANGE,
    clock: { now: () => 0n, nowMs: () => 0, sleep: () => Promise.resolve() },
    limits: { batchEventsMax: BATCH, batchBytesMax: 1_000_000, batchWaitMs: 0 },
  };
  const prepare = async (from: number) => {
    const prepared = await prepareBatch(deps, { from, signal: SIGNAL });
    if (prepared === null) throw new Error("nothing to prepare");
    return prepared;
  };
  return { deps, prepare };
}

const BATCH = 6;
const event = fc.record({ id: fc.constantFrom("a", "b", "c", "d", "e"), tokens: fc.nat({ max: 2 }) });

// Guarantee: what is made before the batch in front of it is stored has the bytes that it would have afterwards, whatever repeats what.
test("a batch that was made ahead has the bytes of one that was made in its time", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 3 * BATCH, maxLength: 3 * BATCH }), async (events) => {
      const messages = events.map(({ id, tokens }, index) =>
        messageOf(eventOf({ id, data: { model: "m", user: "u", tokens } }), { seq: index + 1 }),
      );
      const stored = new Map<bigint, { bodyHash: bigint; seq: number }>();
      const { deps, prepare } = shardWith(messages, stored);
      await deps.identities.load();
      for (let from = 1; from <= BATCH + 1; from += BATCH) {
        const made = await makeBatch(deps, await prepare(from), PLACING);
        const next = await prepare(from + BATCH);
        const ahead = await makeBatchAhead(deps, next, { placing: PLACING, underWay: made.accepted });
        for (const [key, bodyHash] of made.accepted) stored.set(key, { bodyHash, seq: from });
        deps.identities.add(made.accepted.keys());
        const { facts, encoded, accepted } = await makeBatch(deps, next, PLACING);
        expect(ahead).toMatchObject({ facts, encoded, accepted });
      }
    }),
  );
});

const kinds = fc.constantFrom("usage", "usage", "usage", "unmetered", "rejected", "void");
const mixed = fc.record({ kind: kinds, id: fc.constantFrom("a", "b", "c", "d", "e"), tokens: fc.nat({ max: 2 }) });

function mixedEvent({ kind, id, tokens }: { kind: string; id: string; tokens: number }, index: number) {
  if (kind === "void") return eventOf({ id: `void-${index}`, type: "meterline.void", data: { id } });
  if (kind === "unmetered") return eventOf({ id, type: "other", data: { tokens } });
  const data = kind === "rejected" ? {} : { model: "m", user: "u", tokens };
  return eventOf({ id, data });
}

// Guarantee: that a row is written before its verdict is known changes no byte of the batch, whatever stands between the ordinary events.
test("a batch has the bytes of its rows as they are when all is decided", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(mixed, { minLength: 1, maxLength: BATCH }),
      fc.nat({ max: 3 }),
      async (events, shared) => {
        const all = events.map(mixedEvent);
        // The first message holds several, each other one a single event.
        const messages = [all.slice(0, shared + 1), ...all.slice(shared + 1)].map((body, index) =>
          messageOf(body, { seq: index + 1 }),
        );
        const { deps, prepare } = shardWith(messages, new Map());
        await deps.identities.load();
        const batch = { shard: 0, incarnation: 7n, batchFirst: 1, cut: 3 };
        const context = createDecodeContext({ catalog: SINK_CATALOG, timeRange: DEFAULT_EVENT_TIME_RANGE });
        const decoded = messages.flatMap((message) => decodeMessage(message, context));
        const amend = { catalog: SINK_CATALOG, catalogAt: () => SINK_CATALOG, timeRange: DEFAULT_EVENT_TIME_RANGE };
        const whole = decideVerdicts({ events: decoded, known: new Map(), targets: new Map(), amend, batch });
        // Twice, the second time with the memory of the first, under another cut before: nothing of it may be left.
        for (const cut of [9, 3]) {
          const prepared = await prepare(1);
          await makeBatch(deps, prepared, { incarnation: "8", cut: 1 });
          const made = await makeBatch(deps, prepared, { incarnation: "7", cut });
          if (cut === 3) expect(Buffer.from(made.encoded.bytes).equals(encodeUsageRows(whole.rows))).toBe(true);
          expect(made.facts.counts).toEqual(whole.counts);
          expect(made.accepted).toEqual(whole.accepted);
          made.release();
        }
      },
    ),
  );
});

test("memory is given back once", async () => {
  const { deps, prepare } = shardWith([messageOf(eventOf(), { seq: 1 })], new Map());
  await deps.identities.load();
  const made = await makeBatch(deps, await prepare(1), PLACING);
  made.release();
  expect(made.release).toThrow(/given back once/);
});

test("names the message of a row that is written already", async () => {
  const { deps, prepare } = shardWith([messageOf([eventOf(), eventOf({ id: "e2" })], { seq: 1 })], new Map());
  await deps.identities.load();
  const { rowPlace } = await makeBatch(deps, await prepare(1), PLACING);
  expect(rowPlace(1)).toBe("message 1, event 1 (gw/e2)");
});

test.each([
  ["a void", messageOf(eventOf({ type: "meterline.void", data: { id: "a" } }), { seq: 2 })],
  ["a replay", messageOf(eventOf(), { seq: 2, subject: "quarantine.gw.7.1.0.5" })],
])("%s is not decided before the batch in front of it is stored", async (_, message) => {
  const { deps, prepare } = shardWith([messageOf(eventOf(), { seq: 1 }), message], new Map());
  await deps.identities.load();
  expect(await makeBatchAhead(deps, await prepare(2), { placing: PLACING, underWay: new Map() })).toBeNull();
});

test("nothing is made ahead without what was looked up ahead", async () => {
  const { deps, prepare } = shardWith([messageOf(eventOf(), { seq: 1 })], new Map());
  expect(await makeBatchAhead(deps, await prepare(1), { placing: PLACING, underWay: new Map() })).toBeNull();
});
