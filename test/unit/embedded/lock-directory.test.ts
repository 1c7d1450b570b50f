import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { lockDirectory, lockDirectoryWhenLeft } from "../../../src/embedded/lock-directory.ts";
import { processIdentity } from "../../../src/embedded/process-identity.ts";
import { tempDir, type TempDir } from "../../support/temp-dir.ts";

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir("lock");
});
afterEach(() => dir.remove());

// Guarantee: a home that is a file is a wrong setting, whether it is named itself or something below it.
test.each(["home", "home/demo"])("%s where home is a file is no directory", (name) => {
  writeFileSync(join(dir.path, "home"), "");
  const directory = join(dir.path, name);
  const wrong = expect.objectContaining({
    ...{ code: "NOT_A_DIRECTORY", kind: "settings" },
    message: expect.stringContaining(`${directory} cannot be a directory`) as string,
  }) as Error;
  expect(() => lockDirectory({ directory, owner: "A test" })).toThrow(wrong);
});

describe("a directory that a living process holds", () => {
  const GONE = { pid: process.pid, startedAt: "another time" };
  const waits: number[] = [];
  const lockWhenLeft = (
    directory: string,
    grace: { readonly graceMs?: number } = {},
  ): ReturnType<typeof lockDirectoryWhenLeft> =>
    lockDirectoryWhenLeft({ directory, owner: "A test", onWait: (pid) => waits.push(pid), ...grace });

  beforeEach(() => {
    waits.length = 0;
    mkdirSync(join(dir.path, "data"));
  });

  // Guarantee: what is in use is refused at once, and nobody waits for a server that has no reason to end.
  test.each([
    ["without a parent", undefined],
    ["whose parent lives", processIdentity(process.pid)],
  ])("%s is refused at once", async (_, parent) => {
    const directory = join(dir.path, "data");
    lockDirectory({ directory, owner: "Another", parent });
    await expect(lockWhenLeft(directory)).rejects.toMatchObject({ code: "DIRECTORY_IN_USE" });
    expect(waits).toEqual([]);
  });

  // Guarantee: who starts again right after a kill gets the directory, as soon as the server that was left has ended.
  test("is waited for when its parent is gone", async () => {
    const directory = join(dir.path, "data");
    const left = lockDirectory({ directory, owner: "Another", parent: GONE });
    const waiting = lockWhenLeft(directory);
    await expect.poll(() => waits).toEqual([process.pid]);
    left.release();
    (await waiting).release();
    expect(waits).toHaveLength(1);
  });

  test("is refused when it is not given back in time", async () => {
    const directory = join(dir.path, "data");
    lockDirectory({ directory, owner: "Another", parent: GONE });
    await expect(lockWhenLeft(directory, { graceMs: 60 })).rejects.toMatchObject({ code: "DIRECTORY_IN_USE" });
    expect(waits).toEqual([process.pid]);
  });
});
