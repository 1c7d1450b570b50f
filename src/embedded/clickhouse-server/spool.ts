/**
 * Bodies go to a file before the engine sees them: one HTTP insert is one engine INSERT then, whatever its size, and its memory is bounded.
 * (The engine's own streaming insert cuts a body into pieces of 8 MiB, each an insert of its own: with a token all but the first are lost.)
 */
import { randomUUID } from "node:crypto";
import { createWriteStream, readdirSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
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
      const file = createWriteStream(path, { flags: "wx", mode: 0o600 });
      try {
        await pipeline(rest === null ? [first] : concatenated(first, rest), file);
      } catch (error) {
        await rm(path, { force: true });
        throw error;
      }
      return path;
    },
    remove: (path) => rm(path, { force: true }),
  };
}

async function* concatenated(first: Uint8Array, rest: Readable): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first;
  yield* rest as AsyncIterable<Uint8Array>;
}
