/** Starts the embedded ClickHouse in a process of its own, so that the engine's crash is not ours, and its work not on our event loop. */
import { fork } from "node:child_process";
import { totalmem } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError, ERROR_KINDS, type ErrorKind } from "../kernel/errors.ts";
import { present } from "../kernel/assert.ts";
import { childExit, endChild, type ChildExit } from "./child-exit.ts";
import type { ChildMessage } from "./clickhouse-server/process-main.ts";
import { readGeneratedPassword, type AccountInput } from "./clickhouse-server/accounts.ts";
import { processIdentity } from "./process-identity.ts";
import { ENGINE_ROLES, type EngineRole } from "./clickhouse-server/engine-config.ts";
import type { QueryLimits } from "./clickhouse-server/query-limits.ts";
import type { ClickHouseServerOptions } from "./clickhouse-server/run-server.ts";

export type StartClickHouseServerInput = {
  readonly home: string;
  readonly host: string;
  readonly port: number;
  /** A user with all rights, beside `admin`, `sink` and `finance`; one of these three names sets only its password. */
  readonly user?: string;
  /** Without one, a password is made up once and kept in the data directory; empty: none is asked for. */
  readonly password?: string | undefined;
  readonly passwords?: Readonly<Partial<Record<EngineRole, string | undefined>>>;
  readonly fsync?: boolean;
  readonly limits?: Partial<QueryLimits>;
  readonly log?: (line: string) => void;
};

export type ClickHouseServer = {
  readonly url: string;
  /** The user of the input and its password. */
  readonly user: string;
  readonly password: string;
  readonly pid: number;
  readonly version: string;
  readonly stop: () => Promise<void>;
  readonly exited: Promise<ChildExit>;
};

/** Queries wait on libuv's threads; its four would let five heavy ones block everything. */
const WORKER_THREADS = "16";
/**
 * Of the engine's allocator: memory in pages of 2 MB where the system has them, and kept for half a minute. A batch takes some hundred megabytes and gives them back,
 * and in pages of 4 KB that are taken anew each time a third of an insert was page faults (measured: 19 instead of 27 µs of a core per event).
 */
const ALLOCATOR = "thp:always,dirty_decay_ms:30000,muzzy_decay_ms:30000";
const STOP_GRACE_MS = 30_000;
const DEFAULT_USER = "default";
/** Half of the machine for one query leaves room for the sink, the other roles and the system. */
const DEFAULT_LIMITS: QueryLimits = {
  memoryBytes: Math.floor(totalmem() / 2),
  seconds: 3600,
  resultBytes: 64 * 1024 ** 3,
};

/** Resolves when the server answers. Throws AppError: PORT_IN_USE, DIRECTORY_IN_USE, DISK_FULL, ENGINE_FAILED. */
export async function startClickHouseServer(input: StartClickHouseServerInput): Promise<ClickHouseServer> {
  const { log, user = DEFAULT_USER } = input;
  const child = fork(fileURLToPath(new URL("./clickhouse-server/process-main.ts", import.meta.url)), [], {
    env: { JE_MALLOC_CONF: ALLOCATOR, ...process.env, UV_THREADPOOL_SIZE: WORKER_THREADS, NODE_NO_WARNINGS: "1" },
    execArgv: [],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => log?.(`clickhouse: ${text.trimEnd()}`));
  const exited = childExit(child);
  const answer = new Promise<ChildMessage>((resolve) => child.once("message", resolve));
  child.send(optionsOf(input, user));
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
    user,
    password: input.password ?? generatedPassword(input.home, user) ?? "",
    pid: present(child.pid, "the pid of the embedded ClickHouse"),
    version: message.version,
    stop,
    exited,
  };
}

/** The password that was made up for a user of the embedded ClickHouse of this home; null when there is none. */
export function generatedPassword(home: string, user: string): string | null {
  return readGeneratedPassword(resolve(home, "clickhouse"), user);
}

function optionsOf(input: StartClickHouseServerInput, user: string): ClickHouseServerOptions {
  const own: AccountInput = { name: user, role: "admin", password: input.password };
  const fixed = ENGINE_ROLES.map((role): AccountInput => {
    const password = role === user ? (input.password ?? input.passwords?.[role]) : input.passwords?.[role];
    return { name: role, role, password };
  });
  return {
    home: input.home,
    host: input.host,
    port: input.port,
    accounts: fixed.some(({ name }) => name === user) ? fixed : [own, ...fixed],
    fsync: input.fsync ?? false,
    limits: { ...DEFAULT_LIMITS, ...input.limits },
    parent: processIdentity(process.pid),
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
