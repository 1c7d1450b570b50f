/**
 * The moments at which a sink may die and that the crash suite visits one by one. Each stands right after the step it names.
 * `METERLINE_CRASH_AT=planned` kills the process at the first visit, `planned:3` at the third.
 */
import { AppError } from "../../kernel/errors.ts";

export const CRASH_POINTS = [
  "acquired",
  "fenced",
  "inspected",
  "filter-loaded",
  "rebuilt",
  "taken",
  "decided",
  "planned",
  "insert-sent",
  "inserted",
  "committed",
  "acked",
  "renewed",
  "replanned",
  "released",
] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

/** Called at every point; does nothing unless this visit is the one that was asked for. */
export type CrashHook = (point: CrashPoint) => void;

export const NO_CRASH: CrashHook = () => undefined;

/** Reads `name` or `name:nth`; `kill` must not return to its caller's work (SIGKILL to the own process). */
export function crashHook(setting: string | undefined, kill: () => void): CrashHook {
  if (setting === undefined || setting === "") return NO_CRASH;
  const [name, nth = "1"] = setting.split(":");
  const target = CRASH_POINTS.find((point) => point === name);
  if (target === undefined || !/^[1-9][0-9]{0,8}$/.test(nth)) throw unknownPoint(setting);
  let visitsLeft = Number(nth);
  return (point) => {
    if (point !== target) return;
    visitsLeft -= 1;
    if (visitsLeft === 0) kill();
  };
}

function unknownPoint(setting: string): AppError {
  return new AppError({
    code: "CRASH_POINT_UNKNOWN",
    kind: "settings",
    message: `METERLINE_CRASH_AT is "${setting}": write one of ${CRASH_POINTS.join(", ")}, with :nth for a later visit`,
  });
}
