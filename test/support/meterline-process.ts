/** The command line as a process of its own, as a user starts it. Whatever is left running is killed by its pid at the end. */
import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { connectClickHouse, type ClickHouse } from "../../src/clickhouse/connect.ts";
import { connectNats, type Nats } from "../../src/stream/connect.ts";
import { freePort } from "./free-port.ts";
import { copySchemaInto } from "./schema-home.ts";

const ENTRY = resolve(import.meta.dirname, "../../cmd/meterline.ts");
const PASSWORD = "only for tests";
const START_DEADLINE_MS = 110_000;
const END_DEADLINE_MS = 110_000;
const POLL_MS = 20;

export type Instance = { readonly home: string; readonly env: Readonly<Record<string, string>> };
export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

export type Up = {
  readonly pid: number;
  readonly natsUrl: string;
  readonly clickhouseUrl: string;
  /** Metrics and health. */
  readonly httpUrl: string;
  /** Pids of its direct children by what they are. */
  readonly children: () => { readonly nats: number; readonly clickhouse: number };
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Resolves when the process is gone. */
  readonly ended: Promise<Ended>;
};

/** Settings of an instance with ports of its own, in a home that nothing has used yet. */
export async function newInstanceIn(home: string, env: Readonly<Record<string, string>> = {}): Promise<Instance> {
  return {
    home,
    env: {
      METERLINE_HOME: home,
      METERLINE_NATS_PORT: String(await freePort()),
      METERLINE_CLICKHOUSE_PORT: String(await freePort()),
      METERLINE_HTTP_PORT: String(await freePort()),
      METERLINE_CLICKHOUSE_PASSWORD: PASSWORD,
      METERLINE_LOG_LEVEL: "warn",
      ...env,
    },
  };
}

/** The same with the schema already made. */
export async function instanceIn(home: string, env: Readonly<Record<string, string>> = {}): Promise<Instance> {
  await copySchemaInto(home);
  return newInstanceIn(home, env);
}

/** Runs a command to its end. */
export async function runMeterline(instance: Pick<Instance, "env">, args: readonly string[]): Promise<Ended> {
  return await start(instance, args).ended;
}

/** Starts a command and lets it run. */
export function startMeterline(
  instance: Pick<Instance, "env">,
  args: readonly string[],
): Pick<Running, "ended" | "stderr"> & Pick<Up, "signal"> {
  const { child, ended, stderr } = start(instance, args);
  return { ended, stderr, signal: (signal) => void child.kill(signal) };
}

/** Starts `up` and resolves when it says that it is up; rejects with its stderr when it ends before. */
export async function startUp(instance: Instance): Promise<Up> {
  const process_ = start(instance, ["up", "--json"]);
  const said = await until("up says its addresses", START_DEADLINE_MS, () => {
    if (process_.child.exitCode !== null) throw new Error(`up ended: ${process_.stderr()}`);
    return process_.stdout().includes("}") ? process_.stdout() : undefined;
  });
  const { natsUrl, clickhouseUrl, httpUrl } = JSON.parse(said) as Pick<Up, "natsUrl" | "clickhouseUrl" | "httpUrl">;
  const pid = process_.child.pid ?? 0;
  return {
    pid,
    natsUrl,
    clickhouseUrl,
    httpUrl,
    children: () => childrenOf(pid),
    signal: (signal) => void process_.child.kill(signal),
    ended: process_.ended,
  };
}

/** A client each, as any program would have; the caller closes both. */
export async function connectTo(
  up: Pick<Up, "natsUrl" | "clickhouseUrl">,
): Promise<{ readonly nats: Nats; readonly clickhouse: ClickHouse; readonly close: () => Promise<void> }> {
  const nats = await connectNats({ url: up.natsUrl, name: "test" });
  const clickhouse = connectClickHouse({ url: up.clickhouseUrl, user: "default", password: PASSWORD });
  return {
    nats,
    clickhouse,
    close: async () => {
      await nats.close();
      await clickhouse.close();
    },
  };
}

/** Polls until the look gives something; rejects with what was waited for. */
export async function until<T>(
  what: string,
  deadlineMs: number,
  look: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > endMs) throw new Error(`waited ${String(deadlineMs)} ms in vain until ${what}`);
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
}

type Running = {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<Ended>;
};

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

function start({ env }: Pick<Instance, "env">, args: readonly string[]): Running {
  const child = spawn(process.execPath, [ENTRY, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<Ended>((done, failed) => {
    child.once("error", failed);
    child.once("exit", (code) => {
      running.delete(child);
      // A killed parent's children may still hold the pipes, so `close` is not waited for; what was written is read first.
      setImmediate(() => {
        done({ code, stdout, stderr });
      });
    });
  });
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
}

/** Rejects when the process does not end in time. */
export async function endOf(up: Pick<Up, "ended">): Promise<Ended> {
  let ended: Ended | undefined;
  void up.ended.then((value) => {
    ended = value;
  });
  return await until("the process ends", END_DEADLINE_MS, () => ended);
}

function childrenOf(pid: number): { nats: number; clickhouse: number } {
  const pids = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, "utf8")
    .trim()
    .split(" ")
    .map(Number);
  const isNats = (child: number): boolean =>
    readFileSync(`/proc/${String(child)}/cmdline`, "utf8").includes("nats-server");
  const nats = pids.find(isNats);
  const clickhouse = pids.find((child) => !isNats(child));
  if (nats === undefined || clickhouse === undefined) throw new Error(`children of ${String(pid)}: ${pids.join(", ")}`);
  return { nats, clickhouse };
}
