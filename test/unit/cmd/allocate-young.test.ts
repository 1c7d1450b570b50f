import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { ALLOCATE_YOUNG } from "../../../cmd/allocate-young.ts";

test("this Node knows the flag: set in a running process, an unknown one would do nothing and say nothing", () => {
  expect(spawnSync(process.execPath, [ALLOCATE_YOUNG, "--eval", "0"]).status).toBe(0);
  expect(spawnSync(process.execPath, [`${ALLOCATE_YOUNG}-of-no-release`, "--eval", "0"]).status).not.toBe(0);
});
