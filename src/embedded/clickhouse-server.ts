/** Starts the embedded ClickHouse in a process of its own, so that the engine's crash is not ours, and its work not on our event loop. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { AppError, ERROR_KINDS, type ErrorKind } from "../kernel/errors.ts";
import { present } from "../kernel/assert.ts";
import { childExit, endChild, type ChildExit } from "./child-exit.ts";
import type { ChildMessage } from "./clickhouse-server/process-main.ts";
import type { ClickHouseServerOptions } from "./clickhouse-server/run-server.ts";

export type StartClickHouseServerInput = ClickHouseServerOptions & { readonly log?: (line: string) => void };

export type ClickHouseServer = {
  readonly url: string;
  readonly pid: number;
  readonly version: string;
  readonly stop: () => Promise<void>;
  readonly exited: Promise<ChildExit>;
};

/** Queries wait on libuv's threads; its four would let five heavy ones block everything. */
const WORKER_THREADS = "16";
const STOP_GRACE_MS = 30_000;

/** Resolves when the server answers. Throws AppError: PORT_IN_USE, DIRECTORY_IN_USE, DISK_FULL, ENGINE_FAILED. */
export async function startClickHouseServer(input: StartClickHouseServerInput): Promise<ClickHouseServer> {
  const { log, ...options } = input;
  const child = fork(fileURLToPath(new URL("./clickhouse-server/process-main.ts", import.meta.url)), [], {
    env: { ...process.env, UV_THREADPOOL_SIZE: WORKER_THREADS, NODE_NO_WARNINGS: "1" },
    execArgv: [],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => log?.(`clickhouse: ${text.trimEnd()}`));
  const exited = childExit(child);
  const answer = new Promise<ChildMessage>((resolve) => child.once("message", resolve));
  child.send(options);
  const message = await Promise.race([answer, exited.then((exit): ChildMessage => diedEarly(exit))]);
  if (message.type === "failed") {
    await exited;
    throw new AppError({ code: message.code, kind: kindOf(message.kind), message: message.message });
  }
  const stop = async (): Promise<void> => {
    await endChild({ child, exited, graceMs: STOP_GRACE_MS });
  };
  return {
    url: message.url,
    pid: present(child.pid, "the pid of the embedded ClickHouse"),
    version: message.version,
    stop,
    exited,
  };
}

function diedEarly(exit: ChildExit): ChildMessage {
  const how = exit.signal ?? `exit code ${exit.code}`;
  return {
    type: "failed",
    code: "ENGINE_FAILED",
    kind: "broken",
    message: `The embedded ClickHouse ended while it started (${how})`,
  };
}

function kindOf(kind: string): ErrorKind {
  return kind in ERROR_KINDS ? (kind as ErrorKind) : "broken";
}
