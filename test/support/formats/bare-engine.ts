/** The engine without the server around it, in a process and a data directory of its own: what it writes and reads is what the server's answers are held against. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BareAnswer } from "./bare-engine-process.ts";

export type BareEngine = {
  readonly pid: number;
  /** The result as TSVRaw; throws the engine's error. */
  readonly run: (sql: string) => Promise<string>;
  readonly stop: () => Promise<void>;
};

export function startBareEngine(directory: string): BareEngine {
  mkdirSync(directory, { recursive: true });
  const child = fork(fileURLToPath(new URL("./bare-engine-process.ts", import.meta.url)), [join(directory, "data")], {
    // The engine keeps schemas of formats where its process is.
    cwd: directory,
    env: { ...process.env, NODE_NO_WARNINGS: "1" },
    execArgv: [],
  });
  const exited = once(child, "exit");
  const asked = new Map<number, (answer: BareAnswer) => void>();
  let last = 0;
  child.on("message", (answer: BareAnswer) => asked.get(answer.id)?.(answer));
  child.once("exit", () => {
    for (const [id, answer] of asked) answer({ id, error: "The engine's process has ended" });
  });
  return {
    pid: child.pid ?? 0,
    run: async (sql) => {
      const id = (last += 1);
      const answer = await new Promise<BareAnswer>((resolve) => {
        asked.set(id, resolve);
        child.send({ id, sql });
      });
      asked.delete(id);
      if ("error" in answer) throw new Error(answer.error);
      return answer.text;
    },
    stop: async () => {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
