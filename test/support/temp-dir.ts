/** A directory of its own for one test, below the system's temporary directory; `remove` takes it away with all that is in it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type TempDir = { readonly path: string; readonly remove: () => Promise<void> };

export async function tempDir(name = "test"): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), `meterline-${name}-`));
  return {
    path,
    remove: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}
