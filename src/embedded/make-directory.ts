/**
 * Makes a directory and what is missing above it, for its owner alone: below it lie usage, prices and passwords. Not `mkdirSync` with `recursive`: on a path that cannot exist (below /proc, say) that never returns
 * (measured with Node 24), where this throws what the system says.
 */
import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

const PRIVATE = 0o700;

export function makeDirectory(path: string): void {
  const missing: string[] = [];
  for (let at = resolve(path); !tryMake(at); at = dirname(at)) missing.push(at);
  for (const at of missing.reverse()) mkdirSync(at, PRIVATE);
}

/** Whether the directory is there now; false when the one above it is missing. */
function tryMake(path: string): boolean {
  try {
    mkdirSync(path, PRIVATE);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EEXIST" && statSync(path).isDirectory()) return true;
    if (code === "ENOENT" && path !== dirname(path)) return false;
    throw error;
  }
}
