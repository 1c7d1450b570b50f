import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockDirectory } from "../../../src/embedded/lock-directory.ts";
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
