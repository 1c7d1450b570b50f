/**
 * Bodies go to a file before the engine sees them: one HTTP insert is one engine INSERT then, whatever its size, and its memory is bounded.
 * (The engine's own streaming insert cuts a body into pieces of 8 MiB, each an insert of its own: with a token all but the first are lost.)
 */
import { randomUUID } from "node:crypto";
import { readdirSync, rmSync } from "node:fs";
import { open, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { makeDirectory } from "../make-directory.ts";

export type Spool = {
  /** Writes the bytes, the given ones first, and returns the file's path. */
  write(first: Uint8Array, rest: Readable | null): Promise<string>;
  remove(path: string): Promise<void>;
};

/** What an earlier run left is removed: an insert that was cut off was never acknowledged. */
export function openSpool(directory: string): Spool {
  makeDirectory(directory);
  for (const name of readdirSync(directory)) rmSync(join(directory, name), { force: true });
  return {
    write: async (first, rest) => {
      const path = join(directory, randomUUID());
      const file = await open(path, "wx", 0o600);
      try {
        await writeAll(file, first, rest);
        await file.close();
      } catch (error) {
        await file.close().catch(() => undefined);
        await rm(path, { force: true });
        throw error;
      }
      return path;
    },
    remove: (path) => rm(path, { force: true }),
  };
}

/** By the megabyte: a body comes in pieces of 64 KiB, and each write of its own is a trip to another thread (measured for 29 MB: 50 ms of a core instead of 90). */
const WRITE_BYTES = 1024 * 1024;
/** Whoever sends single bytes does not fill the memory with them. */
const WRITE_PIECES = 256;

async function writeAll(file: FileHandle, first: Uint8Array, rest: Readable | null): Promise<void> {
  let pieces = [first];
  let bytes = first.length;
  const write = async (): Promise<void> => {
    const { bytesWritten } = bytes === 0 ? { bytesWritten: 0 } : await file.writev(pieces);
    // A disk that is nearly full takes a part, and refuses the rest.
    if (bytesWritten < bytes) await file.writeFile(Buffer.concat(pieces).subarray(bytesWritten));
    pieces = [];
    bytes = 0;
  };
  if (rest !== null)
    for await (const piece of rest as AsyncIterable<Uint8Array>) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes >= WRITE_BYTES || pieces.length >= WRITE_PIECES) await write();
    }
  await write();
}
