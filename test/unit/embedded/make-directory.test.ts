import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { makeDirectory } from "../../../src/embedded/make-directory.ts";

const root = mkdtempSync(join(tmpdir(), "meterline-make-directory-"));

afterAll(() => {
  rmSync(root, { recursive: true });
});

test("makes what is missing, and is content with what is there", () => {
  const path = join(root, "a", "b", "c");
  makeDirectory(path);
  makeDirectory(path);
  expect(existsSync(path)).toBe(true);
});

// Guarantee: other users of the machine read neither usage nor prices, whatever the umask.
test("what it makes is its owner's alone, and what is there stays as it is", () => {
  const shared = join(root, "shared");
  mkdirSync(shared, 0o755);
  const path = join(shared, "b", "c");
  makeDirectory(path);
  const modes = [shared, join(shared, "b"), path].map((at) => (statSync(at).mode & 0o777).toString(8));
  expect(modes).toEqual(["755", "700", "700"]);
});

// Guarantee: a home that cannot exist is an error, never an endless loop.
test("throws what the system says about a place where nothing can be made", () => {
  writeFileSync(join(root, "file"), "");
  symlinkSync(join(root, "nowhere"), join(root, "link"));
  expect(() => makeDirectory(join(root, "file", "below"))).toThrow(/ENOTDIR/);
  expect(() => makeDirectory(join(root, "link", "below"))).toThrow(/ENOENT/);
});
