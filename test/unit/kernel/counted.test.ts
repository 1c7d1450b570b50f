import { expect, test } from "vitest";
import { counted } from "../../../src/kernel/counted.ts";

test.each([
  [counted(0, "line"), "0 lines"],
  [counted(1, "line"), "1 line"],
  [counted(21, "line"), "21 lines"],
  [counted(1n, "entry", "entries"), "1 entry"],
  [counted("11", "entry", "entries"), "11 entries"],
])("%s", (text, expected) => {
  expect(text).toBe(expected);
});
