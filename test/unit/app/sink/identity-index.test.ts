import { expect, test } from "vitest";
import { identityIndex } from "../../../../src/app/sink/identity-index.ts";
import type { SinkStore } from "../../../../src/app/ports.ts";

function halfOf(key: bigint): readonly number[] {
  return [64n, 96n].map((shift) => Number((key >> shift) & 0xffffffffn));
}

/** A table of identities with the sequence at which each was accepted, and what was asked of it. */
function tableOf(rows: readonly { readonly key: bigint; readonly seq: number }[]) {
  const asked: bigint[][] = [];
  let loads = 0;
  const table = {
    countIdentities: () => Promise.resolve(rows.length),
    // eslint-disable-next-line @typescript-eslint/require-await -- a stream that is there at once
    identities: async function* () {
      loads += 1;
      yield new Uint32Array(rows.flatMap(({ key }) => halfOf(key)));
    },
    knownIdentities: ({ eventKeys, before }: Parameters<SinkStore["knownIdentities"]>[0]) => {
      asked.push([...eventKeys]);
      const known = rows.filter(({ key, seq }) => eventKeys.includes(key) && (before === null || seq < before.seq));
      return Promise.resolve(known.map(({ key }) => ({ eventKey: key, bodyHash: key + 1n })));
    },
  };
  return { store: table as unknown as SinkStore, asked, loads: () => loads };
}

const KEY = 0xabcdef0123456789abcdef0123456789n;
const OTHER = 0x1234n;

test("asks the table only about what the filter cannot rule out, and once per key", async () => {
  const { store, asked } = tableOf([{ key: KEY, seq: 5 }]);
  const index = identityIndex(store, 0);
  await index.load();
  const known = await index.known({ eventKeys: [KEY, OTHER, KEY], incarnation: "1", beforeSeq: 10 });
  expect(known).toEqual(new Map([[KEY, KEY + 1n]]));
  expect(asked).toEqual([[KEY]]);
});

// Guarantee: a replay does not find its own rows, which may be in the table already.
test("an identity of the batch itself is not known", async () => {
  const { store } = tableOf([{ key: KEY, seq: 5 }]);
  const index = identityIndex(store, 0);
  await index.load();
  expect(await index.known({ eventKeys: [KEY], incarnation: "1", beforeSeq: 5 })).toEqual(new Map());
});

test("an identity that was added is asked about, one that was not is not", async () => {
  const { store, asked } = tableOf([]);
  const index = identityIndex(store, 0);
  await index.load();
  index.add([KEY]);
  await index.known({ eventKeys: [KEY, OTHER], incarnation: "1", beforeSeq: 10 });
  await index.known({ eventKeys: [OTHER], incarnation: "1", beforeSeq: 10 });
  expect(asked).toEqual([[KEY]]);
});

test("is loaded by itself before the first question", async () => {
  const { store, loads } = tableOf([{ key: KEY, seq: 1 }]);
  const index = identityIndex(store, 0);
  expect((await index.known({ eventKeys: [KEY], incarnation: "1", beforeSeq: 10 })).size).toBe(1);
  expect(loads()).toBe(1);
});

// Guarantee: an identity that the batch before accepts while the next one is looked up ahead is known when the next one is decided.
test("what was found ahead is not asked for again, what was not found is", async () => {
  const rows = [{ key: KEY, seq: 1 }];
  const { store, asked } = tableOf(rows);
  const index = identityIndex(store, 0);
  await index.load();
  const input = { eventKeys: [KEY, OTHER], incarnation: "1", beforeSeq: 10 };
  const ahead = await index.ahead(input.eventKeys);
  expect(ahead).toEqual(new Map([[KEY, KEY + 1n]]));
  rows.push({ key: OTHER, seq: 9 });
  index.add([OTHER]);
  expect(await index.known(input, ahead)).toEqual(
    new Map([
      [KEY, KEY + 1n],
      [OTHER, OTHER + 1n],
    ]),
  );
  expect(asked).toEqual([[KEY], [OTHER]]);
});

test("ahead is nothing while the filter is not loaded, and when the table does not answer", async () => {
  const { store, asked, loads } = tableOf([{ key: KEY, seq: 1 }]);
  const input = { eventKeys: [KEY], incarnation: "1", beforeSeq: 10 };
  expect(await identityIndex(store, 0).ahead(input.eventKeys)).toBeNull();
  expect([asked, loads()]).toEqual([[], 0]);
  const away = identityIndex({ ...store, knownIdentities: () => Promise.reject(new Error("away")) }, 0);
  await away.load();
  expect(await away.ahead(input.eventKeys)).toBeNull();
});
