/** How a child ended, and how to end one: politely first, by force when it does not listen. */
import type { ChildProcess } from "node:child_process";

export type ChildExit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** Resolves once, when the child is gone; never rejects. A child that could not be started counts as exit code 127. */
export function childExit(child: ChildProcess): Promise<ChildExit> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      resolve({ code, signal });
    });
    child.once("error", () => {
      if (child.pid === undefined) resolve({ code: 127, signal: null });
    });
  });
}

export type EndChildInput = {
  readonly child: ChildProcess;
  readonly exited: Promise<ChildExit>;
  readonly graceMs: number;
};

export async function endChild(input: EndChildInput): Promise<ChildExit> {
  if (input.child.exitCode === null && input.child.signalCode === null) input.child.kill("SIGTERM");
  const force = setTimeout(() => input.child.kill("SIGKILL"), input.graceMs);
  const exit = await input.exited;
  clearTimeout(force);
  return exit;
}
