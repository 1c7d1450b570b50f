/**
 * The embedded NATS: a real nats-server as a child, with JetStream on file below `<home>/nats`, on loopback only. It runs in a process group of its own, so that a
 * Ctrl-C in the terminal reaches Meterline alone, which drains first and stops the server last.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { AppError } from "../kernel/errors.ts";
import { present } from "../kernel/assert.ts";
import { childExit, endChild, type ChildExit } from "./child-exit.ts";
import { diskError } from "./disk-error.ts";
import { findNatsServer, inspectNatsBinary, type NatsBinary } from "./find-nats-server.ts";
import { lockDirectory } from "./lock-directory.ts";
import { makeDirectory } from "./make-directory.ts";
import { natsConfig, type NatsConfigInput } from "./nats-config.ts";
import { natsDirectory, openNatsLogin, type NatsLogin } from "./nats-login.ts";
import { natsGreeting } from "./nats-ready.ts";
import { probePort } from "./probe-port.ts";
import { stopOrphan } from "./stop-orphan.ts";
import { roomAgain } from "./watch-disk.ts";

/** Recovering a large store happens before the port opens. */
const READY_TIMEOUT_MS = 120_000;
const READY_POLL_MS = 15;
const STOP_GRACE_MS = 20_000;
const LOG_TAIL_CHARS = 600;
const PORT_SETTING = "METERLINE_NATS_PORT";

export type StartNatsServerInput = {
  readonly home: string;
  readonly host?: string;
  readonly port: number;
  readonly shards: number;
  /** The most that JetStream may store on disk. */
  readonly storeBytes: number;
  /** `interval` leaves syncing to nats-server's own two minutes: faster, and a power cut may lose acknowledged messages. Default: `always`. */
  readonly sync?: "always" | "interval";
  readonly binary?: string;
  readonly log?: (line: string) => void;
};

export type NatsServer = {
  readonly url: string;
  readonly pid: number;
  readonly version: string;
  /** Meterline's own; whoever connects without one is a producer. */
  readonly login: NatsLogin;
  /** False when it was not wanted, and on releases without `sync_interval`: a power cut may then lose acknowledged messages. */
  readonly syncAlways: boolean;
  readonly stop: () => Promise<void>;
  readonly exited: Promise<ChildExit>;
};

type Paths = {
  readonly directory: string;
  readonly config: string;
  readonly log: string;
  readonly pid: string;
  readonly store: string;
};

/**
 * Resolves when the server answers and JetStream is on. Throws AppError: `NATS_SERVER_MISSING`, `PORT_IN_USE`, `DIRECTORY_IN_USE`, `DISK_FULL`,
 * `NATS_SERVER_FAILED` (with the end of its log).
 */
export async function startNatsServer(input: StartNatsServerInput): Promise<NatsServer> {
  const host = input.host ?? "127.0.0.1";
  const paths = pathsOf(input.home);
  const binary = await chooseBinary(input.binary);
  const lock = lockDirectory({ directory: paths.directory, owner: "NATS" });
  try {
    const orphan = await stopLeftNatsServer(input.home);
    if (orphan !== undefined) input.log?.(`stopped nats-server ${orphan}, which an earlier run had left behind`);
    await probePort({ host, port: input.port, setting: PORT_SETTING });
    const serverName = `meterline-${randomUUID()}`;
    const draft = {
      serverName,
      host,
      port: input.port,
      storeDir: paths.store,
      storeBytes: input.storeBytes,
      logFile: paths.log,
      pidFile: paths.pid,
      shards: input.shards,
      login: openNatsLogin(paths.directory),
    };
    const wanted = input.sync !== "interval";
    const syncAlways = await writeConfig({ binary, paths, draft, syncWanted: wanted });
    if (wanted && !syncAlways)
      input.log?.(
        `nats-server ${binary.version} has no sync_interval: a power cut may lose acknowledged messages; install 2.12 or later`,
      );
    const child = spawn(binary.path, ["-c", paths.config], { detached: true, stdio: ["ignore", "ignore", "pipe"] });
    const exited = childExit(child);
    void exited.then(() => {
      lock.release();
    });
    await untilReady({ child, exited, host, port: input.port, serverName, log: paths.log });
    void endAfterFullDisk({ child, exited, directory: paths.store, ...(input.log && { log: input.log }) });
    const url = `nats://${isIPv6(host) ? `[${host}]` : host}:${input.port}`;
    return {
      url,
      pid: present(child.pid, "the pid of nats-server"),
      version: binary.version,
      login: draft.login,
      syncAlways,
      stop: async () => {
        await endChild({ child, exited, graceMs: STOP_GRACE_MS });
      },
      exited,
    };
  } catch (error) {
    lock.release();
    throw diskError(error, paths.directory) ?? error;
  }
}

/** Ends the one that a killed `up` or demo of this home left, and resolves with its pid. The caller holds the lock of its directory. */
export async function stopLeftNatsServer(home: string): Promise<number | undefined> {
  const paths = pathsOf(home);
  return await stopOrphan({ pidFile: paths.pid, configFile: paths.config });
}

type EndAfterFullDiskInput = {
  readonly child: ChildProcess;
  readonly exited: Promise<ChildExit>;
  readonly directory: string;
  readonly log?: (line: string) => void;
};

/** Whoever supervises the server starts it again, and it takes messages again. */
async function endAfterFullDisk({ child, exited, directory, log }: EndAfterFullDiskInput): Promise<void> {
  const ended = new AbortController();
  void exited.then(() => {
    ended.abort();
  });
  const room = await roomAgain({ directory, signal: ended.signal }).catch(() => false);
  if (!room) return;
  log?.(
    "the disk of nats-server was full and has room again: it is ended, because it takes no more messages until it is started anew",
  );
  await endChild({ child, exited, graceMs: STOP_GRACE_MS });
}

function pathsOf(home: string): Paths {
  const directory = natsDirectory(home);
  return {
    directory,
    config: join(directory, "nats-server.conf"),
    log: join(directory, "nats-server.log"),
    pid: join(directory, "nats-server.pid"),
    store: join(directory, "jetstream"),
  };
}

async function chooseBinary(path: string | undefined): Promise<NatsBinary> {
  if (path === undefined) return findNatsServer();
  const binary = await inspectNatsBinary(path);
  if (binary !== undefined) return binary;
  throw new AppError({
    code: "NATS_SERVER_MISSING",
    kind: "settings",
    message: `${path} is not a nats-server that can be run here.`,
  });
}

type WriteConfigInput = {
  readonly binary: NatsBinary;
  readonly paths: Paths;
  readonly draft: Omit<NatsConfigInput, "syncAlways">;
  readonly syncWanted: boolean;
};

/** Writes the configuration and lets the server itself check it: 2.9 refuses `sync_interval`. Returns whether that is in force. */
async function writeConfig({ binary, paths, draft, syncWanted }: WriteConfigInput): Promise<boolean> {
  makeDirectory(paths.store);
  for (const syncAlways of syncWanted ? [true, false] : [false]) {
    writeFileSync(paths.config, natsConfig({ ...draft, syncAlways }), { mode: 0o600 });
    try {
      await promisify(execFile)(binary.path, ["-t", "-c", paths.config]);
      return syncAlways;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (syncAlways && text.includes("sync_interval")) continue;
      throw new AppError({
        code: "NATS_SERVER_FAILED",
        kind: "broken",
        message: `nats-server ${binary.version} refuses ${paths.config}: ${text}`,
        cause: error,
      });
    }
  }
  return false;
}

type UntilReadyInput = {
  readonly child: ChildProcess;
  readonly exited: Promise<ChildExit>;
  readonly host: string;
  readonly port: number;
  readonly serverName: string;
  readonly log: string;
};

/** The name in the greeting is this start's own, so another server on the port is never taken for ours. */
async function untilReady(input: UntilReadyInput): Promise<void> {
  const startedMs = performance.now();
  let stderr = "";
  input.child.stderr?.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString("utf8")).slice(-LOG_TAIL_CHARS);
  });
  let exit: ChildExit | undefined;
  void input.exited.then((value) => {
    exit = value;
  });
  while (performance.now() - startedMs < READY_TIMEOUT_MS) {
    const greeting = await natsGreeting(input);
    if (greeting?.serverName === input.serverName && greeting.jetstream) return;
    if (exit !== undefined)
      throw failed(
        `ended while starting (${exit.signal ?? `exit code ${exit.code}`})`,
        `${stderr}${await tail(input.log)}`,
      );
    await delay(READY_POLL_MS);
  }
  await endChild({ ...input, graceMs: STOP_GRACE_MS });
  throw failed(`was not ready within ${READY_TIMEOUT_MS / 1000} s`, await tail(input.log));
}

function failed(what: string, log: string): AppError {
  const full = /no space left on device/i.test(log);
  return new AppError({
    code: full ? "DISK_FULL" : "NATS_SERVER_FAILED",
    kind: "unavailable",
    message: `nats-server ${what}${full ? ", because its disk is full" : ""}. The end of its log: ${log.trim() === "" ? "(empty)" : log.trim()}`,
  });
}

async function tail(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).slice(-LOG_TAIL_CHARS);
  } catch {
    return "";
  }
}
