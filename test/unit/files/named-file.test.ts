import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readNamedFile, requireRegularFile, writeNamedFile } from "../../../src/files/named-file.ts";
import { AppError, exitCodeOf } from "../../../src/kernel/errors.ts";

const OPTION = "--cases";
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "meterline-named-file-"));
  mkdirSync(join(folder, "directory"));
  writeFileSync(join(folder, "file"), "text");
  execFileSync("mkfifo", [join(folder, "pipe")]);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function mistakeOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

const LONG = "x".repeat(300);
const MISSING = "that file does not exist: check its path";

// Guarantee: a path that is wrong is bad data with the option, the path and the fix, never a fault of Meterline.
test.each([
  ["missing", "FILE_NOT_FOUND", MISSING],
  ["file/below", "FILE_NOT_FOUND", MISSING],
  ["directory", "FILE_UNREADABLE", "that is a directory: name one file in it"],
  [LONG, "FILE_UNREADABLE", "it cannot be read (ENAMETOOLONG): name a file that you may read"],
])("reading %s is %s", (name, code, fix) => {
  const file = { path: join(folder, name), option: OPTION };
  for (const act of [
    () => readNamedFile(file),
    () => {
      requireRegularFile(file);
    },
  ]) {
    const mistake = mistakeOf(act);
    expect(mistake).toBeInstanceOf(AppError);
    expect(mistake).toMatchObject({ code, message: `${OPTION} is "${file.path}": ${fix}` });
    expect(exitCodeOf(mistake)).toBe(65);
  }
});

test.each([
  ["directory", "that is a directory: name a file in it"],
  ["missing/file", "there is no directory FOLDER/missing: make it, or name a file in another"],
  ["file/below", "there is no directory FOLDER/file: make it, or name a file in another"],
  [LONG, "it cannot be written (ENAMETOOLONG): name a file that you may write"],
])("writing %s is FILE_UNWRITABLE", (name, fix) => {
  const path = join(folder, name);
  const mistake = mistakeOf(() => {
    writeNamedFile({ path, option: OPTION }, "text");
  });
  const message = `${OPTION} is "${path}": ${fix.replace("FOLDER", folder)}`;
  expect(mistake).toMatchObject({ code: "FILE_UNWRITABLE", message });
  expect(exitCodeOf(mistake)).toBe(65);
});

// Guarantee: what can be read only once is refused: the second reading would find no event, and nobody would be told.
test("a pipe is no regular file", () => {
  const mistake = mistakeOf(() => {
    requireRegularFile({ path: join(folder, "pipe"), option: "<file>" });
  });
  expect(mistake).toMatchObject({ code: "FILE_UNREADABLE", message: expect.stringContaining("read twice") as string });
});

test("a right path is read and written", () => {
  const file = { path: join(folder, "written"), option: OPTION };
  writeNamedFile(file, "one");
  expect(readFileSync(file.path, "utf8")).toBe("one");
  expect(readNamedFile(file).toString("utf8")).toBe("one");
  requireRegularFile(file);
});
