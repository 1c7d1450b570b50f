/** The journal on a real nats-server: one chain whoever appends, and what is wrong with a chain is named. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { appendEntries } from "../../../src/app/append-entries.ts";
import { createJournalReader } from "../../../src/app/catalog/journal-reader.ts";
import type { Journal } from "../../../src/app/ports.ts";
import {
  GENESIS_HASH,
  type CatalogVersionEntry,
  type JournalBody,
  type RecordedEntry,
} from "../../../src/domain/journal-entry.ts";
import { startNatsServer, type NatsServer } from "../../../src/embedded/nats-server.ts";
import { AppError } from "../../../src/kernel/errors.ts";
import { sha256Hex } from "../../../src/kernel/hash.ts";
import { connectNats, type Nats } from "../../../src/stream/connect.ts";
import { ensureStreams, JOURNAL_STREAM, JOURNAL_SUBJECT } from "../../../src/stream/ensure-streams.ts";
import { createJournal } from "../../../src/stream/journal.ts";
import { makeEmptyStream } from "../../support/empty-stream.ts";
import { freePort } from "../../support/free-port.ts";
import { tempDir, type TempDir } from "../../support/temp-dir.ts";

const MIB = 1024 ** 2;
const APPENDERS = 20;
const CHANGES_EACH = 3;
const VERSIONS_EACH = 40;
/** Each attempt loses to somebody's change, so that there are never more attempts than changes; entries of a cut change may add some. */
const ATTEMPTS_MAX = 2 * APPENDERS * CHANGES_EACH;

let dir: TempDir;
let server: NatsServer;
let nats: Nats;
let journal: Journal;

beforeAll(async () => {
  dir = await tempDir("journal");
  server = await startNatsServer({ home: dir.path, port: await freePort(), shards: 1, storeBytes: 256 * MIB });
  nats = await connectNats({ url: server.url, name: "test" });
});

beforeEach(async () => {
  await makeEmptyStream(nats, JOURNAL_STREAM, () =>
    ensureStreams(nats, { shards: 1, usageBytesMax: 64 * MIB, journalBytesMax: 64 * MIB, messageBytesMax: MIB }),
  );
  journal = journalOf(nats);
});

afterAll(async () => {
  await nats.close();
  await server.stop();
  await dir.remove();
});

function journalOf(connection: Nats): Journal {
  return createJournal(connection, { now: () => BigInt(Date.now()) * 1_000_000n });
}

function change(name: string, keys: readonly string[]): JournalBody[] {
  const versions = keys.map((key): CatalogVersionEntry => ({
    kind: "catalog.version",
    change: name,
    entity: "customer",
    key,
    version: 1,
    hash: "",
    removed: false,
    definition: { key, name: key, aliases: [], currency: "EUR", timeZone: "UTC" },
  }));
  return [...versions, { kind: "catalog.commit", change: name, versions: versions.length }];
}

const note = (name: string): JournalBody => ({ kind: "catalog.commit", change: name, versions: 0 });

async function entriesOf(after = 0): Promise<RecordedEntry[]> {
  const { seq } = await journal.head();
  const entries: RecordedEntry[] = [];
  for await (const entry of journal.read({ after, upTo: seq })) entries.push(entry);
  return entries;
}

async function rejection(promise: Promise<unknown>): Promise<AppError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

describe("appending", () => {
  test("an empty journal has the genesis hash, and each entry names its predecessor's", async () => {
    expect(await journal.head()).toEqual({ seq: 0, hash: GENESIS_HASH });
    const head = await journal.append({ head: await journal.head(), bodies: change("a", ["acme", "beta"]) });
    const entries = await entriesOf();
    expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(entries.map(({ entry }) => entry.prev)).toEqual([GENESIS_HASH, entries[0]?.hash, entries[1]?.hash]);
    expect(entries.map(({ bytes, hash }) => sha256Hex(bytes) === hash)).toEqual([true, true, true]);
    expect(await journal.head()).toEqual(head);
    expect(await entriesOf(2)).toEqual(entries.slice(2));
  });

  // Guarantee: the loser leaves nothing behind. Its second entry expects the very sequence that the winner has just made true.
  test.each([1, 2, 3])("who is late by %i entries appends nothing", async (late) => {
    const head = await journal.head();
    for (let count = 0; count < late; count += 1) await appendEntries(journal, [note(`winner ${count}`)]);
    expect(await journal.append({ head, bodies: change("loser", ["a", "b", "c", "d"]) })).toBeNull();
    expect(await entriesOf()).toHaveLength(late);
  });

  // Guarantee: an entry whose predecessor was refused is refused too, whatever sequence it finds: a stranger in between never makes it fit.
  test("a change that a stranger cuts in two is refused from there on, and takes no effect", async () => {
    const cut = journalOf(withStrangerBefore(3));
    const head = await cut.head();
    const error = await rejection(cut.append({ head, bodies: change("cut", ["a", "b", "c", "d", "e"]) }));
    expect(error).toMatchObject({ code: "JOURNAL_APPEND_CUT", kind: "unavailable" });
    expect((await entriesOf()).map(({ entry }) => ("change" in entry.body ? entry.body.change : ""))).toEqual([
      "cut",
      "cut",
      "stranger",
    ]);
    expect((await createJournalReader(journal).head()).catalog.customers.size).toBe(0);
    await appendEntries(journal, change("again", ["a", "b"]));
    expect((await createJournalReader(journal).head()).catalog.customers.size).toBe(2);
  });

  /** The connection, over which an entry of somebody else comes in before the n-th of an append. */
  function withStrangerBefore(nth: number): Nats {
    let published = 0;
    let stranger: Promise<unknown> | undefined;
    const publish: Nats["js"]["publish"] = async (...message) => {
      published += 1;
      if (published >= nth) await (stranger ??= appendEntries(journal, [note("stranger")]));
      return nats.js.publish(...message);
    };
    const js = new Proxy(nats.js, {
      get: (target, name): unknown => (name === "publish" ? publish : Reflect.get(target, name)),
    });
    return { ...nats, js };
  }

  // Guarantee: whoever appends at the same time, there is one chain, and each change is in it whole and once.
  test(`${APPENDERS} appenders at once make one chain`, async () => {
    const connections = await Promise.all(
      Array.from({ length: APPENDERS }, (_, index) => connectNats({ url: server.url, name: `appender-${index}` })),
    );
    await Promise.all(connections.map((connection, index) => appendChanges(journalOf(connection), `w${index}`)));
    await Promise.all(connections.map((connection) => connection.close()));
    const state = await createJournalReader(journal).head();
    expect(state.catalog.customers.size).toBe(APPENDERS * CHANGES_EACH * VERSIONS_EACH);
    const commits = (await entriesOf()).filter(({ entry }) => entry.body.kind === "catalog.commit");
    expect(commits).toHaveLength(APPENDERS * CHANGES_EACH);
  });

  async function appendChanges(own: Journal, writer: string): Promise<void> {
    for (let number = 0; number < CHANGES_EACH; number += 1) {
      const keys = Array.from({ length: VERSIONS_EACH }, (_, index) => `${writer}-${number}-${index}`);
      let attempt = 0;
      while (!(await appendOnce(own, change(`${writer}-${number}-${attempt}`, keys)))) {
        attempt += 1;
        expect(attempt).toBeLessThan(ATTEMPTS_MAX);
      }
    }
  }

  async function appendOnce(own: Journal, bodies: readonly JournalBody[]): Promise<boolean> {
    try {
      return (await own.append({ head: await own.head(), bodies })) !== null;
    } catch (error) {
      if (error instanceof AppError && error.code === "JOURNAL_APPEND_CUT") return false;
      throw error;
    }
  }

  test("a change of thousands of entries goes in and comes out whole", async () => {
    const keys = Array.from({ length: 3_000 }, (_, index) => `c-${index}`);
    await journal.append({ head: await journal.head(), bodies: change("big", keys) });
    const state = await createJournalReader(journal).head();
    expect([...state.catalog.customers.keys()]).toEqual(keys);
  });
});

describe("a chain that is broken", () => {
  /** As after restoring a stream from somewhere: the messages as given, whatever they say. */
  async function restore(bodies: readonly string[]): Promise<void> {
    await makeEmptyStream(nats, JOURNAL_STREAM, () =>
      nats.jsm.streams.add({ name: JOURNAL_STREAM, subjects: [JOURNAL_SUBJECT] }),
    );
    for (const body of bodies) await nats.js.publish(JOURNAL_SUBJECT, body);
  }

  async function bytesOfFive(): Promise<string[]> {
    for (const name of ["a", "b", "c", "d", "e"]) await appendEntries(journal, [note(name)]);
    return (await entriesOf()).map(({ bytes }) => bytes);
  }

  test("as it was, it is read", async () => {
    const bytes = await bytesOfFive();
    await restore(bytes);
    expect((await entriesOf()).map((entry) => entry.bytes)).toEqual(bytes);
  });

  // Guarantee: one changed byte is found and named; its successor is the first that does not fit.
  test.each([1, 2, 4])("entry %i has other bytes", async (seq) => {
    const bytes = await bytesOfFive();
    await restore(
      bytes.map((body, index) => (index === seq - 1 ? body.replace('"versions":0', '"versions":1') : body)),
    );
    const error = await rejection(entriesOf());
    expect(error).toMatchObject({ code: "JOURNAL_CHAIN_BROKEN", kind: "broken", details: { seq: seq + 1 } });
    expect(error.message).toContain(`entry ${seq + 1} does not name the hash of entry ${seq}`);
  });

  test("reading on from the changed entry finds it too", async () => {
    const bytes = await bytesOfFive();
    await restore(bytes.map((body, index) => (index === 2 ? body.replace('"versions":0', '"versions":1') : body)));
    expect(await rejection(entriesOf(3))).toMatchObject({ code: "JOURNAL_CHAIN_BROKEN", details: { seq: 4 } });
  });

  test("the last entry is another one than the reader has folded", async () => {
    const bytes = await bytesOfFive();
    const reader = createJournalReader(journal);
    await reader.head();
    await restore(bytes.map((body, index) => (index === 4 ? body.replace('"versions":0', '"versions":1') : body)));
    await appendEntries(journal, [note("f")]);
    expect(await rejection(reader.head())).toMatchObject({ kind: "broken" });
  });

  test("entries are exchanged", async () => {
    const [a = "", b = "", c = "", ...rest] = await bytesOfFive();
    await restore([a, c, b, ...rest]);
    expect(await rejection(entriesOf())).toMatchObject({ code: "JOURNAL_CHAIN_BROKEN", details: { seq: 2 } });
  });

  test.each([1, 3])("entry %i is gone", async (seq) => {
    const bytes = await bytesOfFive();
    await restore(bytes);
    await nats.jsm.streams.deleteMessage(JOURNAL_STREAM, seq);
    expect(await rejection(entriesOf())).toMatchObject({ code: "JOURNAL_CHAIN_BROKEN", details: { seq } });
  });

  test.each([
    ["not JSON", () => "not JSON"],
    ["null", () => "null"],
    ["a number", () => "1"],
    ["without a body", (prev: string) => JSON.stringify({ prev, recordedAt: "2026-11-02T00:00:00Z" })],
    ["with an empty body", (prev: string) => JSON.stringify({ prev, recordedAt: "2026-11-02T00:00:00Z", body: null })],
    ["without a time", (prev: string) => JSON.stringify({ prev, body: note("f") })],
  ])("an entry that is no entry is named, though its hash may fit: %s", async (_name, bytesAfter) => {
    const bytes = await bytesOfFive();
    await restore([...bytes, bytesAfter(sha256Hex(bytes[4] ?? ""))]);
    expect(await rejection(entriesOf())).toMatchObject({ code: "JOURNAL_CHAIN_BROKEN", details: { seq: 6 } });
    expect(await rejection(createJournalReader(journal).head())).toMatchObject({ code: "JOURNAL_CHAIN_BROKEN" });
  });

  // Guarantee: the journal's own stream lets nobody take an entry away.
  test("the stream refuses to delete and to purge", async () => {
    await bytesOfFive();
    await expect(nats.jsm.streams.deleteMessage(JOURNAL_STREAM, 1)).rejects.toThrow(/delete/);
    await expect(nats.jsm.streams.purge(JOURNAL_STREAM)).rejects.toThrow(/purge/);
  });
});
