import { expect, test, vi } from "vitest";
import { crashHook } from "../../../../src/app/sink/crash-points.ts";

test("kills at the named visit only", () => {
  const kill = vi.fn();
  const hook = crashHook("planned:2", kill);
  hook("taken");
  hook("planned");
  expect(kill).not.toHaveBeenCalled();
  hook("planned");
  hook("planned");
  expect(kill).toHaveBeenCalledTimes(1);
});

test("does nothing unless asked", () => {
  const kill = vi.fn();
  crashHook(undefined, kill)("planned");
  expect(kill).not.toHaveBeenCalled();
});

test.each(["nowhere", "planned:0", "planned:x"])("refuses %s", (setting) => {
  expect(() => crashHook(setting, () => undefined)).toThrow(/METERLINE_CRASH_AT/);
});
