import { expect, test } from "vitest";
import { identityIndex } from "../../../../src/app/sink/identity-index.ts";
import type { FilterCopies, SinkStore } from "../../../../src/app/ports.ts";
import type { FilterCopy } from "../../../../src/domain/filter-copy.ts";
import type { BatchPlan } from "../../../../src/domain/sink-plan.ts";
import { sha256UInt128 } from "../../../../src/kernel/hash.ts";

const CAPACITY = 10;
const INCARNATION = "7";

/** One batch per message: the identity that it brought. */
function keyOf(seq: number): bigint {
  return sha256UInt128(`identity ${seq}`);
}

function planOf(seq: number, sha256 = `rows of ${seq}`): BatchPlan {
  const range = { first: seq, last: seq, rows: 1, sha256 };
  return { incarnation: INCARNATION, catalogSeq: 1, decoderRev: 1, cut: 1, plannedAt: 0, ...range };
}

function halvesOf(keys: readonly bigint[]): Uint32Array {
  return new Uint32Array(keys.flatMap((key) => [64n, 96n].map((shift) => Number((key >> shift) & 0xffffffffn))));
}

/** A table in which the messages 1 to `last` are stored and committed, and what was read of it. */
function tableOf(last: number) {
  const seqs = Array.from({ length: last }, (_, index) => index + 1);
  const state = { seqs, reads: [] as string[], committed: (seq: number): BatchPlan | null => planOf(seq) };
  const store = {
    countIdentities: ({ upTo }: Parameters<SinkStore["countIdentities"]>[0]) =>
      Promise.resolve(state.seqs.filter((seq) => seq <= (upTo?.seq ?? Infinity)).length),
    // eslint-disable-next-line @typescript-eslint/require-await -- a stream that is there at once
    identities: async function* ({ behind }: Parameters<SinkStore["identities"]>[0]) {
      state.reads.push(behind === undefined ? "all" : `behind ${behind.incarnation}/${behind.seq}`);
      yield halvesOf(state.seqs.filter((seq) => seq > (behind?.seq ?? 0)).map(keyOf));
    },
    batchOf: ({ plan }: { plan: BatchPlan }) => {
      const found = plan.last <= Math.max(...state.seqs) ? state.committed(plan.first) : null;
      return Promise.resolve(found && { plan: found });
    },
    knownIdentities: ({ eventKeys }: Parameters<SinkStore["knownIdentities"]>[0]) =>
      Promise.resolve(eventKeys.map((eventKey) => ({ eventKey, bodyHash: 1n }))),
  };
  return { state, store: store as unknown as SinkStore };
}

function memoryCopies() {
  const state = { copy: null as FilterCopy | null, writes: 0 };
  const copies: FilterCopies = {
    read: () => Promise.resolve(state.copy && { ...state.copy, words: state.copy.words.slice() }),
    write: (_shard, copy) => {
      state.writes += 1;
      state.copy = { ...copy, words: copy.words.slice() };
      return Promise.resolve();
    },
  };
  return { state, copies };
}

/** The copy that a writer left behind after message `last`. */
async function copyBehind(last: number) {
  const { copies, state } = memoryCopies();
  const writer = identityIndex(tableOf(last).store, 0, { capacityMin: CAPACITY, copyEvery: CAPACITY, copies });
  await writer.load();
  writer.committed(planOf(last));
  await turn();
  expect(state.writes).toBe(1);
  return { copies, state };
}

/** Whatever is ready goes on. */
function turn(): Promise<void> {
  return new Promise((done) => setTimeout(done, 0));
}

/** How many of the identities 1 to `last` are asked about, that is, may be known. */
async function found(index: ReturnType<typeof identityIndex>, last: number): Promise<number> {
  const eventKeys = Array.from({ length: last }, (_, seq) => keyOf(seq + 1));
  return (await index.known({ eventKeys, incarnation: INCARNATION, beforeSeq: last + 1 })).size;
}

type LoadInput = {
  readonly copies: FilterCopies;
  readonly last: number;
  readonly change?: ((state: ReturnType<typeof tableOf>["state"]) => void) | undefined;
};

async function loadedBy({ copies, last, change }: LoadInput) {
  const { store, state } = tableOf(last);
  change?.(state);
  const warnings: string[] = [];
  const log = { info: () => undefined, warn: (_: object, text: string) => warnings.push(text), error: () => undefined };
  const index = identityIndex(store, 0, { capacityMin: CAPACITY, copies, log });
  await index.load();
  return { reads: state.reads, found: await found(index, last), warnings: warnings.length };
}

test("a start with a copy reads what came behind its batch, and misses no identity", async () => {
  const { copies } = await copyBehind(12);
  expect(await loadedBy({ copies, last: 15 })).toEqual({ reads: ["behind 7/12"], found: 15, warnings: 0 });
});

// Guarantee: a copy of another history than the table's is not used, whoever restored or refilled what.
test.each<[string, LoadInput["change"]]>([
  ["is not committed", ({ seqs }) => seqs.splice(11)],
  ["has other rows", (state) => (state.committed = (seq) => planOf(seq, "others"))],
  ["ends elsewhere", (state) => (state.committed = (seq) => ({ ...planOf(seq), last: seq + 1 }))],
  ["was stored again, as a refill does", (state) => (state.committed = (seq) => ({ ...planOf(seq), plannedAt: 1 }))],
])("a copy whose batch %s is not used", async (_, change) => {
  const { copies } = await copyBehind(12);
  const { reads } = await loadedBy({ copies, last: 15, change });
  expect(reads).toEqual(["all"]);
});

// Guarantee: tables that lost or got something behind the sink's back are believed, and the copy is not.
test.each<[string, LoadInput["change"]]>([
  ["fewer", ({ seqs }) => seqs.splice(3, 1)],
  ["more", ({ seqs }) => seqs.push(4)],
])("a copy is not used where the table has %s identities up to its batch", async (_, change) => {
  const { copies } = await copyBehind(12);
  const { reads } = await loadedBy({ copies, last: 15, change });
  expect(reads).toEqual(["behind 7/12", "all"]);
});

test("what is behind the batch is read from the table, whatever is missing there", async () => {
  const { copies } = await copyBehind(12);
  const { reads, found } = await loadedBy({ copies, last: 15, change: ({ seqs }) => seqs.splice(13, 1) });
  expect({ reads, found }).toEqual({ reads: ["behind 7/12"], found: 14 });
});

// Guarantee: a batch that was stored when the filter was loaded, and is added once more when it is inserted again, makes no copy say that it has more than it has.
test("identities that were added twice count once in a copy", async () => {
  const { copies, state } = memoryCopies();
  const index = identityIndex(tableOf(12).store, 0, { capacityMin: CAPACITY, copyEvery: CAPACITY, copies });
  await index.load();
  index.add([keyOf(12)]);
  index.committed(planOf(12));
  await turn();
  expect(state.copy).toMatchObject({ identities: 12, size: 13 });
  expect(await loadedBy({ copies, last: 15 })).toEqual({ reads: ["behind 7/12"], found: 15, warnings: 0 });
});

test("a copy that has become too small is not used", async () => {
  const { copies } = await copyBehind(12);
  expect(await loadedBy({ copies, last: 24 })).toMatchObject({ reads: ["behind 7/12", "all"], found: 24 });
});

test("a copy of another size than its capacity says is not used", async () => {
  const { copies, state } = await copyBehind(12);
  state.copy = { ...(state.copy as FilterCopy), words: new Uint32Array(8) };
  expect(await loadedBy({ copies, last: 15 })).toMatchObject({ reads: ["all"], found: 15 });
});

test("no copy, or one that cannot be read, is a start from the table", async () => {
  const { copies } = memoryCopies();
  expect(await loadedBy({ copies, last: 3 })).toEqual({ reads: ["all"], found: 3, warnings: 0 });
  const broken = { ...copies, read: () => Promise.reject(new Error("the disk is gone")) };
  expect(await loadedBy({ copies: broken, last: 3 })).toEqual({ reads: ["all"], found: 3, warnings: 1 });
});

test("the filter is copied again once enough identities have been added, one copy at a time", async () => {
  const { copies, state } = await copyBehind(12);
  let finish: (error?: Error) => void = () => undefined;
  const slow: FilterCopies = {
    ...copies,
    write: async (shard, copy, signal) => {
      await copies.write(shard, copy, signal);
      await new Promise<void>((done, failed) => (finish = (error) => (error === undefined ? done() : failed(error))));
    },
  };
  const { store, state: table } = tableOf(12);
  const index = identityIndex(store, 0, { capacityMin: CAPACITY, copyEvery: CAPACITY, copies: slow });
  await index.load();
  const add = async (from: number, to: number): Promise<number> => {
    for (let seq = from; seq <= to; seq += 1) {
      table.seqs.push(seq);
      index.add([keyOf(seq)]);
    }
    index.committed(planOf(to));
    await turn();
    return state.writes;
  };
  expect(await add(13, 21)).toBe(1);
  expect(await add(22, 22)).toBe(2);
  expect(state.copy?.plan.last).toBe(22);
  expect(await add(23, 40)).toBe(2);
  finish();
  await turn();
  expect(await add(41, 41)).toBe(3);
  // What a failed one lacks is due at once.
  finish(new Error("the disk is full"));
  await turn();
  expect(await add(42, 42)).toBe(4);
  finish();
  await index.close();
  expect(await add(43, 99)).toBe(4);
});

test("closing gives up the copy that is being written", async () => {
  const { copies } = memoryCopies();
  const hanging: FilterCopies = {
    ...copies,
    write: (_shard, _copy, signal) =>
      new Promise((_done, failed) => {
        signal.addEventListener("abort", () => {
          failed(signal.reason as Error);
        });
      }),
  };
  const index = identityIndex(tableOf(12).store, 0, { capacityMin: CAPACITY, copyEvery: CAPACITY, copies: hanging });
  await index.load();
  index.committed(planOf(12));
  await turn();
  await index.close();
});
