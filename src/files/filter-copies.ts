/**
 * Copies of the sink's identity filters, a file per shard: a head of JSON, the filter's words as they lie in memory (little endian, as all machines are that Node runs on), and a
 * checksum over both. A file that is not whole counts as none, whatever has happened to it: nothing is synced to disk, and a process may die at any byte of it.
 */
import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { FilterCopy } from "../domain/filter-copy.ts";

/** Raised whenever a key sets other bits than before: the words would mean other identities. */
const REVISION = 1;
const HEAD_BYTES = 1024;
const WORD_BYTES = 4;
const CHECKSUM_BYTES = 4;
/** Copied, summed up and written at once: the words may get more bits while the disk is busy, and everything else has its turn between two pieces. */
const PIECE_BYTES = 4 * 1024 * 1024;

const DRAFT = ".new";

type WriteInput = { readonly shard: number; readonly copy: FilterCopy; readonly signal: AbortSignal };
type Head = Omit<FilterCopy, "words"> & { readonly revision: number; readonly words: number };

/** One after the other, whatever shards they are of: the disk has the streams to write. */
export function filterCopies(directory: string) {
  const pathOf = (shard: number): string => join(directory, `identities-${shard}.filter`);
  let before: Promise<unknown> = Promise.resolve();
  const write = async ({ shard, copy, signal }: WriteInput): Promise<void> => {
    const path = pathOf(shard);
    const draft = `${path}.${randomUUID()}${DRAFT}`;
    await mkdir(directory, { recursive: true });
    try {
      await writeDraft(draft, copy, signal);
      await rename(draft, path);
    } catch (error) {
      // A full disk needs the room more than this.
      await rm(draft, { force: true });
      throw error;
    }
  };
  return {
    /** Null when there is none that is whole. Only the writer of a shard asks, so what drafts there are of it are those of dead ones. */
    read: async (shard: number): Promise<FilterCopy | null> => {
      await removeDrafts(directory, `identities-${shard}.filter.`);
      const file = await openThere(pathOf(shard));
      if (file === null) return null;
      try {
        return await readCopy(file);
      } finally {
        await file.close();
      }
    },
    write: (shard: number, copy: FilterCopy, signal: AbortSignal): Promise<void> => {
      const written = before.then(() => write({ shard, copy, signal }));
      before = written.catch(() => undefined);
      return written;
    },
  };
}

async function removeDrafts(directory: string, prefix: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names)
    if (name.startsWith(prefix) && name.endsWith(DRAFT)) await rm(join(directory, name), { force: true });
}

async function openThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

async function writeDraft(path: string, copy: FilterCopy, signal: AbortSignal): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await writeCopy(file, copy, signal);
  } finally {
    await file.close();
  }
}

async function writeCopy(file: FileHandle, copy: FilterCopy, signal: AbortSignal): Promise<void> {
  const { words, ...rest } = copy;
  const head: Head = { revision: REVISION, ...rest, words: words.length };
  const bytes = Buffer.alloc(HEAD_BYTES, " ");
  bytes.write(JSON.stringify(head));
  await file.appendFile(bytes);
  let checksum = crc32(bytes);
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  for (const part of piecesOf(words)) {
    signal.throwIfAborted();
    const copied = piece.subarray(0, part.length);
    copied.set(part);
    checksum = crc32(copied, checksum);
    await file.appendFile(copied);
  }
  await file.appendFile(checksumBytes(checksum));
}

async function readCopy(file: FileHandle): Promise<FilterCopy | null> {
  const bytes = Buffer.alloc(HEAD_BYTES);
  if (!(await fill(file, bytes))) return null;
  const head = headOf(bytes);
  const { size: fileBytes } = await file.stat();
  if (head === null || fileBytes !== HEAD_BYTES + head.words * WORD_BYTES + CHECKSUM_BYTES) return null;
  const words = new Uint32Array(head.words);
  let checksum = crc32(bytes);
  for (const part of piecesOf(words)) {
    if (!(await fill(file, part))) return null;
    checksum = crc32(part, checksum);
  }
  const written = Buffer.alloc(CHECKSUM_BYTES);
  if (!(await fill(file, written)) || !written.equals(checksumBytes(checksum))) return null;
  const { plan, identities, capacity, size } = head;
  return { plan, identities, capacity, size, words };
}

function headOf(bytes: Buffer): Head | null {
  try {
    const head = JSON.parse(bytes.toString()) as Head;
    return head.revision === REVISION ? head : null;
  } catch {
    return null;
  }
}

function* piecesOf(words: Uint32Array): Generator<Uint8Array> {
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

/** False when the file ends before. */
async function fill(file: FileHandle, bytes: Uint8Array): Promise<boolean> {
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at);
    if (bytesRead === 0) return false;
    at += bytesRead;
  }
  return true;
}

function checksumBytes(checksum: number): Buffer {
  const bytes = Buffer.alloc(CHECKSUM_BYTES);
  bytes.writeUInt32LE(checksum);
  return bytes;
}
