import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
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

// Guarantee: a home that cannot exist is an error, never an endless loop.
test("throws what the system says about a place where nothing can be made", () => {
  writeFileSync(join(root, "file"), "");
  symlinkSync(join(root, "nowhere"), join(root, "link"));
  expect(() => makeDirectory(join(root, "file", "below"))).toThrow(/ENOTDIR/);
  expect(() => makeDirectory(join(root, "link", "below"))).toThrow(/ENOENT/);
});
