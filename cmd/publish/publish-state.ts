/**
 * How far a file has been published: `<home>/publish/<key>.json`. The key is a hash over what decides the messages (the file's bytes, the
 * column map) and over the streams they went to, so that a changed file or a new stream starts from the beginning.
 */
import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PublishProgress } from "../../src/app/publish/publish-events.ts";

export type PublishState = {
  /** Null when nothing of the file was published yet. */
  readonly progress: PublishProgress | null;
  /** Lines of the file, for a progress bar. */
  readonly lines: number;
  readonly save: (progress: PublishProgress) => Promise<void>;
};

export type PublishStateInput = {
  readonly home: string;
  /** The file to publish; its content counts, not its name. */
  readonly path: string;
  /** The map's text and what else decides which events come out. */
  readonly facts: readonly string[];
  /** Creation times of the streams. */
  readonly incarnations: readonly string[];
};

const NEWLINE = 0x0a;

export async function openPublishState(input: PublishStateInput): Promise<PublishState> {
  const hash = createHash("sha256").update(JSON.stringify([input.facts, input.incarnations]));
  let lines = 0;
  for await (const chunk of createReadStream(input.path) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) lines += 1;
  }
  const directory = join(input.home, "publish");
  const path = join(directory, `${hash.digest("hex").slice(0, 32)}.json`);
  return {
    progress: readProgress(path),
    lines,
    save: (progress) => {
      mkdirSync(directory, { recursive: true });
      writeFileSync(`${path}.new`, `${JSON.stringify(progress)}\n`);
      renameSync(`${path}.new`, path);
      return Promise.resolve();
    },
  };
}

function readProgress(path: string): PublishProgress | null {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as PublishProgress;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
