/** The files of the repository that git knows, so that no rule looks at what lies around in a work tree. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

export type SourceFile = { readonly path: string; readonly text: string };

const BINARY = /\.(png|ico|woff2?|gz|zip|parquet)$/;

export function trackedFiles(): readonly SourceFile[] {
  return execFileSync("git", ["ls-files", "-z"], { cwd: ROOT, encoding: "utf8" })
    .split("\0")
    .filter((path) => path !== "" && !BINARY.test(path) && existsSync(join(ROOT, path)))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));
}
