import { appendFile, mkdir, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { FilterCopy } from "../../../src/domain/filter-copy.ts";
import { filterCopies } from "../../../src/files/filter-copies.ts";
import { tempDir } from "../../support/temp-dir.ts";

const dir = await tempDir("filter-copies");
afterAll(() => dir.remove());

/** Of more than one piece. */
const WORDS = 1_500_000;
const NEVER = new AbortController().signal;
const PLAN = {
  ...{
    incarnation: "1791970200000000000",
    first: 3,
    last: 9,
    catalogSeq: 2,
    decoderRev: 1,
    cut: 1,
    plannedAt: 5,
    rows: 7,
  },
  sha256: "ab".repeat(32),
};

function copyOf(seed: number): FilterCopy {
  const words = Uint32Array.from({ length: WORDS }, (_, index) => Math.imul(index + seed, 0x9e3779b1));
  return { plan: PLAN, identities: 16, capacity: 3_000_000, size: 17, words };
}

/** A file of its own for each test. */
async function written(name: string) {
  const folder = join(dir.path, name);
  const copies = filterCopies(folder);
  await copies.write(4, copyOf(1), NEVER);
  return { copies, path: join(folder, "identities-4.filter") };
}

test("a copy is read as it was written, and replaces the one before", async () => {
  const { copies } = await written("whole");
  expect(await copies.read(4)).toEqual(copyOf(1));
  await copies.write(4, copyOf(2), NEVER);
  expect(await copies.read(4)).toEqual(copyOf(2));
  expect(await copies.read(5)).toBeNull();
});

// Guarantee: the filter goes on while it is copied, and the copy has every bit that was set before.
test("bits that are added while it is written do no harm", async () => {
  const { copies } = await written("busy");
  const copy = copyOf(3);
  const before = copy.words.slice();
  let isWriting = true;
  const writing = copies.write(4, copy, NEVER).then(() => {
    isWriting = false;
  });
  let turns = 0;
  for (; isWriting; turns += 1) {
    for (let at = turns % 64; at < WORDS; at += 64) copy.words[at] = (copy.words[at] as number) | (1 << (turns % 32));
    await new Promise((done) => setImmediate(done));
  }
  await writing;
  expect(turns).toBeGreaterThan(3);
  const { words } = (await copies.read(4)) ?? copyOf(0);
  expect(before.every((word, at) => ((words[at] as number) & word) >>> 0 === word)).toBe(true);
});

test("a copy that is given up leaves nothing behind, and the one before as it is", async () => {
  const { copies, path } = await written("given-up");
  const stop = new AbortController();
  const writing = copies.write(4, copyOf(2), stop.signal);
  stop.abort();
  await expect(writing).rejects.toThrow();
  expect(await readdir(dirname(path))).toEqual(["identities-4.filter"]);
  expect(await copies.read(4)).toEqual(copyOf(1));
});

test("what a dead process was writing goes away at the next start of its shard", async () => {
  const { copies, path } = await written("drafts");
  for (const shard of [4, 44]) await writeFile(join(dirname(path), `identities-${shard}.filter.dead.new`), "x");
  await copies.read(4);
  expect((await readdir(dirname(path))).toSorted()).toEqual(["identities-4.filter", "identities-44.filter.dead.new"]);
});

// Guarantee: a file that a dying process or disk has left in pieces is none, and never a filter that lacks an identity.
test.each<[string, (path: string) => Promise<void>]>([
  ["cut off in its head", (path) => truncate(path, 500)],
  ["cut off in its words", (path) => truncate(path, 4_000_000)],
  ["cut off before its checksum", async (path) => truncate(path, (await stat(path)).size - 4)],
  ["longer than it was", (path) => appendFile(path, "x")],
  ["empty", (path) => truncate(path, 0)],
  ["changed in one bit of its head", (path) => changeByte(path, 40)],
  ["changed in one bit of its words", (path) => changeByte(path, 3_000_000)],
  ["something else", (path) => writeFile(path, "hello ".repeat(1_000))],
])("a file that is %s is no copy", async (name, change) => {
  const { copies, path } = await written(name.replaceAll(" ", "-"));
  await change(path);
  expect(await copies.read(4)).toBeNull();
});

test("a copy that cannot be written leaves nothing behind, and the one before as it is", async () => {
  const { copies, path } = await written("refused");
  // A folder in its place refuses the renaming.
  const folder = join(dirname(path), "identities-5.filter");
  await mkdir(join(folder, "in the way"), { recursive: true });
  await expect(copies.write(5, copyOf(2), NEVER)).rejects.toThrow();
  expect((await readdir(dirname(path))).toSorted()).toEqual(["identities-4.filter", "identities-5.filter"]);
  expect(await copies.read(4)).toEqual(copyOf(1));
});

test("a copy of another revision is none", async () => {
  const { copies, path } = await written("revision");
  const bytes = await readFile(path);
  expect(bytes.subarray(0, 14).toString()).toBe('{"revision":1,');
  bytes.write('{"revision":2,');
  await writeFile(path, bytes);
  expect(await copies.read(4)).toBeNull();
});

async function changeByte(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(path, bytes);
}
